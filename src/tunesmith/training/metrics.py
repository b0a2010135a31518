"""The metrics group: torchmetrics objects and functions (outputs, targets) -> number; a few functions of ours."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

import torch
from torch import Tensor

from tunesmith.errors import UserError
from tunesmith.training.imported import is_of

if TYPE_CHECKING:
    from torchmetrics import Metric

log = logging.getLogger(__name__)

# Functions of ours import torchmetrics when they are called: it takes half a second, and most runs need none.
Function = Callable[[Tensor, Tensor], Any]

# Outputs that the functions have gathered are kept until the epoch ends; beyond this a line says so.
MANY_BYTES = 10**9


class Metrics:
    """The metrics of one part over one epoch, by name.

    A torchmetrics object is updated with each batch. A function is called once an epoch, with all outputs and targets,
    which are gathered for it: there is no second forward pass. Numbers are in the units of the data.
    """

    def __init__(self, named: Mapping[str, Metric | Function], mean: float = 0.0, scale: float = 1.0) -> None:
        """mean, scale: number in the data's unit = scale * training number + mean."""
        for name, metric in named.items():
            if not callable(metric):
                raise UserError(
                    f"metrics.{name} must be a torchmetrics object or a function (outputs, targets); got "
                    f"{type(metric).__name__}: it is handed over, not called, with metrics.{name}._partial_=true"
                )
        self.objects = {name: metric for name, metric in named.items() if _is_object(metric)}
        self.functions = {name: metric for name, metric in named.items() if not _is_object(metric)}
        self.mean = mean
        self.scale = scale
        self.outputs: list[Tensor] = []
        self.targets: list[Tensor] = []
        self.has_warned = False

    def __bool__(self) -> bool:
        return bool(self.objects or self.functions)

    @property
    def names(self) -> str:
        return ", ".join((*self.objects, *self.functions))

    def start(self, device: torch.device) -> None:
        """Forget the last epoch."""
        for metric in self.objects.values():
            metric.to(device).reset()
        self.outputs, self.targets = [], []

    def add(self, outputs: Tensor, targets: Tensor) -> None:
        """Take one batch; outputs: (batch, classes, ...), or (batch, ...) for numbers; targets: (batch, ...)."""
        if targets.is_floating_point() and (self.scale, self.mean) != (1.0, 0.0):
            outputs, targets = (_wide(each) * self.scale + self.mean for each in (outputs, targets))
        for name, metric in self.objects.items():
            _call(name, metric, outputs, targets)
        if self.functions:
            self.outputs.append(outputs)
            self.targets.append(targets)

    def values(self, part: str) -> dict[str, float]:
        """Return PART/NAME -> value over all ranks, of which one at least has taken a batch."""
        found = {name: _call(name, metric) for name, metric in self.objects.items()}
        if self.functions:
            outputs, targets = self._gather(part)
            found |= {name: _call(name, function, outputs, targets) for name, function in self.functions.items()}
        return {f"{part}/{name}": _number(name, value) for name, value in found.items()}

    def _gather(self, part: str) -> tuple[Tensor, Tensor]:
        """Return outputs and targets of all batches, of all ranks; training's, of which more may come, are kept."""
        _check_alike(self.functions, self.outputs)
        shares: list[Any] = [(torch.cat(self.outputs), torch.cat(self.targets)) if self.outputs else None]
        self.outputs, self.targets = [[each] for each in shares[0]] if shares[0] and part == "train" else ([], [])
        self._warn_of_bytes(part, shares[0] or ())
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            own = tuple(tensor.cpu() for tensor in shares[0]) if shares[0] else None
            shares = [None] * torch.distributed.get_world_size()
            torch.distributed.all_gather_object(shares, own)
        held = [share for share in shares if share is not None]  # a rank may have had no batch
        outputs, targets = zip(*held, strict=True)
        return (outputs[0], targets[0]) if len(held) == 1 else (torch.cat(outputs), torch.cat(targets))

    def _warn_of_bytes(self, part: str, gathered: Sequence[Tensor]) -> None:
        num_bytes = sum(tensor.numel() * tensor.element_size() for tensor in gathered)
        if num_bytes > MANY_BYTES and not self.has_warned:
            self.has_warned = True
            kept = f"{num_bytes / 10**9:.1f} GB of outputs and targets of the {part} part"
            names = ", ".join(self.functions)
            log.warning("metrics: %s are kept for %s; a torchmetrics object needs no copy", kept, names)


NO_METRICS = Metrics({})


def _is_object(metric: object) -> TypeGuard[Metric]:
    return is_of(metric, "torchmetrics.Metric")


def _wide(values: Tensor) -> Tensor:
    """Return numbers as float64, so that they keep their digits in the data's units; Apple's GPUs have no float64."""
    return values if values.device.type == "mps" else values.double()


