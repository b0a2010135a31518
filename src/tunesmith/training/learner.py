"""Loss, metrics, optimizer and scheduler wired for Lightning."""

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
from tunesmith.training.losses import adapt_loss

Batch = tuple[Tensor, Tensor]
# The learning rate of the first step of a warm-up, as a part of the whole.
WARMUP_START = 1e-3


class Supervised(L.LightningModule):
    """Trains a model; logs PART/loss, PART/acc (classes) or PART/rmse (numbers, in their unit), and lr once an epoch.

    The loss is the mean over samples, whatever its reduction, and leaves out the L1 penalty: parts can be compared.
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
        class_weights: Tensor | None = None,
        target_scale: float = 1.0,
        l1: float = 0.0,
        warmup_epochs: int = 0,
    ) -> None:
        """optimizer takes parameter groups, scheduler the optimizer.

        class_weights: (classes,), float32; target_scale: units of the target in one of the model's.
        l1: factor of the sum of absolute weights that training adds to the loss; biases and norms are spared.
        warmup_epochs: over which the learning rate rises in a straight line, beside what the scheduler does.

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
        self.sums: dict[str, EpochSums] = {}

    def __setattr__(self, name: str, value: Any) -> None:
        """Lightning names the hook under way a dozen times a step, and nn.Module takes 5 us for each."""
        if name == "_current_fx_name":
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    def forward(self, inputs: Tensor) -> Tensor:
        """inputs: (batch, *input_shape) -> (batch, classes), or (batch,) for numbers.

        Two classes are one output of the model, the logit of the second beside a zero for the first.
        """
        outputs: Tensor = self.model(inputs)
        if not self.has_classes:
            return outputs.squeeze(-1)
        return outputs if outputs.shape[1] > 1 else functional.pad(outputs, (1, 0))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        loss = self._step("train", batch)
        return loss + self.l1 * self._sum_of_weights() if self.l1 else loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        if len(batch[1]):  # a rank without samples has come here because the others wait for it
            self._step("val", batch)

    def predict_step(self, batch: Batch, batch_idx: int) -> Tensor:
        inputs, _ = batch
        outputs: Tensor = self(inputs)
        return outputs

    def on_train_epoch_start(self) -> None:
        self.sums["train"] = EpochSums(self.has_classes)

    def on_validation_epoch_start(self) -> None:
        self.sums["val"] = EpochSums(self.has_classes)

    def on_validation_epoch_end(self) -> None:
        """Log both parts here: training is over for this epoch, and callbacks see all metrics at once."""
        optimizer = self.optimizers(use_pl_optimizer=False)
        assert isinstance(optimizer, Optimizer)
        metrics = {
            **self._epoch_means("train"),
            **self._epoch_means("val"),
            "lr": float(optimizer.param_groups[0]["lr"]),
        }
        self._log_epoch(metrics)

    def configure_optimizers(self) -> Any:
        optimizer = self.make_optimizer(self._parameter_groups())
        schedules: list[dict[str, Any]] = []
        if self.warmup_epochs:
            assert self.trainer.estimated_stepping_batches  # asking for it counts the batches
            batches = self.trainer.num_training_batches / self.trainer.accumulate_grad_batches
            steps = self.warmup_epochs * ceil(batches)
            warmup = LinearLR(optimizer, start_factor=WARMUP_START, total_iters=steps)
            schedules.append({"scheduler": warmup, "interval": "step"})
        if self.make_scheduler is not None:
            schedules.append({"scheduler": self.make_scheduler(optimizer), "monitor": self.objective.metric})
        return [optimizer], schedules

    def _parameter_groups(self) -> list[dict[str, Any]]:
        """Return the parameters in two groups where weight decay acts: it spares biases and norms."""
        parameters = list(self.parameters())
        if not getattr(self.make_optimizer, "keywords", {}).get("weight_decay"):
            return [{"params": parameters}]
        spared = [parameter for parameter in parameters if not _is_weight(parameter)]
        groups = [{"params": list(filter(_is_weight, parameters))}]
        return [*groups, {"params": spared, "weight_decay": 0.0}] if spared else groups

    def _sum_of_weights(self) -> Tensor:
        return torch.stack([weight.abs().sum() for weight in filter(_is_weight, self.parameters())]).sum()

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

    def mean_loss(self, loss: Tensor, targets: Tensor) -> Tensor:
        """Return a batch's loss as the mean over its samples, whatever its reduction."""
        return loss / len(targets) if self.is_sum else loss

    def means(self, part: str, totals: Tensor) -> dict[str, float]:
        """Return a part's metrics from the totals of its samples."""
        samples, loss, second = totals.tolist()
        if self.has_classes:
            return {f"{part}/loss": loss / samples, f"{part}/acc": second / samples}
        return {f"{part}/loss": loss / samples, f"{part}/rmse": self.target_scale * (second / samples) ** 0.5}

    def _step(self, part: str, batch: Batch) -> Tensor:
        inputs, targets = batch
        outputs = self(inputs)
        loss: Tensor = self.loss(outputs, targets)
        self.sums[part].add(self.mean_loss(loss, targets), outputs, targets)
        return loss

    def _epoch_means(self, part: str) -> dict[str, float]:
        sums = self.sums[part]
        own = sums.totals() if sums.losses else torch.zeros(3, dtype=torch.float64, device=self.device)
        totals = self.trainer.strategy.reduce(own, reduce_op="sum")
        assert isinstance(totals, Tensor)
        return self.means(part, totals)


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


def _is_weight(parameter: Tensor) -> bool:
    """Tell a weight from a bias or a norm's parameter, which have one dimension."""
    return parameter.ndim > 1
