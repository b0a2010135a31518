"""What a run knows of itself: epochs, metrics.csv, the best epoch, the time, and why it has to end."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunesmith.errors import UserError, closest
from tunesmith.objective import BestSoFar, Objective
from tunesmith.reporting import Reporter
from tunesmith.run_folder import BEST_CHECKPOINT, PREPARATION_FILE, MetricsTable, write_json


class RunRecord:
    """The record of one run, whoever trains it: it takes plain floats and knows neither torch nor Lightning.

    A training calls load_state_dict (if it goes on), start, open_table, then end_epoch and ask_to_stop after each epoch
    until is_over, and stop. If one process runs several trainings, all end their epoch before any asks.

    Attributes:
        epoch: the last one that was trained and validated, counted from 1 and over all attempts; 0: none yet.
        best: the objective's best value so far and its epoch.
        failure: why the run has failed, None if it has not.
        is_stopped: whether the reporter stopped the run before its last epoch.
        data_digest: which data the run trains on; None: nobody can tell.
        preparation: what is done to the data, as plain values; None: nobody can tell.
    """

    def __init__(
        self,
        folder: Path,
        objective: Objective,
        reporter: Reporter,
        data_digest: str | None = None,
        preparation: Mapping[str, Any] | None = None,
    ) -> None:
        self.folder = folder
        self.objective = objective
        self.reporter = reporter
        self.data_digest = data_digest
        self.preparation = preparation
        self.best = BestSoFar(objective)
        self.epoch = 0
        self.failure: str | None = None
        self.is_stopped = False
        self._seconds_before = 0.0
        self._started = time.monotonic()
        self._stopped: float | None = None

    def start(self) -> None:
        """Start the clock."""
        self._started = time.monotonic()

    def open_table(self) -> None:
        """Make metrics.csv, or drop its rows of epochs that a resumed run trains again; write preparation.json."""
        if self.preparation is not None:
            write_json(self.folder / PREPARATION_FILE, self.preparation)
        self.table = MetricsTable(self.folder, keep_epochs=self.epoch)

    def end_epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Write an epoch (from 1) to metrics.csv, compare it with the best one, and report its objective.

        Raises:
            UserError: the objective is not among the metrics.
        """
        value = self._objective_of(metrics)
        self.table.append(epoch, metrics)
        self.compare(epoch, metrics)
        if self.failure is None:
            self.reporter.report(epoch, value)

    def ask_to_stop(self, is_last: bool = False) -> None:
        """Ask the reporter whether to stop after the epoch; a run that ends anyway (is_last) is not stopped."""
        if self.failure is None:
            self.is_stopped = self.reporter.should_stop() and not is_last

    def compare(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Compare an epoch with the best one, and note a failure; writes and reports nothing.

        Raises:
            UserError: the objective is not among the metrics.
        """
        value = self._objective_of(metrics)
        self.epoch = epoch
        if not math.isfinite(value):
            self.fail(f"{self.objective.metric} was {value} at epoch {epoch}")
        self.best.update(value, epoch)

    def fail(self, reason: str) -> None:
        """Note that the run has failed."""
        self.failure = reason

    def stop(self) -> None:
        """Stop the clock."""
        self._stopped = time.monotonic()

    @property
    def is_over(self) -> bool:
        """Whether the run has to end now, failed or stopped."""
        return self.failure is not None or self.is_stopped

    @property
    def seconds(self) -> float:
        """Wall clock of training, over all attempts."""
        return self._seconds_before + (self._stopped or time.monotonic()) - self._started

    @property
    def state(self) -> str:
        """How a run that trains no longer has ended, in Optuna's words."""
        return "FAIL" if self.failure is not None else "PRUNED" if self.is_stopped else "COMPLETE"

    def result_fields(self) -> dict[str, Any]:
        """Return what result.yaml says of how the run ended; value, epoch, checkpoint are None if no epoch counts."""
        has_best = self.best.epoch > 0
        return {
            "value": self.best.value if has_best else None,
            "epoch": self.best.epoch if has_best else None,
            "epochs": self.epoch,
            "seconds": round(self.seconds, 3),
            "state": self.state,
            "reason": self.failure or ("pruned" if self.is_stopped else None),
            "checkpoint": str(BEST_CHECKPOINT) if has_best else None,
        }

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run needs, as plain values; the keys are those of version 0.1.0."""
        best = self.best.state_dict()
        return {"epoch": self.epoch, "seconds": self.seconds, "best": best, "data_digest": self.data_digest}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.epoch = int(state["epoch"])
        self._seconds_before = float(state["seconds"])
        self.best.load_state_dict(state["best"])

    def _objective_of(self, metrics: Mapping[str, float]) -> float:
        if self.objective.metric not in metrics:
            hint = closest(self.objective.metric, metrics)
            raise UserError(f"objective.metric must be a logged metric; got '{self.objective.metric}'{hint}")
        return metrics[self.objective.metric]