def _check_alike(functions: Mapping[str, Function], outputs: Sequence[Tensor]) -> None:
    """Raise UserError if outputs of batches cannot be gathered for a function of the whole epoch."""
    shapes = list(dict.fromkeys(tuple(each.shape[1:]) for each in outputs))
    if len(shapes) > 1:
        raise UserError(
            f"metrics.{next(iter(functions))} needs outputs of one shape in all batches; got (batch, "
            f"{', '.join(map(str, shapes[0]))}) and (batch, {', '.join(map(str, shapes[1]))}): a torchmetrics object "
            "takes each batch by itself"
        )


def _call(name: str, metric: Metric | Function, *arguments: Tensor) -> Any:
    """Call a metric; raises UserError in one line if one of torchmetrics or ours does not fit outputs and targets.

    A function of the user's keeps its traceback.
    """
    call: Callable[..., Any] = metric
    if _is_object(metric):
        call = metric.update if arguments else metric.compute
    try:
        return call(*arguments)
    except (RuntimeError, ValueError, IndexError, TypeError) as error:
        if not _is_known(metric):
            raise
        shapes = ", ".join(str(tuple(tensor.shape)) for tensor in arguments)
        of = f" of shapes {shapes}" if arguments else ""
        reason = " ".join(str(error).split())
        raise UserError(f"metrics.{name} must take the outputs and targets{of}; it does not: {reason}") from None


def _is_known(metric: Metric | Function) -> bool:
    function = getattr(metric, "func", metric)  # of a partial
    module = type(metric).__module__ if _is_object(metric) else getattr(function, "__module__", "")
    return module.partition(".")[0] in ("torchmetrics", "tunesmith")


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (RuntimeError, ValueError, TypeError):
        raise UserError(f"metrics.{name} must return one number; got {type(value).__name__}: {value}") from None


def _has_labels(targets: Tensor) -> bool:
    """Tell 0/1 labels from classes; raises ValueError for numbers."""
    if not targets.is_floating_point():
        return False
    if targets.ndim != 2 or not ((targets == 0) | (targets == 1)).all():
        raise ValueError("it needs classes, or labels of zeros and ones; these targets are numbers")
    return True


def f1(outputs: Tensor, targets: Tensor) -> Tensor:
    """F1 score, the mean over the classes; outputs: (samples, classes, ...), targets: (samples, ...) int64.

    Of 0/1 labels, (samples, labels) float32: the mean over the labels.
    """
    from torchmetrics.functional import f1_score

    if _has_labels(targets):
        return f1_score(outputs.sigmoid(), targets.long(), "multilabel", num_labels=outputs.shape[1], average="macro")
    return f1_score(outputs, targets, "multiclass", num_classes=outputs.shape[1], average="macro")


def auroc(outputs: Tensor, targets: Tensor) -> Tensor | None:
    """Area under the ROC curve: of each class or label against the others, then the mean; shapes as in f1."""
    from torchmetrics.functional import auroc as torch_auroc

    if _has_labels(targets):
        return torch_auroc(outputs.sigmoid(), targets.long(), "multilabel", num_labels=outputs.shape[1])
    return torch_auroc(outputs.softmax(1), targets, "multiclass", num_classes=outputs.shape[1])


def top_k(outputs: Tensor, targets: Tensor, k: int = 5) -> Tensor:
    """Fraction of samples whose class is among the k largest outputs; (samples, classes), (samples,) int64."""
    from torchmetrics.functional import accuracy

    if targets.is_floating_point():
        raise ValueError("it needs classes; these targets are numbers")
    if k > outputs.shape[1]:
        raise ValueError(f"k={k} is more than the {outputs.shape[1]} classes")
    return accuracy(outputs, targets, "multiclass", num_classes=outputs.shape[1], top_k=k, average="micro")


def r2(outputs: Tensor, targets: Tensor) -> Tensor:
    """Coefficient of determination, the mean over the numbers of a sample; (samples, ...) both."""
    from torchmetrics.functional import r2_score

    if not targets.is_floating_point():
        raise ValueError("it needs numbers; these targets are classes")
    if targets.ndim > 1:
        outputs, targets = outputs.flatten(1), targets.flatten(1)
    mean = targets.mean(0)  # torchmetrics takes differences of squares, which have no digits left far from zero
    return r2_score(outputs - mean, targets - mean)


def mae(outputs: Tensor, targets: Tensor) -> Tensor:
    """Mean absolute error, in the unit of the data; (samples, ...) both."""
    from torchmetrics.functional import mean_absolute_error

    if not targets.is_floating_point():
        raise ValueError("it needs numbers; these targets are classes")
    return mean_absolute_error(outputs.contiguous(), targets.contiguous())
