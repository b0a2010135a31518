"""Metrics of one part over one epoch: summed on the device, read once when the epoch is over."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from tunesmith.errors import UserError
from tunesmith.insight.part_outputs import CLASSES, LABELS, NUMBERS
from tunesmith.training.metrics import NO_METRICS, Metrics

# The second metric of a part, by what its targets are.
SECOND = {CLASSES: "acc", LABELS: "acc", NUMBERS: "rmse"}


class EpochMetrics:
    """Collects the batches of one part of the data, and turns their sums into PART/loss and PART/acc or PART/rmse.

    A step adds three tensors to lists and nothing else: each further operation would cost as much as a small layer.
    Targets of more than one dimension are summed up at once: an epoch of images is too large to keep.
    """

    def __init__(
        self,
        part: str,
        has_classes: bool,
        target_scale: float = 1.0,
        is_sum: bool = False,
        has_labels: bool = False,
        metrics: Metrics = NO_METRICS,
        target_shape: tuple[int, ...] | None = None,
        weigh: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        """has_classes: of the data; the targets of the first batch, which a subclass's step may make, decide.

        target_scale: units of the target in one of the model's; is_sum: the loss is a sum over samples, no mean.
        has_labels: float targets are 0 or 1, outputs are logits; metrics: of the metrics group.
        target_shape: of a target of the data; targets of another shape are a step's own, which have no other unit.
        weigh: batch of classes -> what a mean loss of it was divided by, see losses.target_weights; None: its samples.
        """
        self.part = part
        self.kind = CLASSES if has_classes else LABELS if has_labels else NUMBERS
        self.target_scale = target_scale
        self.is_sum = is_sum
        self.has_labels = has_labels
        self.metrics = metrics
        self.target_shape = target_shape
        self.weigh = weigh
        self.losses: list[Tensor] = []
        self.weights: list[Tensor | int] = []
        self.outputs: list[Tensor] = []
        self.targets: list[Tensor] = []
        self.sums: list[Tensor] = []
        self.num_elements = 0

    def add(self, loss: Tensor, outputs: Tensor, targets: Tensor | None) -> None:
        """Take one batch.

        loss: (), as the loss module returns it; outputs: (batch, classes, ...), or (batch, ...) for numbers.
        targets: (batch, ...); None: the loss is the only metric.
        """
        weight = self._weight(outputs, targets)
        self.losses.append(self._mean_loss(loss.detach(), outputs, targets, weight))
        self.weights.append(weight)
        if targets is None:
            self._check_none_need_targets()
            return
        outputs = outputs.detach()
        if self.num_elements == 0:
            self.kind = self._kind_of(targets)
            if self.target_shape is not None and tuple(targets.shape[1:]) != self.target_shape:
                self.target_scale = 1.0
                self.metrics.mean, self.metrics.scale = 0.0, 1.0
        if self.metrics:
            self.metrics.add(outputs, targets)
        chosen = outputs if self.kind == NUMBERS else outputs.argmax(1) if self.kind == CLASSES else outputs > 0
        self.num_elements += targets.numel()
        if targets.ndim > 1:
            self.sums.append(self._second(chosen, targets).double())
        else:
            self.outputs.append(chosen)
            self.targets.append(targets)

    def _weight(self, outputs: Tensor, targets: Tensor | None) -> Tensor | int:
        """Return how much a batch counts in the mean over the epoch: its samples, or the sum of their class weights."""
        if self.weigh is None or targets is None or targets.is_floating_point():
            return len(outputs)
        return self.weigh(targets)

    def _mean_loss(self, loss: Tensor, outputs: Tensor, targets: Tensor | None, weight: Tensor | int) -> Tensor:
        """Return a batch's loss as the mean over all elements of its targets, whatever its reduction."""
        if isinstance(weight, Tensor):
            mean = loss / weight if self.is_sum else loss
            return mean.where(weight > 0, 0)  # a batch whose targets are all ignored
        if not self.is_sum:
            return loss
        return loss / (len(outputs) if targets is None else targets.numel() or 1)

    def totals(self, device: torch.device | None = None) -> Tensor:
        """Return samples (or their class weights), loss, hits or squared errors, elements of all targets: (4,) float64.

        device: of the zeros that are returned if this rank had no batch.
        """
        if not self.losses:
            return torch.zeros(4, dtype=torch.float64, device=device)
        losses = torch.stack(self.losses).double()
        if self.targets:
            second = self._second(torch.cat(self.outputs), torch.cat(self.targets)).double()
        else:
            second = torch.stack(self.sums).sum() if self.sums else losses.new_zeros(())
        weights = losses.new_tensor(self.weights) if self.weigh is None else self._stacked_weights(losses)
        return torch.stack((weights.sum(), losses @ weights, second, losses.new_tensor(self.num_elements)))

    def _stacked_weights(self, losses: Tensor) -> Tensor:
        return torch.stack([torch.as_tensor(weight).to(losses) for weight in self.weights])

    def part_metrics(self, totals: Tensor) -> dict[str, float]:
        """Return the part's metrics; totals: of this process, or the sum over those of all ranks."""
        weight, loss, second, elements = totals.tolist()
        values = {f"{self.part}/loss": loss / weight if weight else math.nan}
        if elements:
            mean = second / elements
            value = self.target_scale * mean**0.5 if self.kind == NUMBERS else mean
            values[f"{self.part}/{SECOND[self.kind]}"] = value
            own = self.metrics.values(self.part)
            for name in values.keys() & own.keys():
                taken = name.removeprefix(self.part)[1:]
                raise UserError(f"metrics.{taken} must have another name: {name} is what the learner logs")
            values |= own
        return values

    def _check_none_need_targets(self) -> None:
        if self.metrics:
            raise UserError(f"metrics must be none if the learner's step returns no targets; got {self.metrics.names}")

    def _second(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the sum of hits, or of squared errors."""
        if self.kind == NUMBERS:
            return (outputs - targets).double().square().sum()
        return (outputs == targets).sum()

    def _kind_of(self, targets: Tensor) -> str:
        if not targets.is_floating_point():
            return CLASSES
        return LABELS if self.has_labels else NUMBERS
