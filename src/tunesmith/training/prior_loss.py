"""The prior loss: what the best constant answer costs on a part of the data, by which other losses are measured."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from math import prod

import torch
from torch import Tensor, nn

from tunesmith.data.splits import Split
from tunesmith.data.statistics import evenly_spaced
from tunesmith.training.epoch_metrics import EpochMetrics
from tunesmith.training.losses import AutoLoss, target_weights
from tunesmith.training.probes.unchanged import unchanged
from tunesmith.training.supervised import SupervisedLearning

# Outputs for which a loss is computed at once; of a larger part, evenly spaced samples stand for all.
MAX_OUTPUTS = 2**22
# Share of a class that a part lacks, or that is all of it: its logit stays finite.
LEAST_SHARE = 1e-12
# Losses whose best constant is known: log shares, logits of shares, mean or median.
_KNOWN = (AutoLoss, nn.CrossEntropyLoss, nn.NLLLoss, nn.MSELoss, nn.L1Loss)
# A constant is the best one if the loss's slope there is this part of the loss, or less.
FLAT = 1e-3


def prior_loss(learner: SupervisedLearning, part: Split) -> float | None:
    """Return the least mean loss on a part that the same outputs for all samples can have, by the learner's own loss.

    It is the entropy of the class shares, the variance of numbers, or what the loss makes of them by its class weights,
    its smoothing or its own formula. None: the part is empty, the learner's step is its own, or its loss takes no such
    outputs or has no slope to follow down.
    """
    if not len(part) or not learner.is_step_ours:
        return None
    shape = (_num_classes(learner),) if learner.facts.has_classes else ()
    targets = evenly_spaced(part.targets, MAX_OUTPUTS // max(1, prod((*shape, *part.targets.shape[1:]))))
    found = _least(learner, targets) if type(learner.loss) in _KNOWN else _try_least(learner, targets)
    return found if found is not None and math.isfinite(found) else None


def _try_least(learner: SupervisedLearning, targets: Tensor) -> float | None:
    """Return the least loss by a loss that may draw, complain, or take other outputs than these."""
    with warnings.catch_warnings(), unchanged(learner.loss):
        warnings.simplefilter("ignore")  # it complains in training, too
        try:
            return _least(learner, targets)
        except Exception:  # whatever it raises then
            return None


def _least(learner: SupervisedLearning, targets: Tensor) -> float | None:
    constants = [each.float() for each in _candidates(learner, targets)]
    values = [_mean_loss(learner, each, targets) for each in constants]
    best = min(range(len(values)), key=values.__getitem__)
    if type(learner.loss) in _KNOWN or _is_plain_bce(learner.loss):
        return values[best]
    descended = _descend(learner, constants[best], targets)
    return None if descended is None else min(values[best], _mean_loss(learner, descended, targets))


def _candidates(learner: SupervisedLearning, targets: Tensor) -> Iterator[Tensor]:
    """Yield constant outputs of which one is the best for each loss that ships, and near to it for others."""
    if learner.facts.has_classes:
        yield _class_shares(learner, targets).clamp(min=LEAST_SHARE).log()
        return
    mean = targets.double().mean(0)
    if isinstance(learner.loss, nn.BCEWithLogitsLoss):
        yield mean.clamp(LEAST_SHARE, 1 - LEAST_SHARE).logit()
        return
    yield mean
    yield targets.median(0).values


def _class_shares(learner: SupervisedLearning, targets: Tensor) -> Tensor:
    """Return how much of the loss's weight each class has, (classes, *target_shape), float64.

    Smoothing gives each class an even part of all samples, and then its weight, as torch.nn.CrossEntropyLoss says.
    """
    num_classes = _num_classes(learner)
    ignored = getattr(learner.loss, "ignore_index", -100)
    counts = torch.stack([((targets == label) & (label != ignored)).sum(0) for label in range(num_classes)]).double()
    smoothing = getattr(learner.loss, "label_smoothing", 0.0)
    mixed = (1 - smoothing) * counts + smoothing / num_classes * counts.sum(0)
    weight = getattr(learner.loss, "weight", None)
    if isinstance(weight, Tensor):
        mixed = mixed * weight.double().reshape(-1, *[1] * (mixed.ndim - 1))
    return mixed / mixed.sum(0)


def _num_classes(learner: SupervisedLearning) -> int:
    """Return how many outputs the loss gets; a model of two classes has one less."""
    return max(2, learner.facts.output_size)


def _is_plain_bce(loss: nn.Module) -> bool:
    return isinstance(loss, nn.BCEWithLogitsLoss) and loss.weight is None and loss.pos_weight is None


def _mean_loss(learner: SupervisedLearning, constant: Tensor, targets: Tensor) -> float:
    """Return the loss as metrics.csv has it: a mean over samples, by their class weights if there are any."""
    metrics = EpochMetrics(
        "prior", learner.facts.has_classes, is_sum=learner.is_sum, weigh=target_weights(learner.loss)
    )
    outputs = constant.expand(len(targets), *constant.shape)
    with torch.no_grad():
        metrics.add(learner.loss(outputs, targets), outputs, targets)
    return metrics.part_metrics(metrics.totals())["prior/loss"]


def _descend(learner: SupervisedLearning, start: Tensor, targets: Tensor) -> Tensor | None:
    """Follow the loss's slope down to a constant at which it is flat; None if there is none within some steps."""
    constant = start.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([constant], max_iter=50, tolerance_grad=1e-5, line_search_fn="strong_wolfe")
    size = targets.numel() if learner.is_sum else 1

    def slope() -> Tensor:
        loss: Tensor = learner.loss(constant.expand(len(targets), *constant.shape), targets) / size
        (constant.grad,) = torch.autograd.grad(loss, constant)
        return loss

    with torch.enable_grad():
        optimizer.step(slope)  # type: ignore[no-untyped-call]
        loss = slope()
    assert constant.grad is not None
    is_flat = constant.grad.norm() <= FLAT * loss.detach().abs().clamp(min=FLAT)
    return constant.detach() if is_flat else None
