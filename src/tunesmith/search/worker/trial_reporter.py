"""The reporter of a trial, in the process of its worker."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from optuna import Trial
from optuna.exceptions import UpdateFinishedTrialError

from tunesmith.errors import AttemptLost, AttemptTaken, MachineFault, RunFailed
from tunesmith.search.attribute_names import EPOCHS, FINDINGS
from tunesmith.search.storage.journal import JournalDamaged
from tunesmith.search.study.same_data import record_data
from tunesmith.search.study.shown_study import unwrapped
from tunesmith.search.study.study_of_space import StudyOfSpace
from tunesmith.search.study.trial import Attempt
from tunesmith.search.worker.interruption import Interruption

TAKEN_AWAY = "taken away by another worker"


class TrialReporter:
    """Passes a run's epochs on to its trial, and asks the pruner."""

    def __init__(
        self,
        trial: Trial,
        params: Mapping[str, Any],
        interruption: Interruption,
        is_taken: Callable[[], bool],
        trial_timeout: float | None = None,
    ) -> None:
        """is_taken: whether another worker has ended the attempt; trial_timeout: seconds that the attempt may take.

        Attributes:
            progress: how often the run has reported or polled: it grows while the run gets on.
            metrics: what the run has said of itself, by which constraints are judged.
        """
        self.params = params
        self.is_retry = Attempt(trial).is_retry
        self._trial = trial
        self._has_several_objectives = len(trial.study.directions) > 1
        self._interruption = interruption
        self._is_taken = is_taken
        self._trial_timeout = trial_timeout
        self._started = time.monotonic()
        self._reported_before = _steps_reported_before(trial) if self.is_retry else set()
        self._judged_before = max(self._reported_before, default=-math.inf)
        self._step = -math.inf
        self._epochs = 0
        self.progress = 0
        self.metrics: dict[str, float] = {}
        self._is_step_an_epoch = True

    def report_data(self, digest: str) -> None:
        self.poll()
        with _lost_with_its_storage():
            study = unwrapped(self._trial.study)
            assert isinstance(study, StudyOfSpace)
            record_data(study, self._trial, digest)

    def report(self, step: int, value: float, epochs: int = 1) -> None:
        """Take the value of a step, unless an earlier attempt has reported it; Optuna warns of one reported twice."""
        self.poll()
        with _lost_with_its_storage():
            self._count(epochs)
            self._step = step
            if step in self._reported_before:
                self._reported_before.remove(step)
            elif self._has_several_objectives:  # Optuna's report refuses; its storage keeps the value all the same
                self._trial.storage.set_trial_intermediate_value(self._trial._trial_id, step, value)
            else:
                self._trial.report(value, step)

    def report_metrics(self, metrics: Mapping[str, float]) -> None:
        self.poll()
        self.metrics |= metrics

    def report_findings(self, names: Sequence[str]) -> None:
        if names:  # most trials have none, and each write costs one of the storage
            with _lost_with_its_storage():
                self._trial.set_user_attr(FINDINGS, list(names))

    def should_stop(self) -> bool:
        """Ask the pruner, which judges the last step that any attempt has reported, only at that step and after it.

        An attempt trains again what an earlier one had reported and not saved.
        """
        if self._has_several_objectives or self._step < self._judged_before:
            return False
        with _lost_with_its_storage():
            return self._trial.should_prune()

    def poll(self) -> None:
        self.progress += 1
        self.check()

    def check(self) -> None:
        """Raise as poll does, for whoever waits for a run: it is no sign of the run's progress."""
        if self._is_taken():  # first: whoever is interrupted may still write into the trial's folder
            raise AttemptTaken(TAKEN_AWAY)
        if self._interruption.signal is not None:
            raise AttemptLost("interrupted")
        limit = self._trial_timeout
        if limit is not None and time.monotonic() - self._started > limit:
            raise RunFailed(timeout_reason(limit))

    def _count(self, epochs: int) -> None:
        self._epochs += epochs
        self._is_step_an_epoch &= epochs == 1
        if not self._is_step_an_epoch:
            self._trial.set_user_attr(EPOCHS, self._epochs)


def timeout_reason(limit: float) -> str:
    """Return why a trial has failed whose time is over."""
    return f"the trial took longer than hydra.sweeper.trial_timeout={limit:g} s"


def _steps_reported_before(trial: Trial) -> set[int]:
    """Return the steps that earlier attempts have reported; a database answers seven queries for it."""
    return set(unwrapped(trial.study).get_trials(deepcopy=False)[trial.number].intermediate_values)


@contextmanager
def _lost_with_its_storage() -> Iterator[None]:
    """Raise AttemptLost if the study no longer accepts reports, which is no fault of the run."""
    try:
        yield
    except UpdateFinishedTrialError:
        raise AttemptTaken(TAKEN_AWAY) from None
    except (JournalDamaged, MachineFault) as error:
        raise AttemptLost(str(error)) from error
