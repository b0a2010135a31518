"""What a worker hands to a run: a Reporter, held in one ContextVar for the time of the trial."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol


class Reporter(Protocol):
    """Takes a run's objective of each epoch and answers whether to stop."""

    @property
    def params(self) -> Mapping[str, Any]:
        """What the sweep varies in this trial: override key -> value."""

    @property
    def is_retry(self) -> bool:
        """Whether an earlier attempt of this trial was lost: the run goes on from its last checkpoint."""

    def report(self, step: int, value: float, epochs: int = 1) -> bool:
        """Take the value of a step (an epoch or a fold, from 1); return True where the run should stop.

        epochs: that the step took.
        """

    def poll(self) -> None:
        """Leave the run where it has to end now; called once a batch.

        Raises:
            AttemptLost: interrupted, or taken away from this worker.
            RunFailed: the trial's time is over.
        """


@dataclass(frozen=True)
class NoReporter:
    """A plain run's: nobody listens, nobody stops it."""

    params: Mapping[str, Any] = field(default_factory=dict)
    is_retry: bool = False

    def report(self, step: int, value: float, epochs: int = 1) -> bool:
        return False

    def poll(self) -> None:
        return


_NOBODY = NoReporter()
_reporter: ContextVar[Reporter] = ContextVar("tunesmith_reporter", default=_NOBODY)


def is_trial() -> bool:
    """Tell a trial from a plain run."""
    return current_reporter() is not _NOBODY


def current_reporter() -> Reporter:
    """Return the reporter of the trial that this code runs in, one that does nothing in a plain run."""
    return _reporter.get()


@contextmanager
def handed_over(reporter: Reporter) -> Iterator[None]:
    """Make a reporter the current one for the time of a trial."""
    token = _reporter.set(reporter)
    try:
        yield
    finally:
        _reporter.reset(token)


def report(value: float, step: int) -> None:
    """Report an intermediate value from any Hydra job; ends the job here when its trial is pruned.

    step: counts from 1. A plain run goes on whatever is reported.

    Raises:
        optuna.TrialPruned: the pruner stops this trial; let it pass.
    """
    if current_reporter().report(step, float(value)):
        from optuna import TrialPruned

        raise TrialPruned(f"pruned at step {step}")
