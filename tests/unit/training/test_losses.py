"""Losses: the one that fits itself to the targets, and which losses fit which data."""

from __future__ import annotations

import math
import re

import pytest
import torch
from torch import Tensor, nn

from tunesmith.errors import UserError
from tunesmith.training.losses import AutoLoss, check_labels, check_loss, weigh_classes

CLASSES, NUMBERS = True, False
WEIGHTS = torch.tensor([1.0, 3.0])


@pytest.mark.parametrize(
    ("outputs", "targets", "loss"),
    [
        pytest.param(torch.zeros(2, 4), torch.tensor([0, 3]), math.log(4), id="classes: cross entropy"),
        pytest.param(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 5.0]), 4.5, id="numbers: mean squared error"),
    ],
)
@pytest.mark.parametrize(("reduction", "times"), [("mean", 1), ("sum", 2)])
def test_auto_loss(outputs: Tensor, targets: Tensor, loss: float, reduction: str, times: int) -> None:
    assert AutoLoss(reduction=reduction)(outputs, targets).item() == pytest.approx(times * loss)


def test_label_smoothing_is_that_of_cross_entropy() -> None:
    outputs, targets = torch.tensor([[2.0, 0.0, 1.0]]), torch.tensor([0])
    wanted = torch.tensor([0.7 + 0.1, 0.1, 0.1])  # .3 of the target is spread over three classes
    expected = -(wanted * outputs[0].log_softmax(0)).sum()
    torch.testing.assert_close(AutoLoss(label_smoothing=0.3)(outputs, targets), expected)


@pytest.mark.parametrize("loss", [AutoLoss(), nn.CrossEntropyLoss()], ids=lambda loss: type(loss).__name__)
def test_class_weights_weigh_the_samples_of_their_class(loss: nn.Module) -> None:
    outputs, targets = torch.tensor([[2.0, 0.0], [1.0, 0.0]]), torch.tensor([0, 1])
    first, second = math.log(1 + math.exp(-2)), math.log(1 + math.exp(1))
    fitted = weigh_classes(loss, WEIGHTS)
    assert fitted(outputs, targets).item() == pytest.approx((1 * first + 3 * second) / (1 + 3))


def test_class_weights_move_to_the_device_with_the_loss() -> None:
    assert dict(weigh_classes(AutoLoss(), WEIGHTS).named_buffers())["weight"] is WEIGHTS


def fitted(loss: nn.Module, has_classes: bool, weights: Tensor | None) -> nn.Module:
    check_loss(loss, has_classes)
    return weigh_classes(loss, weights)


@pytest.mark.parametrize(
    ("has_classes", "loss", "weights", "message"),
    [
        pytest.param(
            CLASSES,
            nn.MSELoss(),
            None,
            "loss must fit the targets: MSELoss needs numbers, this data has classes; use loss=auto",
            id="mse of classes",
        ),
        pytest.param(
            CLASSES,
            nn.L1Loss(),
            None,
            "loss must fit the targets: L1Loss needs numbers, this data has classes; use loss=auto",
            id="mae of classes",
        ),
        pytest.param(
            CLASSES,
            nn.HuberLoss(),
            None,
            "loss must fit the targets: HuberLoss needs numbers, this data has classes; use loss=auto",
            id="huber of classes",
        ),
        pytest.param(
            CLASSES,
            nn.BCEWithLogitsLoss(),
            None,
            "loss must fit the targets: BCEWithLogitsLoss needs numbers, this data has classes; use loss=auto",
            id="binary cross entropy of classes",
        ),
        pytest.param(
            NUMBERS,
            nn.CrossEntropyLoss(),
            None,
            "loss must fit the targets: CrossEntropyLoss needs classes, this data has numbers; use loss=auto",
            id="cross entropy of numbers",
        ),
        pytest.param(
            NUMBERS,
            AutoLoss(label_smoothing=0.1),
            None,
            "loss.label_smoothing must be 0 if targets are numbers; got 0.1",
            id="label smoothing of numbers",
        ),
        pytest.param(
            CLASSES,
            nn.SoftMarginLoss(),
            WEIGHTS,
            "data.class_weights needs a loss that takes weights, as loss=auto does; got SoftMarginLoss",
            id="class weights for a loss without",
        ),
    ],
)
def test_a_loss_that_does_not_fit_is_refused(
    has_classes: bool, loss: nn.Module, weights: Tensor | None, message: str
) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        fitted(loss, has_classes, weights)


@pytest.mark.parametrize("targets", [torch.tensor([-0.9, 1.1]), torch.tensor([[0.0, 255.0]])], ids=["scaled", "grey"])
def test_numbers_are_no_labels(targets: Tensor) -> None:
    with pytest.raises(UserError, match=r"^loss must fit the targets: .* needs numbers from 0 to 1; got "):
        check_labels(nn.BCEWithLogitsLoss(), targets)


@pytest.mark.parametrize(
    ("loss", "targets"),
    [(nn.BCEWithLogitsLoss(), torch.tensor([0.0, 0.5, 1.0])), (nn.MSELoss(), torch.tensor([-2.0, 2.0]))],
    ids=["probabilities", "another loss"],
)
def test_labels_fit_their_loss(loss: nn.Module, targets: Tensor) -> None:
    check_labels(loss, targets)
