"""The Lightning module: sums of an epoch, the fit of loss and targets, the wiring of the schedule."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD
from torch.optim.lr_scheduler import ReduceLROnPlateau

from tunesmith.errors import UserError
from tunesmith.lightning_module import EpochSums, LightningModule
from tunesmith.losses import AutoLoss
from tunesmith.objective import Objective

CLASSES, NUMBERS = True, False


def module(
    has_classes: bool, loss: nn.Module | None = None, scheduler: partial[ReduceLROnPlateau] | None = None
) -> LightningModule:
    return LightningModule(
        model=nn.Linear(3, 2 if has_classes else 1),
        loss=loss or AutoLoss(),
        optimizer=partial(SGD, lr=0.1),
        scheduler=scheduler,
        objective=Objective("val/acc", "max"),
        has_classes=has_classes,
    )


def test_sums_of_classes_weigh_batches_by_their_samples() -> None:
    sums = EpochSums(CLASSES)
    sums.add(torch.tensor(1.0), torch.eye(3), torch.tensor([0, 1, 0]))  # predicts 0, 1, 2
    sums.add(torch.tensor(3.0), torch.tensor([[0.0, 1.0]]), torch.tensor([1]))
    assert sums.totals().tolist() == [4, 3 * 1.0 + 1 * 3.0, 2 + 1]


def test_sums_of_numbers_hold_squared_errors() -> None:
    sums = EpochSums(NUMBERS)
    sums.add(torch.tensor(0.5), torch.tensor([1.0, 2.0]), torch.tensor([0.0, 4.0]))
    sums.add(torch.tensor(0.1), torch.tensor([3.0]), torch.tensor([0.0]))
    assert sums.totals().tolist() == pytest.approx([3, 2 * 0.5 + 1 * 0.1, 1 + 4 + 9])


def test_sums_are_exact_where_float32_is_not() -> None:
    sums = EpochSums(NUMBERS)
    for error in (4096.0, 1.0):  # 4096**2 + 1 needs 25 bits
        sums.add(torch.tensor(error), torch.tensor([error]), torch.tensor([0.0]))
    assert sums.totals()[2].item() == 4096.0**2 + 1


def test_sums_keep_no_graph() -> None:
    outputs = torch.zeros(2, requires_grad=True)
    sums = EpochSums(NUMBERS)
    sums.add(outputs.sum(), outputs * 1, torch.zeros(2))
    assert not sums.totals().requires_grad


@pytest.mark.parametrize(
    ("has_classes", "loss", "message"),
    [
        pytest.param(CLASSES, nn.MSELoss(), "MSELoss needs numbers, this data has classes", id="mse of classes"),
        pytest.param(CLASSES, nn.L1Loss(), "L1Loss needs numbers, this data has classes", id="mae of classes"),
        pytest.param(
            NUMBERS, nn.CrossEntropyLoss(), "CrossEntropyLoss needs classes, this data has numbers", id="ce of numbers"
        ),
    ],
)
def test_a_loss_that_does_not_fit_is_refused(has_classes: bool, loss: nn.Module, message: str) -> None:
    with pytest.raises(UserError, match=f"^loss must fit the targets: {message}; use loss=auto$"):
        module(has_classes, loss)


@pytest.mark.parametrize(
    ("has_classes", "targets", "shape"),
    [
        pytest.param(CLASSES, torch.tensor([0, 1]), (2, 2), id="classes"),
        pytest.param(NUMBERS, torch.tensor([0.0, 1.0]), (2,), id="numbers"),
    ],
)
def test_outputs_have_the_shape_that_losses_take(has_classes: bool, targets: Tensor, shape: tuple[int, ...]) -> None:
    outputs = module(has_classes)(torch.zeros(2, 3))
    assert outputs.shape == shape
    assert AutoLoss()(outputs, targets).ndim == 0


def test_the_schedule_follows_the_objective() -> None:
    wiring = module(CLASSES, scheduler=partial(ReduceLROnPlateau, mode="max")).configure_optimizers()
    assert wiring["lr_scheduler"]["monitor"] == "val/acc"
    assert wiring["lr_scheduler"]["scheduler"].optimizer is wiring["optimizer"]


def test_without_a_schedule_there_is_an_optimizer_alone() -> None:
    assert isinstance(module(CLASSES).configure_optimizers(), SGD)
