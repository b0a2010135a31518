"""The learner: a LightningModule for classes and numbers, with loss, optimizer and scheduler of the config."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Any

import lightning as L
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LinearLR, LRScheduler

from tunesmith.objective import Objective
from tunesmith.training.epoch_metrics import EpochMetrics, log_epoch
from tunesmith.training.losses import adapt_loss

Batch = tuple[Tensor, Tensor]
# The learning rate of a warm-up's first step, as a fraction of the full one.
WARMUP_START = 1e-3


class Supervised(L.LightningModule):
    """Trains a model; logs PART/loss, PART/acc (classes) or PART/rmse (numbers, in their unit), and lr once an epoch.

    The logged loss is the mean over samples, whatever the loss's reduction, and leaves out the L1 penalty: the parts
    can then be compared.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: nn.Module,
        optimizer: Callable[..., Optimizer],
        scheduler: Callable[..., LRScheduler] | None,
        objective: Objective,
        has_classes: bool,
        class_weights: Tensor | None = None,
        target_scale: float = 1.0,
        l1: float = 0.0,
        warmup_epochs: int = 0,
    ) -> None:
        """optimizer takes parameter groups, scheduler the optimizer.

        class_weights: (classes,), float32; target_scale: target units per unit of the model's output.
        l1: factor of the sum of absolute weights that training adds to the loss; biases and norms are spared.
        warmup_epochs: the learning rate rises over them in a straight line, in addition to what the scheduler does.

        Raises:
            UserError: the loss does not fit the data's targets.
        """
        super().__init__()
        self.model = model
        self.loss = adapt_loss(loss, has_classes, class_weights)
        self.is_sum = getattr(loss, "reduction", "mean") == "sum"
        self.target_scale = target_scale
        self.l1 = l1
        self.warmup_epochs = warmup_epochs
        self.make_optimizer = optimizer
        self.make_scheduler = scheduler
        self.objective = objective
        self.has_classes = has_classes
        self.epoch_metrics: dict[str, EpochMetrics] = {}

    def forward(self, inputs: Tensor) -> Tensor:
        """inputs: (batch, *input_shape) -> (batch, classes), or (batch,) for numbers.

        A model of two classes has one output, the logit of the second class; the first class gets the logit zero.
        """
        outputs: Tensor = self.model(inputs)
        if not self.has_classes:
            return outputs.squeeze(-1)
        return outputs if outputs.shape[1] > 1 else functional.pad(outputs, (1, 0))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        loss = self._step("train", batch)
        return loss + self.l1 * self._sum_of_weights() if self.l1 else loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        if len(batch[1]):  # a rank gets an empty batch if the other ranks have one batch more: all must take this step
            self._step("val", batch)

    def predict_step(self, batch: Batch, batch_idx: int) -> Tensor:
        inputs, _ = batch
        outputs: Tensor = self(inputs)
        return outputs

    def configure_optimizers(self) -> Any:
        optimizer = self.make_optimizer(self._parameter_groups())
        schedules: list[dict[str, Any]] = []
        if self.warmup_epochs:
            warmup = LinearLR(optimizer, start_factor=WARMUP_START, total_iters=self._warmup_steps())
            schedules.append({"scheduler": warmup, "interval": "step"})
        if self.make_scheduler is not None:
            schedules.append({"scheduler": self.make_scheduler(optimizer), "monitor": self.objective.metric})
        return [optimizer], schedules

    def on_train_epoch_start(self) -> None:
        self.epoch_metrics["train"] = self.new_metrics("train")

    def on_validation_epoch_start(self) -> None:
        self.epoch_metrics["val"] = self.new_metrics("val")

    def on_validation_epoch_end(self) -> None:
        """Log both parts here: training is over for this epoch, and callbacks see all metrics at once."""
        optimizer = self.optimizers(use_pl_optimizer=False)
        assert isinstance(optimizer, Optimizer)
        lr = float(optimizer.param_groups[0]["lr"])
        metrics = {**self._part_metrics("train"), **self._part_metrics("val"), "lr": lr}
        log_epoch(self.trainer, metrics, in_bar=self.objective.metric)

    def new_metrics(self, part: str) -> EpochMetrics:
        """Return empty metrics of a part, for one epoch or one evaluation."""
        return EpochMetrics(part, self.has_classes, self.target_scale, self.is_sum)

    def _step(self, part: str, batch: Batch) -> Tensor:
        inputs, targets = batch
        outputs = self(inputs)
        loss: Tensor = self.loss(outputs, targets)
        self.epoch_metrics[part].add(loss, outputs, targets)
        return loss

    def _sum_of_weights(self) -> Tensor:
        return torch.stack([weight.abs().sum() for weight in filter(_is_weight, self.parameters())]).sum()

    def _parameter_groups(self) -> list[dict[str, Any]]:
        """Return one group, or two if weight decay is on: weights, and biases and norms, which it spares."""
        parameters = list(self.parameters())
        if not getattr(self.make_optimizer, "keywords", {}).get("weight_decay"):
            return [{"params": parameters}]
        spared = [parameter for parameter in parameters if not _is_weight(parameter)]
        groups = [{"params": list(filter(_is_weight, parameters))}]
        return [*groups, {"params": spared, "weight_decay": 0.0}] if spared else groups

    def _warmup_steps(self) -> int:
        """Return the optimizer's steps in the warm-up epochs; an epoch's last step may take fewer batches."""
        assert self.trainer.estimated_stepping_batches  # asking for it makes the trainer count the batches
        batches = self.trainer.num_training_batches / self.trainer.accumulate_grad_batches
        return self.warmup_epochs * ceil(batches)

    def _part_metrics(self, part: str) -> dict[str, float]:
        """Return a part's metrics over the samples of all ranks."""
        metrics = self.epoch_metrics[part]
        totals = self.trainer.strategy.reduce(metrics.totals(self.device), reduce_op="sum")
        assert isinstance(totals, Tensor)
        return metrics.part_metrics(totals)

    def __setattr__(self, name: str, value: Any) -> None:
        """Set Lightning's name of the hook under way without nn.Module, which takes 5 us; a step sets it 12 times."""
        if name == "_current_fx_name":
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)


def _is_weight(parameter: Tensor) -> bool:
    """Tell a weight from a bias or a norm's parameter, which have one dimension."""
    return parameter.ndim > 1
