"""Weights apart from biases and norms, which weight decay and L1 spare."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import Tensor, nn
from torch.nn import Parameter


def group_parameters(parameters: Iterable[Parameter], weight_decay: float | None) -> list[dict[str, Any]]:
    """Return one group, or two if weight decay is on: weights, and biases and norms, which it spares."""
    listed = list(parameters)
    if not weight_decay:
        return [{"params": listed}]
    spared = [parameter for parameter in listed if not is_weight(parameter)]
    groups: list[dict[str, Any]] = [{"params": list(filter(is_weight, listed))}]
    return [*groups, {"params": spared, "weight_decay": 0.0}] if spared else groups


def is_weight(parameter: Tensor) -> bool:
    """Tell a weight from a bias or a norm's parameter, which have one dimension."""
    return parameter.ndim > 1


def count_parameters(module: nn.Module) -> int:
    """Return how many numbers of a module are trained."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
