"""The loop of a worker: ask for a trial, compose it, have it run, tell how it ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import optuna
from omegaconf import DictConfig
from optuna import Study, Trial
from optuna.trial import TrialState

from tunesmith.errors import AttemptLost, UserError
from tunesmith.reporting import Reporter
from tunesmith.search.console.lines import say, show_trial
from tunesmith.search.space.compose import Composer
from tunesmith.search.storage.journal import JournalDamaged
from tunesmith.search.storage.reconnecting import StorageLost
from tunesmith.search.study.attempts import StaleTrials, ask, requeue, tell
from tunesmith.search.study.heartbeat import Lease
from tunesmith.search.study.study import CONFIG_ERROR, REASON, Counts, count, counts, folder_name, is_over
from tunesmith.search.worker.interruption import Interruption
from tunesmith.search.worker.trial_reporter import TrialReporter

# max_failure_rate is judged from this many finished trials on.
MIN_TRIALS_TO_JUDGE = 5
# Between two looks at the trials of the others.
HEALING_SECONDS = 1.0
WAITING_SECONDS = 0.2


@dataclass(frozen=True)
class Assignment:
    """A trial to run: its config, and the reporter that is handed to it."""

    trial: Trial
    config: DictConfig
    reporter: Reporter


@dataclass(frozen=True)
class Outcome:
    """How an assignment ended; value is None unless the state is COMPLETE, reason None unless it is FAIL.

    ends_worker: the process cannot run another trial.
    """

    assignment: Assignment
    state: TrialState
    value: float | None = None
    reason: str | None = None
    error: BaseException | None = None
    ends_worker: bool = False


class Executor(Protocol):
    """Runs assignments and yields each one's outcome as it ends; raises AttemptLost where one has to be given back."""

    def __call__(self, assignments: Sequence[Assignment]) -> Iterator[Outcome]: ...


class WorkerMustRestart(Exception):
    """This process cannot run another trial: the rest of the budget needs a fresh one."""


@dataclass(frozen=True)
class Limits:
    """What ends a search besides its space.

    timeout: seconds after which no trial is started; trial_timeout: seconds that an attempt may take.
    """

    n_trials: int
    max_failure_rate: float = 0.5
    max_retries: int = 2
    timeout: float | None = None
    trial_timeout: float | None = None


@dataclass
class Worker:
    """Runs trials of a study until its budget is spent, one at a time.

    suggest: draws a trial's values, override key -> value; folder: the study's.
    """

    study: Study
    suggest: Callable[[Trial], Mapping[str, Any]]
    composer: Composer
    execute: Executor
    limits: Limits
    interruption: Interruption
    folder: Path
    started: float = field(default_factory=time.monotonic)
    healed: float = 0.0
    is_waiting: bool = False

    def work(self) -> None:
        """Return when n_trials count, the time is over, or the sweep was asked to end.

        A worker without a trial waits while others run theirs: one of them may be lost.

        Raises:
            UserError: more than max_failure_rate of the trials failed, the study's first trial met a user's mistake,
                or its database does not answer.
            WorkerMustRestart: the process can run no further trial.
        """
        try:
            self._work(StaleTrials(self.study, self.limits.max_retries))
        except JournalDamaged as error:
            raise WorkerMustRestart(str(error)) from None

    def _work(self, healer: StaleTrials) -> None:
        while not self.is_ending():
            if time.monotonic() - self.healed > HEALING_SECONDS:
                self.healed = time.monotonic()
                healer.heal()
            trial = ask(self.study, self.limits.n_trials, self.folder)
            if trial is not None:
                self._run(trial)
            elif is_over(self.study.get_trials(deepcopy=False), self.limits.n_trials):
                return
            else:
                self._wait()

    def is_ending(self) -> bool:
        """Whether no further trial is to be started."""
        seconds = self.limits.timeout
        is_late = seconds is not None and time.monotonic() - self.started >= seconds
        return is_late or self.interruption.signal is not None

    def _wait(self) -> None:
        if not self.is_waiting:
            self.is_waiting = True
            say("waiting for trials that other workers run")
        time.sleep(WAITING_SECONDS)

    def _run(self, trial: Trial) -> None:
        self.is_waiting = False
        lease = Lease()
        try:
            with lease.held(trial):
                assignment = self._assign(trial, lease)
                (outcome,) = self.execute([assignment])
                is_told = self._tell(outcome)
        except AttemptLost:
            requeue(self.study, trial.number)
            return
        except optuna.exceptions.UpdateFinishedTrialError:
            return
        except BaseException:
            with suppress(JournalDamaged, StorageLost):
                requeue(self.study, trial.number)
            raise
        if is_told:  # otherwise another worker has taken it away, and runs it again
            self._show(trial)
        if outcome.ends_worker:
            raise WorkerMustRestart(outcome.reason)

    def _assign(self, trial: Trial, lease: Lease) -> Assignment:
        params = self.suggest(trial)
        config = self.composer.compose(params, trial.number, folder_name(trial))
        reporter = TrialReporter(trial, params, self.interruption, lease, self.limits.trial_timeout)
        return Assignment(trial, config, reporter)

    def _tell(self, outcome: Outcome) -> bool:
        trial = outcome.assignment.trial
        if isinstance(outcome.error, UserError) and count(self.study).counted == 0:
            trial.set_user_attr(CONFIG_ERROR, outcome.reason)
            raise outcome.error
        if outcome.state == TrialState.FAIL:
            trial.set_user_attr(REASON, outcome.reason)
        return tell(self.study, trial.number, outcome.state, outcome.value)

    def _show(self, trial: Trial) -> None:
        trials = self.study.get_trials(deepcopy=False)
        show_trial(trials[trial.number], trials, self.study.direction)
        check_failure_rate(counts(trials), self.limits.max_failure_rate)


def check_failure_rate(counts: Counts, max_failure_rate: float) -> None:
    """Raise UserError where more than max_failure_rate of the finished trials have failed."""
    if counts.counted < MIN_TRIALS_TO_JUDGE or counts.failed <= max_failure_rate * counts.counted:
        return
    raise UserError(
        f"hydra.sweeper.max_failure_rate={max_failure_rate} is exceeded: {counts.failed} of {counts.counted} trials "
        "failed; trials.csv has the reasons"
    )
