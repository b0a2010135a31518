"""The loss that chooses itself by the targets, and the check that a loss fits the data."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import Tensor, nn
from torch.nn import functional

from tunesmith.errors import UserError
from tunesmith.training.data_facts import DataFacts

LOSSES_OF_NUMBERS = (nn.MSELoss, nn.L1Loss, nn.SmoothL1Loss, nn.HuberLoss, nn.BCEWithLogitsLoss)


class AutoLoss(nn.Module):
    """Cross entropy for classes, mean squared error for numbers.

    outputs: (batch, classes) with targets (batch,) of int64, or (batch,) with targets (batch,) of float32.
    weight: (classes,) float32, a factor per class, or None.
    """

    weight: Tensor | None

    def __init__(self, label_smoothing: float = 0.0, reduction: str = "mean") -> None:
        super().__init__()
        self.label_smoothing = label_smoothing
        self.reduction = reduction
        self.register_buffer("weight", None)

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        if targets.is_floating_point():
            return functional.mse_loss(outputs, targets, reduction=self.reduction)
        return functional.cross_entropy(
            outputs, targets, self.weight, reduction=self.reduction, label_smoothing=self.label_smoothing
        )


def target_weights(loss: nn.Module) -> Callable[[Tensor], Tensor] | None:
    """Return a function from targets, (batch, ...) int64, to the number by which the loss's mean divides its sum, ().

    That is the sum of the targets' class weights, without targets that the loss ignores, as torch.nn.CrossEntropyLoss
    describes it. None: the number of targets.
    """
    if not isinstance(loss, AutoLoss | nn.CrossEntropyLoss | nn.NLLLoss):
        return None
    ignored = getattr(loss, "ignore_index", -100)
    return None if loss.weight is None and ignored < 0 else partial(_sum_of_weights, loss, ignored)


def _sum_of_weights(loss: nn.Module, ignored: int, targets: Tensor) -> Tensor:
    counted = targets != ignored
    if not isinstance(loss.weight, Tensor):
        return counted.sum()
    known = targets.clamp(0, len(loss.weight) - 1)  # a step of one's own may have a loss with other classes
    return (loss.weight[known] * counted).sum()


def check_loss(loss: nn.Module, has_classes: bool) -> None:
    """Raise UserError if the loss does not fit the targets."""
    name = type(loss).__name__
    if has_classes and isinstance(loss, LOSSES_OF_NUMBERS):
        raise UserError(f"loss must fit the targets: {name} needs numbers, this data has classes; use loss=auto")
    if not has_classes and isinstance(loss, nn.CrossEntropyLoss):
        raise UserError(f"loss must fit the targets: {name} needs classes, this data has numbers; use loss=auto")
    if not has_classes and isinstance(loss, AutoLoss) and loss.label_smoothing:
        raise UserError(f"loss.label_smoothing must be 0 if targets are numbers; got {loss.label_smoothing}")


def check_labels(loss: nn.Module, targets: Tensor) -> None:
    """Raise UserError if the loss reads targets as probabilities, and they are none, such as numbers that are scaled.

    targets: (samples, ...) as they are trained on.
    """
    if not isinstance(loss, nn.BCEWithLogitsLoss):
        return
    least, most = targets.min().item(), targets.max().item()
    if least < 0 or most > 1:
        raise UserError(
            f"loss must fit the targets: BCEWithLogitsLoss needs numbers from 0 to 1; got {least:.3g} to {most:.3g} "
            "(data.scale_targets=false leaves zeros and ones as they are)"
        )


def explain_misfit(error: RuntimeError, facts: DataFacts) -> None:
    """Raise UserError if a step failed because the data's facts are not those of the targets."""
    if facts.class_weights is not None and "weight tensor" in str(error):
        raise UserError(
            f"data.class_weights must be null for this learner, whose step makes targets of its own; got "
            f"{len(facts.class_weights)} weights"
        ) from None
    if not facts.has_classes and "target with class probabilities" in str(error):
        raise UserError(
            "data must say has_classes=True and as output_size the number of classes, as attributes of its module, if "
            f"targets are classes; got has_classes=False, output_size={facts.output_size}"
        ) from None


def weigh_classes(loss: nn.Module, class_weights: Tensor | None) -> nn.Module:
    """Give the loss the data's class weights, if there are any, and return it.

    Raises:
        UserError: the loss takes no class weights.
    """
    if class_weights is not None:
        if not hasattr(loss, "weight"):
            name = type(loss).__name__
            raise UserError(f"data.class_weights needs a loss that takes weights, as loss=auto does; got {name}")
        loss.weight = class_weights
    return loss
