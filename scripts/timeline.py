"""Draws which worker ran which trial when, and how long each was idle: python scripts/timeline.py FOLDER

FOLDER is a study's: outputs/sweeps/<study_name>. A trial is drawn by the last digit of its number, an idle worker by a
dot; x is an attempt that was lost. A worker is idle from the end of one trial to the start of its next one.
"""

import sys
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial

from tunesmith.mistakes.explain import exit_on_error
from tunesmith.search.storage.storage import JOURNAL_FILE, open_journal
from tunesmith.search.study.trial import Attempt, State

WIDTH = 100


def main() -> None:
    if len(sys.argv) != 2 or not Path(sys.argv[1], JOURNAL_FILE).is_file():
        sys.exit(f"usage: python scripts/timeline.py FOLDER, the folder of a study; there is no {JOURNAL_FILE} in it")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with exit_on_error():
        print(*lines(read(Path(sys.argv[1]))), sep="\n")


def read(folder: Path) -> list[FrozenTrial]:
    """Return the attempts of a study that some worker has run and that are over."""
    storage = open_journal(folder / JOURNAL_FILE)
    (summary,) = optuna.get_all_study_summaries(storage)
    trials = optuna.load_study(study_name=summary.study_name, storage=storage).trials
    return [trial for trial in trials if Attempt(trial).owner is not None and has_run(Attempt(trial))]


def has_run(attempt: Attempt) -> bool:
    return attempt.state.is_counted or attempt.state == State.LOST


def lines(trials: list[FrozenTrial]) -> list[str]:
    """Return a line per worker, longest idle time last."""
    if not trials:
        return ["no trial has ended"]
    begin = min(trial.datetime_start.timestamp() for trial in trials)
    seconds = max(trial.datetime_complete.timestamp() for trial in trials) - begin
    workers = defaultdict(list)
    for trial in sorted(trials, key=lambda trial: trial.datetime_start):
        owner = Attempt(trial).owner
        workers[f"{owner.host} {owner.pid if owner.worker is None else owner.worker}"].append(trial)
    drawn = [f"{name:<12} {_bar(run, begin, seconds)} {_idle(run)}" for name, run in sorted(workers.items())]
    return [f"{len(trials)} attempts in {seconds:.1f} s", *drawn]


def _bar(trials: list[FrozenTrial], begin: float, seconds: float) -> str:
    cells = ["."] * WIDTH
    for trial in trials:
        first, last = (
            int((moment.timestamp() - begin) / max(seconds, 1e-9) * (WIDTH - 1))
            for moment in (trial.datetime_start, trial.datetime_complete)
        )
        letter = "x" if Attempt(trial).state == State.LOST else str(trial.number % 10)
        cells[first : last + 1] = letter * (last + 1 - first)
    return "".join(cells)


def _idle(trials: list[FrozenTrial]) -> str:
    gaps = [(after.datetime_start - before.datetime_complete).total_seconds() for before, after in pairwise(trials)]
    return f"{len(trials):>3} trials, idle {sum(gaps):.2f} s, at most {max(gaps, default=0.0):.2f} s"


if __name__ == "__main__":
    main()
