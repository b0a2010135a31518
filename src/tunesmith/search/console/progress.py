"""Prints the progress of all workers of a study to one console."""

from __future__ import annotations

import time
from collections.abc import Callable

from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from tunesmith.errors import UserError
from tunesmith.search.console.lines import show_epoch, show_lost, show_trial
from tunesmith.search.storage.journal import JournalDamaged
from tunesmith.search.study.counts import NONE_ENDED, Counts, check_failure_rate, count
from tunesmith.search.study.study import comparable
from tunesmith.search.study.trial import Attempt, State

# Between two lines about a trial that runs.
EPOCH_LINE_INTERVAL_S = 10.0


class ProgressPrinter:
    """Follows a study that other processes work on."""

    def __init__(self, reopen: Callable[[], Study], max_failure_rate: float, before: Counts = NONE_ENDED) -> None:
        """reopen: gives the study as it is stored; before: its counts when this call of the sweep began."""
        self._reopen = reopen
        self._study = reopen()
        self._max_failure_rate = max_failure_rate
        self._before = before
        self._told = {trial.number for trial in self._trials() if trial.state.is_finished()}
        self._epochs: dict[int, tuple[int | None, float]] = {}
        self._stages: list[tuple[str | None, Callable[[], None]]] = []  # that have begun and are not shown yet

    def update(self) -> list[FrozenTrial]:
        """Print what is new since the last call; return all trials.

        Raises:
            UserError: more than max_failure_rate of this call's trials failed, or the study's first trial met a mistake
                in the config.
        """
        trials = self._trials()
        new = [trial for trial in trials if trial.state.is_finished() and trial.number not in self._told]
        for trial in sorted(new, key=lambda trial: str(trial.datetime_complete)):
            self._told.add(trial.number)
            while Attempt(trial).stage in [name for name, _ in self._stages]:
                self._show_stage()
            self._show_ended(trial, trials)
        while self._stages:
            self._show_stage()
        for trial in trials:
            if trial.state == TrialState.RUNNING:
                self._show_running(trial)
        if new:
            check_failure_rate(count(trials), self._max_failure_rate, self._before, trials)
        return trials

    def add_stage(self, name: str | None, show: Callable[[], None]) -> None:
        """Take in that a stage has begun, to be shown behind the trials that ended before."""
        self._stages.append((name, show))

    def _show_stage(self) -> None:
        _, show = self._stages.pop(0)
        show()

    def _trials(self) -> list[FrozenTrial]:
        try:
            return self._study.get_trials(deepcopy=False)
        except JournalDamaged:
            self._study = self._reopen()
            return self._study.get_trials(deepcopy=False)

    def _show_ended(self, trial: FrozenTrial, trials: list[FrozenTrial]) -> None:
        attempt = Attempt(trial)
        if attempt.state.is_counted:
            beside = comparable(self._study, trial, trials)
            show_trial(trial, [each for each in beside if each.number in self._told], self._study.directions)
        elif attempt.config_error is not None:
            raise UserError(attempt.config_error)
        elif attempt.state == State.LOST:
            show_lost(trial)

    def _show_running(self, trial: FrozenTrial) -> None:
        """Print a line now and then, when there is a new epoch to tell of."""
        now = time.monotonic()
        step, since = self._epochs.setdefault(trial.number, (trial.last_step, now))
        if trial.last_step != step and now - since > EPOCH_LINE_INTERVAL_S:
            self._epochs[trial.number] = (trial.last_step, now)
            show_epoch(trial)
