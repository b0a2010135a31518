"""The prior loss: the best constant answer's, by the run's own loss."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch
from tiny import CLASSES, NUMBERS
from torch import Tensor, nn
from torch.optim import SGD

from tunesmith.data.splits import Split
from tunesmith.training.data_facts import DataFacts
from tunesmith.training.losses import AutoLoss
from tunesmith.training.prior_loss import prior_loss
from tunesmith.training.supervised import SupervisedLearning

LABELS = torch.tensor([0, 0, 0, 0, 0, 1, 1, 1, 2, 2])
ENTROPY = -sum(share * math.log(share) for share in (0.5, 0.3, 0.2))
VALUES = torch.tensor([-3.0, -1.0, 0.0, 1.0, 8.0])
WEIGHTS = (1.0, 2.0, 5.0)


def of(
    targets: Tensor, loss: nn.Module, facts: DataFacts | None = None, kind: type = SupervisedLearning
) -> float | None:
    facts = facts or (NUMBERS if targets.is_floating_point() else CLASSES)
    learner = kind(facts, nn.Linear(4, facts.output_size), loss, partial(SGD, lr=0.1))
    return prior_loss(learner, Split(torch.zeros(len(targets), 4), targets))


class Cubed(nn.Module):
    """A loss that no list knows; its best constant of 0 and 1 is the half."""

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs - targets).abs().pow(3).mean()


class Gaussian(nn.Module):
    """A loss for a model with two outputs a number."""

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs[:, 0] - targets).square().mean() + outputs[:, 1].exp().mean()


class Endless(nn.Module):
    """A loss without a least value."""

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs - targets).mean()


class Steps(nn.Module):
    """A loss without a slope."""

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs.detach().round() != targets).float().mean()


class Noisy(Cubed):
    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return super().forward(outputs, targets + 0 * torch.randn(len(targets)))


class OwnStep(SupervisedLearning):
    def step(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor | None]:
        return super().step(batch)


@pytest.mark.parametrize(
    ("targets", "loss", "least"),
    [
        (LABELS, AutoLoss(), ENTROPY),
        (LABELS, nn.CrossEntropyLoss(reduction="sum"), ENTROPY),
        (LABELS, nn.NLLLoss(), ENTROPY),
        (torch.tensor([1, 1, 1]), AutoLoss(), 0.0),
        (VALUES, AutoLoss(), VALUES.var(correction=0).item()),
        (VALUES, nn.MSELoss(reduction="sum"), VALUES.var(correction=0).item()),
        (VALUES, nn.L1Loss(), 13 / 5),
        (torch.tensor([0.0, 0.0, 0.0, 1.0]), nn.BCEWithLogitsLoss(), -0.75 * math.log(0.75) - 0.25 * math.log(0.25)),
        (torch.tensor([0.0, 1.0]), Cubed(), 0.125),
    ],
    ids=["entropy", "a sum", "nll", "one class", "variance", "a sum of squares", "median", "bce", "own"],
)
def test_the_least_loss_of_a_constant(targets: Tensor, loss: nn.Module, least: float) -> None:
    assert of(targets, loss) == pytest.approx(least, abs=1e-5)


@pytest.mark.parametrize(
    ("targets", "loss"),
    [
        (LABELS, nn.CrossEntropyLoss(torch.tensor(WEIGHTS), label_smoothing=0.2)),
        (LABELS, nn.CrossEntropyLoss(ignore_index=1, label_smoothing=0.1)),
        (VALUES, nn.HuberLoss(delta=0.5)),
        (VALUES, nn.SmoothL1Loss()),
        (torch.tensor([0.0, 1.0, 1.0]), nn.BCEWithLogitsLoss(pos_weight=torch.tensor(3.0))),
    ],
    ids=["weights and smoothing", "ignored", "huber", "smooth l1", "bce with a weight"],
)
def test_no_constant_that_is_tried_costs_less(targets: Tensor, loss: nn.Module) -> None:
    least = of(targets, loss)
    assert least is not None
    outputs = () if targets.is_floating_point() else (3,)
    tried = 3 * torch.randn(4000, *outputs, generator=torch.Generator().manual_seed(0))
    costs = [loss(constant.expand(len(targets), *outputs), targets).item() for constant in tried]
    assert least - 1e-5 <= min(costs) <= least + 0.02


@pytest.mark.parametrize("loss", [Gaussian(), Endless(), Steps()], ids=lambda loss: type(loss).__name__)
def test_a_loss_without_a_best_constant_has_none(loss: nn.Module) -> None:
    assert of(VALUES, loss) is None


def test_a_step_of_ones_own_and_an_empty_part_have_none() -> None:
    assert of(LABELS, AutoLoss(), kind=OwnStep) is None
    assert of(LABELS[:0], AutoLoss()) is None


def test_two_classes_have_one_output_and_an_image_of_classes_a_constant_for_each_place() -> None:
    two = DataFacts((4,), 1, has_classes=True)
    assert of(torch.tensor([0, 1]), AutoLoss(), two) == pytest.approx(math.log(2))
    places = DataFacts((4,), 3, (2,), has_classes=True)
    assert of(torch.tensor([[0, 2], [0, 1]]), AutoLoss(), places) == pytest.approx(math.log(2) / 2)
    image = DataFacts((4,), 2, (2,))
    assert of(torch.tensor([[1.0, 3.0], [-1.0, 3.0]]), AutoLoss(), image) == pytest.approx(0.5)


def test_a_loss_that_draws_leaves_the_draws_of_the_training() -> None:
    learner = SupervisedLearning(NUMBERS, nn.Linear(4, 1), Noisy(), partial(SGD, lr=0.1))
    state = torch.get_rng_state()
    assert prior_loss(learner, Split(torch.zeros(2, 4), torch.tensor([0.0, 1.0]))) == pytest.approx(0.125, abs=1e-5)
    assert torch.equal(torch.get_rng_state(), state)
