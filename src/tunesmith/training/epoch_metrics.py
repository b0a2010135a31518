"""Metrics of one part over one epoch: summed on the device, read once when the epoch is over."""

from __future__ import annotations

from collections.abc import Mapping

import lightning as L
import torch
from torch import Tensor


class EpochMetrics:
    """Collects the batches of one part of the data, and turns their sums into PART/loss and PART/acc or PART/rmse.

    A step adds three tensors to lists and nothing else: each further operation would cost as much as a small layer.
    """

    def __init__(self, part: str, has_classes: bool, target_scale: float = 1.0, is_sum: bool = False) -> None:
        """target_scale: units of the target in one of the model's; is_sum: the loss is a sum over samples, no mean."""
        self.part = part
        self.has_classes = has_classes
        self.target_scale = target_scale
        self.is_sum = is_sum
        self.losses: list[Tensor] = []
        self.outputs: list[Tensor] = []
        self.targets: list[Tensor] = []

    def add(self, loss: Tensor, outputs: Tensor, targets: Tensor) -> None:
        """Take one batch; loss: (), as the loss module returns it; outputs: (batch, classes) or (batch,)."""
        self.losses.append(self.mean_loss(loss.detach(), targets))
        self.outputs.append(outputs.detach().argmax(1) if self.has_classes else outputs.detach())
        self.targets.append(targets)

    def mean_loss(self, loss: Tensor, targets: Tensor) -> Tensor:
        """Return a batch's loss as the mean over its samples, whatever its reduction."""
        return loss / len(targets) if self.is_sum else loss

    def totals(self, device: torch.device | None = None) -> Tensor:
        """Return samples, loss, and hits (classes) or squared errors (numbers): (3,) float64.

        device: of the zeros that are returned if this rank had no batch.
        """
        if not self.losses:
            return torch.zeros(3, dtype=torch.float64, device=device)
        sizes = [len(targets) for targets in self.targets]
        losses = torch.stack(self.losses).double()
        outputs, targets = torch.cat(self.outputs), torch.cat(self.targets)
        second = (outputs == targets).sum() if self.has_classes else (outputs - targets).double().square().sum()
        return torch.stack((losses.new_tensor(sum(sizes)), losses @ losses.new_tensor(sizes), second.double()))

    def part_metrics(self, totals: Tensor) -> dict[str, float]:
        """Return the part's metrics; totals: of this process, or the sum over those of all ranks."""
        samples, loss, second = totals.tolist()
        if self.has_classes:
            return {f"{self.part}/loss": loss / samples, f"{self.part}/acc": second / samples}
        rmse = self.target_scale * (second / samples) ** 0.5
        return {f"{self.part}/loss": loss / samples, f"{self.part}/rmse": rmse}


def log_epoch(trainer: L.Trainer, metrics: Mapping[str, float], in_bar: str) -> None:
    """Log one epoch's metrics with the epoch (from 1) as step: runs of all batch sizes then share one axis.

    LightningModule.log would do the same in 0.5 ms a metric, as long as a training step.

    in_bar: the metric that the progress bar shows too.
    """
    trainer.callback_metrics.update({name: torch.tensor(value) for name, value in metrics.items()})
    trainer.progress_bar_metrics.update({in_bar: metrics[in_bar]} if in_bar in metrics else {})
    for logger in trainer.loggers:
        logger.log_metrics(dict(metrics), step=trainer.current_epoch + 1)
