"""What a model puts out for some training samples in evaluation mode: its loss, its outputs, and its dead units."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from tunesmith.data.batches import Batch
from tunesmith.training.epoch_metrics import EpochMetrics
from tunesmith.training.losses import target_weights
from tunesmith.training.probes.norms import to_floats
from tunesmith.training.probes.unchanged import attributes_unchanged, unchanged
from tunesmith.training.probes.units import Units
from tunesmith.training.supervised import SupervisedLearning

# The name of the samples that are looked at, among the learner's parts of the data.
_PART = "probes"


@dataclass(frozen=True)
class Seen:
    """What was seen of a model; numbers: by the columns of probes.csv; shares: by layer, see Units.shares."""

    numbers: Mapping[str, float] = field(default_factory=dict)
    dead_shares: Mapping[str, float] = field(default_factory=dict)
    blocked_shares: Mapping[str, float] = field(default_factory=dict)


def look(learner: SupervisedLearning, batches: Sequence[Batch], losses: Sequence[Tensor] = ()) -> Seen:
    """Put samples through a learner whose step is ours, and change nothing: neither modes, buffers nor generators.

    losses: of the batches that were trained on in the epoch that has just ended.
    """
    metrics = learner.epoch_metrics[_PART] = _LossAlone(learner)
    units = Units()
    try:
        with torch.no_grad(), unchanged(learner), units.watched(learner, learner.model):
            for batch in batches:
                learner.evaluate_on(batch, _PART)
    finally:
        del learner.epoch_metrics[_PART]
    return _seen({"train_loss": metrics.mean_loss()}, units, batches, losses)


def look_at_outputs(learner: nn.Module, batches: Sequence[Batch], losses: Sequence[Tensor] = ()) -> Seen:
    """Put samples through the forward of any learner, whose step, and so its loss, is left alone; see look.

    Raises:
        ValueError: the forward puts out something else than a tensor with a row a sample.
        Exception: any that the forward raises.
    """
    units = Units()
    with torch.no_grad(), attributes_unchanged(learner), unchanged(learner), units.watched(learner, learner):
        for inputs, _ in batches:
            outputs = learner(inputs)
            if not isinstance(outputs, Tensor) or outputs.ndim == 0 or len(outputs) != len(inputs):
                raise ValueError("it puts out no tensor with a row for each sample")
    return _seen({}, units, batches, losses)


class _LossAlone(EpochMetrics):
    """Metrics of which only the loss is asked: the others take as long as a small net's forward."""

    def __init__(self, learner: SupervisedLearning) -> None:
        weigh = target_weights(learner.loss)
        super().__init__(_PART, learner.facts.has_classes, is_sum=learner.is_sum, weigh=weigh)

    def add(self, loss: Tensor, outputs: Tensor, targets: Tensor | None) -> None:
        weight = self._weight(outputs, targets)
        self.losses.append(self._mean_loss(loss, outputs, targets, weight))
        self.weights.append(weight)

    def mean_loss(self) -> Tensor:
        if len(self.losses) == 1:
            return self.losses[0]
        losses = torch.stack(self.losses)
        weights = self._stacked_weights(losses)
        return losses @ weights / weights.sum()


def _seen(numbers: Mapping[str, Tensor], units: Units, batches: Sequence[Batch], losses: Sequence[Tensor]) -> Seen:
    largest = torch.stack([inputs.abs().amax() for inputs, _ in batches]).amax()
    numbers = {**numbers, "input_max": largest, **units.output_numbers()}
    floats = dict(zip(numbers, to_floats(list(numbers.values())), strict=True))
    return Seen({**floats, **_loss_numbers(to_floats(losses))}, *units.shares())


def _loss_numbers(losses: Sequence[float]) -> dict[str, float]:
    """Return the mean loss of the first and of the last quarter of an epoch's steps, and the largest one."""
    if not losses:
        return {}
    quarter = -(-len(losses) // 4)
    return {
        "first_quarter_loss": sum(losses[:quarter]) / quarter,
        "last_quarter_loss": sum(losses[-quarter:]) / quarter,
        "max_batch_loss": math.nan if any(map(math.isnan, losses)) else max(losses),
    }
