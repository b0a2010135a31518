"""What a model puts out for some training samples in evaluation mode: its loss, its outputs, and its dead units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from tunesmith.data.batches import Batch
from tunesmith.training.epoch_metrics import EpochMetrics
from tunesmith.training.losses import target_weights
from tunesmith.training.probes.unchanged import attributes_unchanged, unchanged
from tunesmith.training.probes.units import Units
from tunesmith.training.supervised import SupervisedLearning

# The name of the samples that are looked at, among the learner's parts of the data.
_PART = "probes"


@dataclass(frozen=True)
class Seen:
    """What was seen of a model; numbers: by the columns of probes.csv; shares of units: by layer, see UnitShares."""

    numbers: Mapping[str, float] = field(default_factory=dict)
    dead_shares: Mapping[str, float] = field(default_factory=dict)
    blocked_shares: Mapping[str, float] = field(default_factory=dict)


def look(learner: SupervisedLearning, batches: Sequence[Batch], losses: Sequence[Tensor] = ()) -> Seen:
    """Put samples through a learner whose step is ours, and change nothing: neither modes, buffers nor generators.

    losses: of the batches that were trained on in the epoch that has just ended.
    """
    facts, weigh = learner.facts, target_weights(learner.loss)
    metrics = learner.epoch_metrics[_PART] = EpochMetrics(_PART, facts.has_classes, is_sum=learner.is_sum, weigh=weigh)
    units = Units()
    try:
        with torch.no_grad(), unchanged(learner), units.watched(learner, learner.model):
            for batch in batches:
                learner.evaluate_on(batch, _PART)
    finally:
        del learner.epoch_metrics[_PART]
    weight, loss, *_ = metrics.totals()
    return _seen({"train_loss": loss / weight}, units, batches, losses)


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


def _seen(numbers: Mapping[str, Tensor], units: Units, batches: Sequence[Batch], losses: Sequence[Tensor]) -> Seen:
    """Read all numbers, which lie on a device, in one transfer."""
    largest = torch.stack([inputs.abs().amax() for inputs, _ in batches]).amax()
    numbers = {**numbers, "input_max": largest, **units.output_numbers(), **_loss_numbers(losses)}
    shares = units.shares()
    dead, blocked = ([getattr(each, name) for each in shares.values()] for name in ("dead", "blocked"))
    tensors = [each.to(largest.device, torch.float32) for each in (*numbers.values(), *dead, *blocked)]
    values = torch.stack(tensors).tolist()
    of_layers = len(values) - len(shares)
    return Seen(
        dict(zip(numbers, values, strict=False)),
        dict(zip(shares, values[len(numbers) : of_layers], strict=True)),
        dict(zip(shares, values[of_layers:], strict=True)),
    )


def _loss_numbers(losses: Sequence[Tensor]) -> dict[str, Tensor]:
    """Return the mean loss of the first and of the last quarter of an epoch's steps, and the largest one."""
    if not losses:
        return {}
    of_steps, quarter = torch.stack(list(losses)).float(), -(-len(losses) // 4)
    return {
        "first_quarter_loss": of_steps[:quarter].mean(),
        "last_quarter_loss": of_steps[-quarter:].mean(),
        "max_batch_loss": of_steps.amax(),
    }
