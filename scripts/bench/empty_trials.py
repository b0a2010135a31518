"""(b) and (f): what the sweeper adds to a trial whose job does nothing."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from textwrap import dedent

import optuna
from finished_trials import counted, span
from measuring import call, each, temporary_folder

from tunesmith.search.storage.storage import open_journal

TRIALS, PAIRS = 100, 3
TRIALS_OF_FOUR, RUNS_OF_FOUR = 200, 5


def compare_with_optuna() -> str:
    """Compare with Optuna's own ask and tell on the same storage."""
    with _job_folder() as folder:
        pairs = [(_sweep(folder, f"s{number}")[1], _optuna(folder, number)) for number in range(PAIRS)]
    sweeper, alone = (median(column) for column in zip(*pairs, strict=True))
    added = median(our - other for our, other in pairs)
    return f"{sweeper:.1f} ms an empty trial, Optuna alone {alone:.1f} ms: {added:.1f} ms added (limit 40 ms)"


def four_workers() -> str:
    settings = (f"hydra.sweeper.n_trials={TRIALS_OF_FOUR}", "hydra.sweeper.n_workers=4")
    with _job_folder() as folder:
        runs = [_sweep(folder, f"s{number}", *settings) for number in range(RUNS_OF_FOUR)]
    numbers = ", ".join(str(number) for number, _ in runs)
    times = [milliseconds for _, milliseconds in runs]
    return f"{median(times):.1f} ms an empty trial, median of {each(times, '.1f')} (limit 30 ms); counted {numbers}"


def _sweep(folder: Path, study: str, *settings: str) -> tuple[int, float]:
    """Return how many trials count, and ms per trial, from the first ask to the last tell."""
    call(folder, "job.py", "-m", f"study_name={study}", *settings)
    trials = counted(folder, study)
    return len(trials), span(trials) / len(trials) * 1e3


def _optuna(folder: Path, number: int) -> float:
    storage = open_journal(folder / f"optuna{number}.journal")
    study = optuna.create_study(storage=storage, sampler=optuna.samplers.TPESampler(seed=0))
    started = time.perf_counter()
    for _ in range(TRIALS):
        trial = study.ask()
        study.tell(trial, trial.suggest_float("x", 0, 1))
    return (time.perf_counter() - started) / TRIALS * 1e3


@contextmanager
def _job_folder() -> Iterator[Path]:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with temporary_folder() as folder:
        (folder / "job.py").write_text(JOB)
        (folder / "job.yaml").write_text(CONFIG)
        yield folder


JOB = dedent(
    """
    import hydra

    @hydra.main(version_base="1.3", config_path=".", config_name="job")
    def main(cfg):
        return cfg.x

    main()
    """
)
CONFIG = dedent(
    f"""
    defaults:
      - _self_
      - override hydra/sweeper: tunesmith
    x: 0.5
    study_name: empty
    hydra:
      sweep:
        dir: outputs/sweeps/${{study_name}}
      sweeper:
        study_name: ${{study_name}}
        n_trials: {TRIALS}
        seed: 0
        params:
          x: interval(0, 1)
    """
)
