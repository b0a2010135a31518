"""Outputs become columns: by what the targets are, and by what a learner of one's own puts out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tunesmith.data.fitted_preparation import FittedPreparation
from tunesmith.data.table_columns import TableColumns
from tunesmith.errors import UserError
from tunesmith.training.data_facts import DataFacts
from tunesmith.training.prediction_columns import to_frame
from tunesmith.training.trained_model import TrainedModel

PREPARED = FittedPreparation((4,), (), {}, None, None, (), 0.0, 1.0)
LOGITS = torch.tensor([[0.0, 1.0, 3.0], [2.0, 1.0, 0.0]])


def model(
    classes: tuple[str, ...] = (), shape: tuple[int, ...] = (), targets: tuple[str, ...] = (), **parts: nn.Module
) -> TrainedModel:
    preparation = replace(PREPARED, classes=classes, table=TableColumns(targets))
    facts = DataFacts((4,), 3, shape, bool(classes))
    return TrainedModel(nn.ModuleDict(parts), facts, preparation, None, is_lean=True)  # type: ignore[arg-type]


def test_a_class_has_probabilities_and_a_prediction() -> None:
    found = to_frame(model(("a", "b", "c")), LOGITS)
    assert list(found) == ["a", "b", "c", "prediction"]
    np.testing.assert_allclose(found[["a", "b", "c"]], LOGITS.double().softmax(1))
    assert found["prediction"].tolist() == ["c", "a"]


def test_a_class_that_is_called_prediction_keeps_its_column() -> None:
    assert list(to_frame(model(("no", "prediction", "x")), LOGITS)) == ["no", "prediction", "x", "prediction_"]


def test_probabilities_of_a_learner_of_ones_own_stay() -> None:
    probabilities = LOGITS.softmax(1)
    np.testing.assert_allclose(to_frame(model(("a", "b", "c")), probabilities)[["a", "b", "c"]], probabilities)


def test_a_class_for_each_element_is_a_prediction_for_each() -> None:
    outputs = torch.zeros(2, 2, 1, 2)
    outputs[1, 1, 0, 0] = 1
    found = to_frame(model(("paper", "ink"), (1, 2)), outputs)
    assert found.to_dict("list") == {"prediction_0_0": ["paper", "ink"], "prediction_0_1": ["paper", "paper"]}


@pytest.mark.parametrize(
    ("shape", "targets", "expected"),
    [
        ((), ("y",), ["prediction"]),
        ((2,), ("y", "z"), ["y", "z"]),
        ((2,), (), ["prediction_0", "prediction_1"]),
        ((1, 2), ("y",), ["prediction_0_0", "prediction_0_1"]),
    ],
)
def test_numbers_are_named_by_their_targets(
    shape: tuple[int, ...], targets: tuple[str, ...], expected: list[str]
) -> None:
    outputs = torch.arange(2 * int(np.prod(shape))).reshape(2, *shape).double()
    found = to_frame(model((), shape, targets), outputs)
    assert list(found) == expected
    np.testing.assert_array_equal(found.to_numpy(), outputs.reshape(2, -1))


def test_labels_are_probabilities() -> None:
    found = to_frame(model((), (3,), ("a", "b", "c"), loss=nn.BCEWithLogitsLoss()), LOGITS)
    np.testing.assert_allclose(found.to_numpy(), LOGITS.sigmoid())


@pytest.mark.parametrize("outputs", [LOGITS[:, :2], torch.zeros(2, 2)], ids=["fewer than classes", "codes"])
def test_outputs_of_another_kind_are_numbered(outputs: Tensor) -> None:
    assert list(to_frame(model(("a", "b", "c")), outputs)) == ["prediction_0", "prediction_1"]


def test_too_many_outputs_are_no_table() -> None:
    with pytest.raises(UserError, match=r"^predictions must have at most 10000 columns; got \(3, 64, 64\) numbers a "):
        to_frame(model((), (3, 64, 64)), torch.zeros(1, 3, 64, 64))
