"""A schedule that goes through the learning rates of an earlier run, whose own schedule followed a metric."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler


class RecordedRates(LRScheduler):
    """Changes the learning rate after each epoch by the factor by which it changed in the earlier run."""

    def __init__(self, optimizer: Optimizer, rates: Sequence[float], warmup_epochs: int = 0, last_epoch: int = -1):
        """rates: (epochs,), of each epoch's last step; warmup_epochs: in these, a warm-up's own schedule changes it."""
        self.rates = list(rates)
        self.warmup_epochs = warmup_epochs
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float | Tensor]:
        """Return the learning rate of the next epoch, for each group of the optimizer."""
        epoch = self.last_epoch  # epochs that are over
        is_recorded = max(1, self.warmup_epochs) <= epoch < len(self.rates)
        factor = self.rates[epoch] / self.rates[epoch - 1] if is_recorded else 1.0
        return [group["lr"] * factor for group in self.optimizer.param_groups]
