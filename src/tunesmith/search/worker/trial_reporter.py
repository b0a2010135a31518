"""The reporter of a trial, in the process of its worker."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from optuna import Trial
from optuna.exceptions import UpdateFinishedTrialError

from tunesmith.errors import AttemptLost, RunFailed
from tunesmith.search.sampling.sampler import FIRST_ATTEMPT
from tunesmith.search.storage.journal import JournalDamaged
from tunesmith.search.storage.reconnecting import StorageLost
from tunesmith.search.study.heartbeat import Lease
from tunesmith.search.study.study import EPOCHS
from tunesmith.search.worker.interruption import Interruption


class TrialReporter:
    """Passes a run's epochs on to its trial, and asks the pruner."""

    def __init__(
        self,
        trial: Trial,
        params: Mapping[str, Any],
        interruption: Interruption,
        lease: Lease,
        trial_timeout: float | None = None,
    ) -> None:
        self.params = params
        self.is_retry = FIRST_ATTEMPT in trial.user_attrs
        self._trial = trial
        self._interruption = interruption
        self._lease = lease
        self._trial_timeout = trial_timeout
        self._started = time.monotonic()
        self._reported = _reported_before(trial) if self.is_retry else set()
        self._epochs = 0
        self._is_step_an_epoch = True

    def report(self, step: int, value: float, epochs: int = 1) -> bool:
        """A step that an earlier attempt has reported is not reported again."""
        self.poll()
        try:
            self._count(epochs)
            if step not in self._reported:
                self._trial.report(value, step)
                self._reported.add(step)
            return self._trial.should_prune()
        except UpdateFinishedTrialError:
            raise AttemptLost("taken away by another worker") from None
        except (JournalDamaged, StorageLost) as error:  # not the job's, and it cannot go on
            raise AttemptLost(str(error)) from None

    def poll(self) -> None:
        if self._interruption.signal is not None:
            raise AttemptLost("interrupted")
        if self._lease.is_taken:
            raise AttemptLost("taken away by another worker")
        limit = self._trial_timeout
        if limit is not None and time.monotonic() - self._started > limit:
            raise RunFailed(f"the trial took longer than hydra.sweeper.trial_timeout={limit:g} s")

    def _count(self, epochs: int) -> None:
        self._epochs += epochs
        self._is_step_an_epoch &= epochs == 1
        if not self._is_step_an_epoch:
            self._trial.set_user_attr(EPOCHS, self._epochs)


def _reported_before(trial: Trial) -> set[int]:
    """Return the steps that earlier attempts have reported; a database answers seven queries for it."""
    return set(trial.study.get_trials(deepcopy=False)[trial.number].intermediate_values)
