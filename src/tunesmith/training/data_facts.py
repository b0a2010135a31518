"""What a supervised learner has to know of its data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from tunesmith.errors import UserError


@dataclass(frozen=True)
class DataFacts:
    """Shapes and units of a data set.

    input_shape: of one sample; target_shape: of one target, () for one class or one number.
    output_size: numbers that a model puts out for a sample (classes with a target shape: for each element of it).
    has_classes: targets are int64 classes, otherwise float32 numbers; class_weights: (classes,) float32, or None.
    target = target_scale * training target + target_mean.
    """

    input_shape: tuple[int, ...]
    output_size: int
    target_shape: tuple[int, ...] = ()
    has_classes: bool = False
    class_weights: Tensor | None = None
    target_mean: float = 0.0
    target_scale: float = 1.0


def read_facts(data: Any) -> DataFacts:
    """Read the facts from the attributes of a data module; a data module of one's own needs the first two.

    Raises:
        UserError: the data module has no input_shape or no output_size.
    """
    if data is None:
        raise UserError("data must be given for learner=supervised; got data=none")
    for name in ("input_shape", "output_size"):
        if not hasattr(data, name):
            raise UserError(
                f"data must say its {name}, as an attribute of the data module, for learner=supervised; got "
                f"{type(data).__name__} without it: add it, or use a learner of your own"
            )
    has_classes = getattr(data, "has_classes", data.output_size > 1)
    shape = () if has_classes or data.output_size == 1 else (data.output_size,)
    return DataFacts(
        tuple(data.input_shape),
        data.output_size,
        tuple(getattr(data, "target_shape", shape)),
        has_classes,
        getattr(data, "class_weights", None),
        getattr(data, "target_mean", 0.0),
        getattr(data, "target_scale", 1.0),
    )
