"""The seam between a worker, which asks and tells, and an executor, which runs trials."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from omegaconf import DictConfig
from optuna import Trial
from optuna.trial import TrialState

from tunesmith.reporting import Reporter


class TrialsReporter(Reporter, Protocol):
    """The reporter of a trial, as its executor and its worker see it."""

    @property
    def metrics(self) -> Mapping[str, float]:
        """What the run has said by report_metrics."""

    def check(self) -> None:
        """Raise what poll raises; the executor's own look, and no sign that the run gets on."""


@dataclass(frozen=True)
class Assignment:
    """A trial to run: its config, its folder, and the reporter that its run is handed."""

    trial: Trial
    config: DictConfig
    folder: Path
    reporter: TrialsReporter

    @property
    def num_objectives(self) -> int:
        """How many numbers the trial's job is to return."""
        return len(self.trial.study.directions)


@dataclass(frozen=True)
class Outcome:
    """How an assignment ended.

    state: COMPLETE, PRUNED or FAIL; None if the attempt is lost, and the worker requeues it.
    value: of a COMPLETE trial, a list for several objectives; reason: of a FAIL or a lost attempt.
    error: what was raised; a MachineFault with a lost attempt ends the worker.
    must_restart: the process cannot run another trial.
    """

    assignment: Assignment
    state: TrialState | None
    value: float | Sequence[float] | None = None
    reason: str | None = None
    error: BaseException | None = None
    must_restart: bool = False


More = Callable[[int], Sequence[Assignment]]


class Executor(Protocol):
    """Runs trials, one at a time or several at once."""

    def __call__(self, more: More) -> Generator[Outcome, None, None]:
        """Pull assignments while there is room for them, and yield the outcome of each one as it ends.

        more(n): returns up to n assignments. Fewer mean that other workers hold the rest of the budget: with trials
        of its own still running, an executor goes on and asks again later; with none it is done. An executor that is
        closed leaves no trial running.
        """


def one_at_a_time(run: Callable[[Assignment], Outcome]) -> Executor:
    """Return the executor that runs one trial after the other."""

    def execute(more: More) -> Generator[Outcome, None, None]:
        while assignments := more(1):
            yield run(assignments[0])

    return execute
