"""Loss, metrics, optimizer and scheduler wired for Lightning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lightning as L
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from tunesmith.errors import UserError
from tunesmith.objective import Objective

Batch = tuple[Tensor, Tensor]
LOSSES_OF_NUMBERS = (nn.MSELoss, nn.L1Loss, nn.SmoothL1Loss, nn.HuberLoss)


class LightningModule(L.LightningModule):
    """Trains a model; logs PART/loss and PART/acc (classes) or PART/rmse (numbers) and lr once an epoch.

    Metrics are summed on the device and leave it once an epoch.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: nn.Module,
        optimizer: Callable[..., Optimizer],
        scheduler: Callable[..., LRScheduler] | None,
        objective: Objective,
        has_classes: bool,
    ) -> None:
        """optimizer takes the parameters, scheduler the optimizer.

        Raises:
            UserError: the loss does not fit the data's targets.
        """
        super().__init__()
        _check_loss(loss, has_classes)
        self.model = model
        self.loss = loss
        self.make_optimizer = optimizer
        self.make_scheduler = scheduler
        self.objective = objective
        self.has_classes = has_classes
        self.sums: dict[str, EpochSums] = {}

    def __setattr__(self, name: str, value: Any) -> None:
        """Lightning names the hook under way a dozen times a step, and nn.Module takes 5 us for each."""
        if name == "_current_fx_name":
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    def forward(self, inputs: Tensor) -> Tensor:
        """inputs: (batch, *input_shape) -> (batch, classes), or (batch,) for numbers."""
        outputs: Tensor = self.model(inputs)
        return outputs if self.has_classes else outputs.squeeze(-1)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        return self._step("train", batch)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        self._step("val", batch)

    def test_step(self, batch: Batch, batch_idx: int) -> None:
        self._step("test", batch)

    def on_train_epoch_start(self) -> None:
        self.sums["train"] = EpochSums(self.has_classes)

    def on_validation_epoch_start(self) -> None:
        self.sums["val"] = EpochSums(self.has_classes)

    def on_test_epoch_start(self) -> None:
        self.sums["test"] = EpochSums(self.has_classes)

    def on_validation_epoch_end(self) -> None:
        """Log both parts here: training is over for this epoch, and callbacks see all metrics at once."""
        optimizer = self.optimizers(use_pl_optimizer=False)
        assert isinstance(optimizer, Optimizer)
        metrics = {**self._means("train"), **self._means("val"), "lr": float(optimizer.param_groups[0]["lr"])}
        self._log_epoch(metrics)

    def on_test_epoch_end(self) -> None:
        self.log_dict(self._means("test"), rank_zero_only=True)

    def configure_optimizers(self) -> Any:
        optimizer = self.make_optimizer(self.parameters())
        if self.make_scheduler is None:
            return optimizer
        scheduler = {"scheduler": self.make_scheduler(optimizer), "monitor": self.objective.metric}
        return {"optimizer": optimizer, "lr_scheduler": scheduler}

    def _log_epoch(self, metrics: dict[str, float]) -> None:
        """Log one epoch's metrics, with the epoch (from 1) as step: curves of all batch sizes can then be compared.

        self.log would do the same in 0.5 ms a metric, as long as a training step.
        """
        values = {name: torch.tensor(value) for name, value in metrics.items()}
        self.trainer.callback_metrics.update(values)
        shown = self.objective.metric
        self.trainer.progress_bar_metrics.update({shown: metrics[shown]} if shown in metrics else {})
        for logger in self.loggers:
            logger.log_metrics(metrics, step=self.current_epoch + 1)

    def _step(self, part: str, batch: Batch) -> Tensor:
        inputs, targets = batch
        outputs = self(inputs)
        loss: Tensor = self.loss(outputs, targets)
        self.sums[part].add(loss, outputs, targets)
        return loss

    def _means(self, part: str) -> dict[str, float]:
        totals = self.trainer.strategy.reduce(self.sums[part].totals(), reduce_op="sum")
        assert isinstance(totals, Tensor)
        samples, loss, second = totals.tolist()
        name, value = ("acc", second / samples) if self.has_classes else ("rmse", (second / samples) ** 0.5)
        return {f"{part}/loss": loss / samples, f"{part}/{name}": value}


class EpochSums:
    """What the metrics of one epoch are summed from: kept on the device, summed there when the epoch is over.

    A step adds two tensors to lists and nothing else: each further operation would cost it as much as a small layer.
    """

    def __init__(self, has_classes: bool) -> None:
        self.has_classes = has_classes
        self.losses: list[Tensor] = []
        self.outputs: list[Tensor] = []
        self.targets: list[Tensor] = []

    def add(self, loss: Tensor, outputs: Tensor, targets: Tensor) -> None:
        """loss: the batch's mean; outputs: (batch, classes) or (batch,); targets: (batch,)."""
        self.losses.append(loss.detach())
        self.outputs.append(outputs.detach().argmax(1) if self.has_classes else outputs.detach())
        self.targets.append(targets)

    def totals(self) -> Tensor:
        """Samples, loss, and hits (classes) or squared errors (numbers): (3,) float64 on the device."""
        sizes = [len(targets) for targets in self.targets]
        losses = torch.stack(self.losses).double()
        outputs, targets = torch.cat(self.outputs), torch.cat(self.targets)
        second = (outputs == targets).sum() if self.has_classes else (outputs - targets).double().square().sum()
        return torch.stack((losses.new_tensor(sum(sizes)), losses @ losses.new_tensor(sizes), second.double()))


def _check_loss(loss: nn.Module, has_classes: bool) -> None:
    name = type(loss).__name__
    if has_classes and isinstance(loss, LOSSES_OF_NUMBERS):
        raise UserError(f"loss must fit the targets: {name} needs numbers, this data has classes; use loss=auto")
    if not has_classes and isinstance(loss, nn.CrossEntropyLoss):
        raise UserError(f"loss must fit the targets: {name} needs classes, this data has numbers; use loss=auto")
