"""The learner of learner=supervised: a LightningModule with loss, optimizer, scheduler and metrics of the config."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import lightning as L
import torch
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor

from tunesmith.training.callbacks.end_of_epoch import axis_step
from tunesmith.training.schedules import make_schedules
from tunesmith.training.supervised import SupervisedLearning
from tunesmith.training.trainer_length import TrainerLength


class Supervised(SupervisedLearning, L.LightningModule):
    """Trains a model; logs PART/loss, PART/acc (classes) or PART/rmse (numbers, in their unit), and lr once an epoch.

    A subclass overrides step (what a batch costs), parameter_groups or predict, see SupervisedLearning.
    """

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        return self.train_on(batch)

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.evaluate_on(batch)

    def test_step(self, batch: Any, batch_idx: int) -> None:
        self.evaluate_on(batch, "test")

    def predict_step(self, batch: Any, batch_idx: int) -> Tensor:
        return self.predict(batch)

    def configure_optimizers(self) -> Any:
        optimizer = self.build_optimizer()
        return [optimizer], [dict(vars(each)) for each in make_schedules(self, optimizer, TrainerLength(self))]

    def on_train_epoch_start(self) -> None:
        self.start_part("train")
        self.num_logged = 0

    def on_validation_epoch_start(self) -> None:
        self.start_part("val")

    def on_test_epoch_start(self) -> None:
        self.start_part("test")

    def on_validation_epoch_end(self) -> None:
        """Log both parts here: callbacks see all metrics at once; training is over for this epoch, or goes on."""
        if self.trainer.state.fn != TrainerFn.FITTING:
            self.log_dict(self.part_metrics("val"))
        elif not self.trainer.sanity_checking:
            self._log_epoch("train", "val")

    def on_train_epoch_end(self) -> None:
        if self.num_logged < len(self.epoch_metrics["train"].losses):  # no validation since the last batch
            self._log_epoch("train")

    def on_test_epoch_end(self) -> None:
        self.log_dict(self.part_metrics("test"))

    def part_metrics(self, part: str) -> dict[str, float]:
        """Return a part's metrics over the samples of all ranks."""
        if not isinstance(self._trainer, L.Trainer):  # the lean engine trains it
            return super().part_metrics(part)
        metrics = self.epoch_metrics[part]
        totals = self.trainer.strategy.reduce(metrics.totals(self.device), reduce_op="sum")
        assert isinstance(totals, Tensor)
        return metrics.part_metrics(totals)

    def _log_epoch(self, *parts: str) -> None:
        optimizers = self.optimizers(use_pl_optimizer=False)
        optimizer = optimizers[0] if isinstance(optimizers, list) else optimizers  # a subclass may have several
        metrics = {name: value for part in parts for name, value in self.part_metrics(part).items()}
        _log_epoch(self.trainer, {**metrics, "lr": float(optimizer.param_groups[0]["lr"])}, in_bar=self.monitor)
        self.num_logged = len(self.epoch_metrics["train"].losses)

    def __setattr__(self, name: str, value: Any) -> None:
        """Set Lightning's name of the hook under way without nn.Module, which takes 5 us; a step sets it 12 times."""
        if name == "_current_fx_name":
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)


def _log_epoch(trainer: L.Trainer, metrics: Mapping[str, float], in_bar: str) -> None:
    """Log one epoch's metrics with the epoch (from 1) as step: runs of all batch sizes then share one axis.

    If an epoch may have several validations, the axis is that of the optimizer's steps.

    LightningModule.log would do the same in 0.5 ms a metric, as long as a training step.

    in_bar: the metric that the progress bar shows too.
    """
    trainer.callback_metrics.update({name: torch.tensor(value) for name, value in metrics.items()})
    trainer.progress_bar_metrics.update({in_bar: metrics[in_bar]} if in_bar in metrics else {})
    for logger in trainer.loggers:
        logger.log_metrics(dict(metrics), step=axis_step(trainer))
