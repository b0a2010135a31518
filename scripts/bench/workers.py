"""(e) and (g): what a second worker gains, and the memory of one process after many trials."""

import re
import subprocess
import sys
from statistics import median

import optuna
import psutil
from finished_trials import counted, epochs_of, span
from measuring import TRAIN, call, each, temporary_folder

PAIRS = 3
RATES = ",".join(f"{1e-4 * 10 ** (2 * step / 23):.4g}" for step in range(24))
SAME_TRIALS = ("space=none", f"optimizer.lr={RATES}", "data.batch_size=32", "hydra/sweeper/pruner=none")


def compare_two_with_one() -> str:
    """Compare on the same trials, none of which is pruned, from the first ask to the last tell."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    pairs = [(_epochs_a_second(1), _epochs_a_second(2)) for _ in range(PAIRS)]
    ratios = [two / one for one, two in pairs]
    one, two = (median(column) for column in zip(*pairs, strict=True))
    rates = f"{two:.1f} epochs a second with two workers, {one:.1f} with one"
    return f"{rates}: {median(ratios):.2f}x, median of {each(ratios)} (limit at least 1.8x)"


def _epochs_a_second(n_workers: int) -> float:
    with temporary_folder() as folder:
        call(folder, TRAIN, "-m", "study_name=s", f"hydra.sweeper.n_workers={n_workers}", *SAME_TRIALS)
        trials = counted(folder, "s")
    return epochs_of(trials) / span(trials)


def memory() -> str:
    """Measure the resident set of the process after each trial."""
    command = [sys.executable, TRAIN, "-m", "study_name=s", "hydra.sweeper.n_trials=100"]
    with temporary_folder() as folder:
        sweep = subprocess.Popen([*command, "trainer.max_epochs=3"], cwd=folder, stdout=subprocess.PIPE, text=True)
        assert sweep.stdout is not None
        process, sizes = psutil.Process(sweep.pid), []
        for line in sweep.stdout:
            if re.match(r"trial +\d+ ", line):
                sizes.append(process.memory_info().rss / 2**20)
        sweep.wait()
    ten, half, hundred = sizes[9], sizes[49], sizes[99]
    return f"{ten:.0f} MiB after 10 trials, {half:.0f} after 50, {hundred:.0f} after 100: {hundred / ten:.2f}x"
