"""What workers gain and cost, measured in one run: python scripts/bench_workers.py

(e) epochs a second of two workers against one, from the first ask to the last tell: the same trials, none pruned
(f) an empty trial with four workers, from the first ask to the last tell of 200
(g) the memory of one process after 10 and after 100 trials
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path
from statistics import median

import optuna
import psutil
from bench import EMPTY_CONFIG, EMPTY_JOB, ROOT, call, machine, temporary_folder
from optuna.trial import FrozenTrial

from tunesmith.search.storage.storage import open_journal
from tunesmith.search.study.trial import Attempt

PAIRS = 3
EMPTY_TRIALS, EMPTY_RUNS = 200, 5
RATES = ",".join(f"{1e-4 * 10 ** (2 * step / 23):.4g}" for step in range(24))
SAME_TRIALS = ("space=none", f"optimizer.lr={RATES}", "data.batch_size=32", "hydra/sweeper/pruner=none")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("e", "f", "g"), nargs="*", default=["e", "f", "g"])
    chosen = parser.parse_args().only
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    print(machine())
    for name, measure in (("e", workers), ("f", empty_trials), ("g", memory)):
        if name in chosen:
            print(f"({name}) {measure()}", flush=True)


def workers() -> str:
    pairs = [(epochs_a_second(1), epochs_a_second(2)) for _ in range(PAIRS)]
    ratios = [two / one for one, two in pairs]
    one, two = (median(column) for column in zip(*pairs, strict=True))
    each = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    return f"{two:.1f} epochs a second with two workers, {one:.1f} with one: {median(ratios):.2f}x, median of {each}"


def epochs_a_second(n_workers: int) -> float:
    with temporary_folder() as folder:
        call(folder, str(ROOT / "train.py"), "-m", "study_name=s", f"hydra.sweeper.n_workers={n_workers}", *SAME_TRIALS)
        trials = counted(folder, "s")
    return sum(Attempt(trial).epochs for trial in trials) / span(trials)


def empty_trials() -> str:
    with temporary_folder() as folder:
        (folder / "job.py").write_text(EMPTY_JOB)
        (folder / "job.yaml").write_text(EMPTY_CONFIG)
        runs = [empty_run(folder, number) for number in range(EMPTY_RUNS)]
    numbers = ", ".join(str(number) for number, _ in runs)
    each = ", ".join(f"{milliseconds:.1f}" for _, milliseconds in runs)
    return f"{median(ms for _, ms in runs):.1f} ms an empty trial, median of {each} (limit 30 ms); counted {numbers}"


def empty_run(folder: Path, number: int) -> tuple[int, float]:
    """Return how many trials count, and ms per trial."""
    study = f"s{number}"
    settings = (f"hydra.sweeper.n_trials={EMPTY_TRIALS}", "hydra.sweeper.n_workers=4")
    call(folder, "job.py", "-m", f"study_name={study}", *settings)
    trials = counted(folder, study)
    return len(trials), span(trials) / len(trials) * 1e3


def memory() -> str:
    """Measure the resident set of the process after each trial."""
    command = [sys.executable, str(ROOT / "train.py"), "-m", "study_name=s", "hydra.sweeper.n_trials=100"]
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


def counted(folder: Path, study: str) -> list[FrozenTrial]:
    storage = open_journal(folder / "outputs" / "sweeps" / study / "study.journal")
    return [
        trial
        for trial in optuna.load_study(study_name=study, storage=storage).trials
        if Attempt(trial).state.is_counted
    ]


def span(trials: list[FrozenTrial]) -> float:
    """Return the seconds from the first ask to the last tell."""
    begin, end = min(trial.datetime_start for trial in trials), max(trial.datetime_complete for trial in trials)
    return (end - begin).total_seconds()


if __name__ == "__main__":
    main()
