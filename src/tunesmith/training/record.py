"""What a run knows of itself: epochs, metrics.csv, the best epoch, the time, and why it has to end."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tunesmith.errors import UserError, closest
from tunesmith.objective import OF_RUN, PARAMETERS, BestSoFar, Objective, check_others
from tunesmith.reporting import Reporter
from tunesmith.run_folder import (
    BEST_CHECKPOINT,
    DATA_FACTS_FILE,
    METRICS_FILE,
    PREPARATION_FILE,
    MetricsTable,
    read_metrics,
    write_json,
)
from tunesmith.training.probes.tables import cut_tables


class RunRecord:
    """The record of one run, whoever trains it: it takes plain floats and knows neither torch nor Lightning.

    A training calls load_state_dict (if it goes on), start, open_table, then end_epoch and ask_to_stop after each epoch
    until is_over, and stop. If one process runs several trainings, all end their epoch before any asks. An epoch of
    several validations calls end_validation after each of them, and report_epoch in place of end_epoch.

    Attributes:
        epoch: the last one that was trained and validated, counted from 1 and over all attempts; 0: none yet.
        best: the objective's best value so far, its epoch, and its step if an epoch has several validations.
        is_best_saved: whether the weights of the best value lie in a file; whoever saves them sets it.
        failure: why the run has failed, None if it has not.
        is_stopped: whether the reporter stopped the run before its last epoch.
        data_digest: which data the run trains on; None: nobody can tell.
        preparation: what is done to the data, as plain values; None: nobody can tell.
        data_facts: what is known of the data, for data_facts.json; None: nobody can tell, or nobody wants to know.
        num_parameters: how many numbers the run trains; None as long as nobody has counted them.
    """

    def __init__(
        self,
        folder: Path,
        objective: Objective,
        reporter: Reporter,
        data_digest: str | None = None,
        preparation: Mapping[str, Any] | None = None,
        others: Sequence[Objective] = (),
        last_epoch: int | None = None,
        data_facts: Mapping[str, Any] | None = None,
    ) -> None:
        """Begin the record of a run.

        others: further objectives of the run's study.
        last_epoch: at which the run is complete, before its config's last one; None: the config's alone counts.
        """
        self.folder = folder
        self.objective = objective
        self.reporter = reporter
        self.data_digest = data_digest
        self.preparation = preparation
        self.data_facts = data_facts
        self.others = others
        self.num_parameters: int | None = None
        self.last_epoch = last_epoch
        self.best = BestSoFar(objective)
        self.is_best_saved = True
        self.epoch = 0
        self.failure: str | None = None
        self.is_stopped = False
        self._best_of_epoch = BestSoFar(objective)
        self._seconds_before = 0.0
        self._started = time.monotonic()
        self._stopped: float | None = None

    def start(self) -> None:
        """Start the clock."""
        self._started = time.monotonic()

    def open_table(self) -> None:
        """Make metrics.csv, or drop rows of epochs that are trained again, the probes' too; write of the data."""
        if self.preparation is not None:
            write_json(self.folder / PREPARATION_FILE, self.preparation)
        if self.data_facts is not None:
            write_json(self.folder / DATA_FACTS_FILE, self.data_facts)
        self.table = MetricsTable(self.folder, keep_epochs=self.epoch)
        cut_tables(self.folder, keep_epochs=self.epoch)

    def end_epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Write an epoch (from 1) to metrics.csv, compare it with the best one, and report its objective.

        Raises:
            UserError: the objective is not among the metrics.
        """
        self.end_validation(epoch, metrics)
        self.report_epoch(epoch)

    def end_validation(self, epoch: int, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Write a row of metrics.csv, and compare it with the best one.

        Raises:
            UserError: the objective is not among the metrics.
        """
        self._objective_of(metrics, step)
        self.reporter.poll()  # the folder may be another attempt's by now
        self.table.append(epoch, metrics, step)
        self.compare(epoch, metrics, step)

    def report_epoch(self, epoch: int) -> None:
        """Report the best of an epoch's validations."""
        if self.failure is None and self._best_of_epoch.epoch == epoch:
            self.reporter.report(epoch, self._best_of_epoch.value)

    def ask_to_stop(self, is_last: bool = False) -> None:
        """Ask the reporter whether to stop after the epoch; a run that ends anyway (is_last) is not stopped.

        A run that is stopped stays so: Lightning may train on until its min_epochs.
        """
        if self.failure is None and not self.is_stopped:
            self.is_stopped = self.reporter.should_stop() and not is_last

    def compare(self, epoch: int, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Compare an epoch, or one of its validations, with the best one, and note a failure; writes nothing.

        Raises:
            UserError: the objective is not among the metrics.
        """
        value = self._objective_of(metrics, step)
        if epoch != self._best_of_epoch.epoch:
            self._best_of_epoch = BestSoFar(self.objective)
        self.epoch = epoch
        if not math.isfinite(value):
            self.fail(f"{self.objective.metric} was {value} at epoch {epoch}")
            return
        self._best_of_epoch.update(value, epoch, step)
        if self.best.update(value, epoch, step):
            self.is_best_saved = False

    def fail(self, reason: str) -> None:
        """Note that the run has failed; the first reason stays."""
        self.failure = self.failure or reason

    def stop(self) -> None:
        """Stop the clock."""
        self._stopped = time.monotonic()

    @property
    def is_over(self) -> bool:
        """Whether the run has to end now: failed, stopped, or complete at last_epoch."""
        return self.failure is not None or self.is_stopped or self.epoch == self.last_epoch

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
            **({} if self.best.step is None else {"step": self.best.step}),
            "epochs": self.epoch,
            PARAMETERS: self.num_parameters,
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
        """Take the state of an earlier attempt; raises UserError if metrics.csv shows that it is another run's."""
        self.epoch = int(state["epoch"])
        self._seconds_before = float(state["seconds"])
        self.best.load_state_dict(state["best"])
        self._check_best()

    def _check_best(self) -> None:
        rows = [row for row in read_metrics(self.folder) if row["epoch"] == str(self.best.epoch)]
        values = [row[self.objective.metric] for row in rows if row.get(self.objective.metric)]
        if values and self.best.value not in map(float, values):
            raise UserError(
                f"ckpt_path must be a checkpoint of the run in its folder; got one whose epoch {self.best.epoch} had "
                f"{self.objective.metric} {self.best.value:.6g}, where {self.folder / METRICS_FILE} has "
                f"{', '.join(values)}: another run's checkpoint starts a new run by weights=..."
            )

    def _objective_of(self, metrics: Mapping[str, float], step: int | None) -> float:
        """Return the objective; of several validations in an epoch, which have a step, the last may have others."""
        if self.objective.metric not in metrics:
            hint = closest(self.objective.metric, metrics)
            raise UserError(f"objective.metric must be a logged metric; got '{self.objective.metric}'{hint}")
        if step is None:
            check_others(self.others, [*metrics, *OF_RUN])
        return metrics[self.objective.metric]
