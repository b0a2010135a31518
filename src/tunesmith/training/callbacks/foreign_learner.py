"""A LightningModule that is not ours: what it logs by step becomes a value of the epoch, and its metrics resume."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import lightning as L
import torch
from torch import Tensor
from torchmetrics import Metric

from tunesmith.errors import UserError
from tunesmith.training.callbacks.end_of_epoch import axis_step, is_new
from tunesmith.training.epoch_values import is_other_form


class ForeignLearner(L.Callback):
    """Lets curves, record and schedules see one value per epoch of whatever a learner logs.

    A metric that training logs by step alone gets its mean over the epoch's steps. Metrics of an epoch reach the
    loggers with the epoch as step, so that runs of all batch sizes share one axis; those of a step keep theirs.
    Torchmetrics objects that live longer than an epoch, such as the best accuracy so far, go on with a resumed run.
    """

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}
        self._last: dict[str, Tensor] = {}
        self._has_loss = False
        self._module: L.LightningModule | None = None
        self._to_restore: dict[str, Any] = {}

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        self._module = pl_module

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Restore the metrics of a resumed run here: learners often reset theirs in on_train_start."""
        if self._to_restore:
            restore_metrics(pl_module, self._to_restore)
            self._to_restore = {}
        self._sums, self._counts, self._has_loss = {}, {}, False
        self._last = dict(trainer.callback_metrics)

    def on_train_batch_end(self, trainer: L.Trainer, *args: Any) -> None:
        """Sum what training has logged since the last step; see whether the step had a loss."""
        _, outputs, *_ = args
        loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        self._has_loss |= loss is not None
        metrics = dict(trainer.callback_metrics)
        for name, value in metrics.items():
            if self._is_new(name, value):
                self._sums[name] = self._sums.get(name, 0) + value.detach()
                self._counts[name] = self._counts.get(name, 0) + 1
        self._last = metrics

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Put means in the place of the last step's values; loggers get them as NAME_epoch, as Lightning names them."""
        if not self._has_loss and trainer.optimizers and pl_module.automatic_optimization:
            raise UserError("learner._target_: training_step must return a loss; got None at each step of an epoch")
        means = trainer.strategy.broadcast(self._means(trainer.callback_metrics))  # rank zero's: all ranks agree
        trainer.callback_metrics.update({name: mean.to(pl_module.device) for name, mean in means.items()})
        for logger in trainer.loggers if means else ():
            shown = {f"{name}_epoch": float(mean) for name, mean in means.items()}
            logger.log_metrics(shown, step=axis_step(trainer))
        self._log_axis(trainer, pl_module)

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._log_axis(trainer, pl_module)

    def state_dict(self) -> dict[str, Any]:
        return {} if self._module is None else metric_states(self._module)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._to_restore = state_dict

    def _means(self, metrics: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the mean of each metric that was logged by step alone."""
        means = {}
        for name, total in self._sums.items():
            if is_other_form(name, metrics) or f"{name}_epoch" in metrics:
                continue  # the learner asked Lightning for the epoch's value as well
            is_late = self._is_new(name, metrics[name])  # logged in the learner's own hook after the last step
            count = self._counts[name] + is_late
            means[name] = ((total + metrics[name] if is_late else total) / count).detach().cpu()
        return means

    def _is_new(self, name: str, value: Tensor) -> bool:
        """Whether the learner has logged a value since the last step."""
        return is_new(value, self._last.get(name))

    def _log_axis(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Log "step", which Lightning takes as the loggers' axis."""
        if trainer.loggers:
            pl_module.log("step", float(axis_step(trainer)), sync_dist=trainer.world_size > 1)


def metric_states(module: L.LightningModule) -> dict[str, Any]:
    """Return the states of a module's torchmetrics objects that hold something, by name: tensors, lists, a count."""
    return {
        name: {"states": dict(metric.metric_state), "updates": metric._update_count}
        for name, metric in module.named_modules()
        if isinstance(metric, Metric) and metric._update_count > 0
    }


def restore_metrics(module: L.LightningModule, saved: Mapping[str, Any]) -> None:
    """Give torchmetrics objects the states that metric_states returned; those that are there no more are left out."""
    for name, metric in module.named_modules():
        if isinstance(metric, Metric) and name in saved:
            for state, value in saved[name]["states"].items():
                setattr(metric, state, _on_device(value, metric.device))
            metric._update_count = saved[name]["updates"]
            metric._computed = None


def _on_device(value: Any, device: torch.device) -> Any:
    return [item.to(device) for item in value] if isinstance(value, list) else value.to(device)
