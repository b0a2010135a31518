"""The Reporter, which takes the objective of each epoch; one ContextVar holds it while a trial runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol


class Reporter(Protocol):
    """Takes a run's objective of each epoch, and answers whether the run should stop.

    These are two calls, so that several trials of one worker can all report before any of them is judged.
    """

    @property
    def params(self) -> Mapping[str, Any]:
        """What the sweep varies in this trial: override key -> value."""

    @property
    def is_retry(self) -> bool:
        """Whether an earlier attempt of this trial was lost: the run goes on from its last checkpoint."""

    def report_data(self, digest: str) -> None:
        """Say which data the run trains on, before it writes anything.

        Raises:
            UserError: earlier trials of the study had other data.
        """

    def report(self, step: int, value: float, epochs: int = 1) -> None:
        """Take the value of a step (an epoch or a fold, from 1); epochs: how many epochs the step took."""

    def report_metrics(self, metrics: Mapping[str, float]) -> None:
        """Take what the run is to be judged by besides its objective: name -> number, of the whole run."""

    def report_findings(self, names: Sequence[str]) -> None:
        """Take what went wrong in the run, by the names of tunesmith.insight.findings, the first cause first."""

    def should_stop(self) -> bool:
        """Return whether the pruner stops the run, judged by what was reported so far."""

    def poll(self) -> None:
        """Leave the run if it has to end now; called once a batch.

        Raises:
            AttemptLost: interrupted, or taken away from this worker.
            RunFailed: the trial's time is over.
        """


@dataclass(frozen=True)
class NoReporter:
    """Used outside of sweeps: ignores reports and never stops the run."""

    params: Mapping[str, Any] = field(default_factory=dict)
    is_retry: bool = False

    def report_data(self, digest: str) -> None:
        return

    def report(self, step: int, value: float, epochs: int = 1) -> None:
        return

    def report_metrics(self, metrics: Mapping[str, float]) -> None:
        return

    def report_findings(self, names: Sequence[str]) -> None:
        return

    def should_stop(self) -> bool:
        return False

    def poll(self) -> None:
        return


_NOBODY = NoReporter()
_reporter: ContextVar[Reporter] = ContextVar("tunesmith_reporter", default=_NOBODY)


def is_trial() -> bool:
    """Tell a trial from a plain run."""
    return current_reporter() is not _NOBODY


def current_reporter() -> Reporter:
    """Return the reporter of the trial that this code runs in; in a plain run, one that does nothing."""
    return _reporter.get()


@contextmanager
def hand_over(reporter: Reporter) -> Iterator[None]:
    """Make a reporter the current one for the time of a trial."""
    token = _reporter.set(reporter)
    try:
        yield
    finally:
        _reporter.reset(token)


def report(value: float, step: int) -> None:
    """Report an intermediate value from any Hydra job; ends the job here if its trial is pruned.

    step: counts from 1. Outside of a sweep nothing happens.

    Raises:
        optuna.TrialPruned: the pruner stops this trial; let it pass.
    """
    reporter = current_reporter()
    reporter.report(step, float(value))
    if reporter.should_stop():
        from optuna import TrialPruned

        raise TrialPruned(f"pruned at step {step}")


def report_metrics(metrics: Mapping[str, float]) -> None:
    """Say what a Hydra job is to be judged by besides its objective, for hydra.sweeper.constraints.

    metrics: name -> number, such as {"megabytes": 3.2}; a later call adds to an earlier one. Outside of a sweep nothing
    happens.
    """
    current_reporter().report_metrics({str(name): float(value) for name, value in metrics.items()})
