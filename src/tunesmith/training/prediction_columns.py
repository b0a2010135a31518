"""What a model puts out for new rows -> the columns of predictions.csv."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor, nn

from tunesmith.errors import UserError
from tunesmith.training.supervised import SupervisedLearning
from tunesmith.training.trained_model import TrainedModel

if TYPE_CHECKING:
    from pandas import DataFrame

PREDICTION = "prediction"
# Of a table that programs still open.
MAX_COLUMNS = 10_000


def to_frame(model: TrainedModel, outputs: Tensor) -> DataFrame:
    """Return a row for each sample.

    A class: each class's probability, and the prediction, the likeliest class. A class for each of several elements:
    their predictions. Labels: each label's probability. Numbers: the predictions, in the target's unit.

    outputs: logits (samples, classes, *target_shape), or (samples, *target_shape), or whatever a learner puts out.
    """
    from pandas import DataFrame

    classes, facts = model.preparation.classes, model.facts
    if facts.has_classes and tuple(outputs.shape[1:]) == (len(classes), *facts.target_shape):
        chosen = np.array(classes, dtype=object)[outputs.argmax(1).numpy()]
        if facts.target_shape:
            return DataFrame(_columns(_names(PREDICTION, facts.target_shape), chosen))
        columns = _columns(list(classes), _probabilities(model.module, outputs).numpy())
        return DataFrame({**columns, _free_name(PREDICTION, classes): chosen})
    shape = tuple(outputs.shape[1:])
    is_target = not facts.has_classes and shape == facts.target_shape
    targets = model.preparation.table.targets if model.preparation.table else ()
    names = list(targets) if is_target and shape == (len(targets),) else _names(PREDICTION, shape)
    is_label = is_target and isinstance(getattr(model.module, "loss", None), nn.BCEWithLogitsLoss)
    return DataFrame(_columns(names, (outputs.sigmoid() if is_label else outputs).numpy()))


def _probabilities(module: nn.Module, logits: Tensor) -> Tensor:
    """Return probabilities, (samples, classes) float64; a learner of one's own may put out probabilities itself."""
    outputs = logits.double()
    is_ours = isinstance(module, SupervisedLearning) and module.is_step_ours
    if not is_ours and bool((outputs >= 0).all()) and bool(((outputs.sum(1) - 1).abs() < 1e-3).all()):
        return outputs
    return outputs.softmax(1)


def _columns(names: Sequence[str], values: Any) -> dict[str, Any]:
    """Return name -> (samples,); values: (samples, ...)."""
    flat = values.reshape(len(values), -1)
    return {name: flat[:, index] for index, name in enumerate(names)}


def _names(name: str, shape: Sequence[int]) -> list[str]:
    """Return a name for each element of an output: prediction, or prediction_0_3."""
    if np.prod(shape, dtype=int) > MAX_COLUMNS:
        raise UserError(
            f"predictions must have at most {MAX_COLUMNS} columns; got {tuple(shape)} numbers a sample: a learner of "
            "your own may put out fewer in its predict"
        )
    return ["_".join(map(str, (name, *place))) for place in product(*map(range, shape))]


def _free_name(name: str, taken: Sequence[str]) -> str:
    while name in taken:
        name += "_"
    return name
