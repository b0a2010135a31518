"""Follows a sweep on the console: a line for each trial that has ended, and what runs as the console can show it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from functools import partial

from optuna import Study
from optuna.trial import FrozenTrial

from tunesmith.errors import UserError
from tunesmith.search.console.display import choose_display, interval_for
from tunesmith.search.console.overview import Overview, running_trials, time_left
from tunesmith.search.console.progress import ProgressPrinter
from tunesmith.search.opening import StudyOpener
from tunesmith.search.results import planned_epochs
from tunesmith.search.settings import Settings
from tunesmith.search.staged_study import StagedStudy, Stages
from tunesmith.search.storage.journal import JournalDamaged
from tunesmith.search.study.counts import Counts, count, num_counted
from tunesmith.search.study.front import pareto_front
from tunesmith.search.study.study import best_trial
from tunesmith.search.study.trial import Attempt

# Between two looks at whether the table has to be drawn again below new lines.
POLL_INTERVAL_S = 0.2
# How long the thread may take to end: it may wait for a database, or for a terminal that is held.
END_S = 5.0


def make_progress(
    settings: Settings,
    stages: Stages,
    opener: StudyOpener,
    started: float,
    before: Counts,
    n_workers: int,
    worked_on: Study | None = None,
) -> ProgressPrinter:
    """Return what follows a sweep.

    started: of the sweep, on the scale of time.monotonic(); before: the study's counts when this call of it began.
    worked_on: the study of a worker in this process, beside which the study is read; None: workers are processes.
    """

    def look(study: Study, trials: Sequence[FrozenTrial]) -> Overview:
        assert isinstance(study, StagedStudy)
        return look_at(study, trials, settings, stages.n_trials(), n_workers, time.monotonic() - started)

    display = choose_display(settings.live)
    if worked_on is None:
        return ProgressPrinter(opener.reopen, settings.max_failure_rate, before, display, look)
    ended = [trial.number for trial in worked_on.get_trials(deepcopy=False) if trial.state.is_finished()]
    return ProgressPrinter(opener.follow, settings.max_failure_rate, before, display, look, ended)


@contextmanager
def in_thread(progress: ProgressPrinter) -> Iterator[ProgressPrinter]:
    """Follow the sweep from a thread for the time of a block in which this process runs trials itself."""
    over = threading.Event()
    thread = threading.Thread(target=_follow_until, args=(over, progress), daemon=True)
    thread.start()
    with closing(progress):  # even if a second Ctrl-C ends the wait for the thread
        try:
            yield progress
        finally:
            over.set()
            thread.join(END_S)


def _follow_until(over: threading.Event, progress: ProgressPrinter) -> None:
    interval = interval_for(0.0)
    looked = time.monotonic()
    while not over.wait(POLL_INTERVAL_S):
        progress.restore()
        if time.monotonic() - looked < interval:
            continue
        began = time.thread_time()
        with suppress(UserError, OSError, JournalDamaged):  # the worker meets what ends the sweep, and says so
            progress.update()
        interval = interval_for(time.thread_time() - began)
        looked = time.monotonic()


def look_at(
    study: StagedStudy,
    trials: Sequence[FrozenTrial],
    settings: Settings,
    n_trials: int,
    n_workers: int,
    elapsed: float,
) -> Overview:
    """Return a sweep at this moment; trials: all of the study's."""
    stage = study.current()[0]
    name, directions = stage.stage.name, study.directions
    of_stage = trials if name is None else [trial for trial in trials if Attempt(trial).stage == name]
    done, done_of_stage = num_counted(study.counted()), num_counted(of_stage)
    left = n_trials - done if stage.stage.is_counted else stage.n_trials - done_of_stage
    best = best_trial(study.candidates(), directions[0]) if len(directions) == 1 else None
    running = running_trials(trials, directions[0], partial(_planned, study, settings))
    return Overview(
        done,
        n_trials,
        count(trials),
        elapsed,
        None if name is None else (name, done_of_stage, stage.n_trials),
        None if best is None else (best.values[0], best.number),
        None if len(directions) == 1 else len(pareto_front(trials, directions)),
        time_left(of_stage, left, max(n_workers, len(running)), datetime.now()),
        running,
    )


def _planned(study: StagedStudy, settings: Settings, trial: FrozenTrial) -> int | None:
    """Return the epochs of a trial that is not pruned, None if the app has no such number."""
    if settings.max_epochs is None:
        return None
    pairs = [text.lstrip("+~").partition("=") for text in study.of(trial)[0].stage.overrides]
    of_stage = {key: int(value) for key, _, value in pairs if value.isdecimal()}
    return planned_epochs({**of_stage, **Attempt(trial).params}, settings.max_epochs, settings.folds)
