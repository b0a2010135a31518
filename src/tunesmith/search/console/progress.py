"""Prints the progress of all workers of a study to one console."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Sequence

from optuna import Study
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from tunesmith.errors import UserError
from tunesmith.search.console.display import SIGN_INTERVAL_S, Display, SignsOfLife
from tunesmith.search.console.lines import show_lost, show_trial
from tunesmith.search.console.overview import Overview
from tunesmith.search.storage.journal import JournalDamaged
from tunesmith.search.study.counts import NONE_ENDED, Counts, check_failure_rate, count
from tunesmith.search.study.study import comparable
from tunesmith.search.study.trial import Attempt, State

Look = Callable[[Study, Sequence[FrozenTrial]], Overview]


class ProgressPrinter:
    """Prints each trial of a study when it has ended, whichever process runs it, and shows those that run."""

    def __init__(
        self,
        reopen: Callable[[], Study],
        max_failure_rate: float,
        before: Counts = NONE_ENDED,
        display: Display | None = None,
        look: Look | None = None,
        ended: Iterable[int] | None = None,
    ) -> None:
        """reopen: gives the study as it is stored; before: its counts when this call of the sweep began.

        look: gives what the display shows; None: nothing.
        ended: numbers of the trials that had ended then, given beside a worker of this process, which shows its own
        trials; None: the study is opened now and tells.
        """
        self._reopen = reopen
        self._study: Study | None = None
        self._max_failure_rate = max_failure_rate
        self._before = before
        self._display = display or SignsOfLife(SIGN_INTERVAL_S)
        self._look = look
        self._is_beside_worker = ended is not None
        self._told = set(self._ended() if ended is None else ended)
        self._stages: list[tuple[str | None, Callable[[], None]]] = []  # that have begun and are not shown yet
        self._lock = threading.RLock()  # a worker in this process shows its trials, while a thread shows all others

    def update(self) -> list[FrozenTrial]:
        """Print what is new since the last call; return all trials.

        Raises:
            UserError: more than max_failure_rate of this call's trials failed, or the study's first trial met a mistake
                in the config.
        """
        trials = self._trials()
        with self._lock:
            new = [trial for trial in trials if trial.state.is_finished() and trial.number not in self._told]
            for trial in sorted(new, key=lambda trial: str(trial.datetime_complete)):
                self._told.add(trial.number)
                while Attempt(trial).stage in [name for name, _ in self._stages]:
                    self._show_stage()
                self._show_ended(trial, trials)
            while self._stages:
                self._show_stage()
        if self._look is not None:
            look, study = self._look, self._opened()
            self._display.show(lambda: look(study, trials))
        if new:
            check_failure_rate(count(trials), self._max_failure_rate, self._before, trials)
        return trials

    def show(self, trial: FrozenTrial, beside: list[FrozenTrial], directions: Sequence[StudyDirection]) -> None:
        """Print an ended trial, unless that has been done."""
        with self._lock:
            if trial.number not in self._told:
                self._told.add(trial.number)
                self._print(trial, beside, directions)

    def add_stage(self, name: str | None, show: Callable[[], None]) -> None:
        """Take in that a stage has begun, to be shown behind the trials that ended before."""
        self._stages.append((name, show))

    def restore(self) -> None:
        """Show again what runs, if a line has taken its place."""
        self._display.restore()

    def close(self) -> None:
        """Leave nothing on the console but what was printed."""
        self._display.close()

    def _show_stage(self) -> None:
        _, show = self._stages.pop(0)
        show()

    def _opened(self) -> Study:
        if self._study is None:
            self._study = self._reopen()
        return self._study

    def _trials(self) -> list[FrozenTrial]:
        try:
            return self._opened().get_trials(deepcopy=False)
        except JournalDamaged:
            self._study = None
            return self._opened().get_trials(deepcopy=False)

    def _ended(self) -> list[int]:
        return [trial.number for trial in self._trials() if trial.state.is_finished()]

    def _show_ended(self, trial: FrozenTrial, trials: list[FrozenTrial]) -> None:
        attempt = Attempt(trial)
        if attempt.state.is_counted:
            beside = comparable(self._opened(), trial, trials)
            self._print(trial, [each for each in beside if each.number in self._told], self._opened().directions)
        elif attempt.config_error is not None:
            raise UserError(attempt.config_error)
        elif attempt.state == State.LOST and not (self._is_beside_worker and _is_own(attempt)):
            show_lost(trial)
            self._display.note_line()

    def _print(self, trial: FrozenTrial, beside: list[FrozenTrial], directions: Sequence[StudyDirection]) -> None:
        show_trial(trial, beside, directions, self._display.is_table)
        self._display.note_line()


def _is_own(attempt: Attempt) -> bool:
    """Whether this process ran the attempt, and has said why it ended."""
    owner = attempt.owner
    return owner is not None and owner.pid == os.getpid() and owner.is_here()
