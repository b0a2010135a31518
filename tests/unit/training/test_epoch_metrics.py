"""Metrics of an epoch: sums over its batches, by samples, exact and without a graph; means of these; the log."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional

from tunesmith.errors import UserError
from tunesmith.training.epoch_metrics import EpochMetrics
from tunesmith.training.losses import AutoLoss, target_weights, weigh_classes
from tunesmith.training.metrics import Metrics, mae

CLASSES, NUMBERS = True, False


# sums


def test_sums_of_classes_weigh_batches_by_their_samples() -> None:
    metrics = EpochMetrics("train", CLASSES)
    metrics.add(torch.tensor(1.0), torch.eye(3), torch.tensor([0, 1, 0]))  # predicts 0, 1, 2
    metrics.add(torch.tensor(3.0), torch.tensor([[0.0, 1.0]]), torch.tensor([1]))
    assert metrics.totals().tolist() == [4, 3 * 1.0 + 1 * 3.0, 2 + 1, 4]


def test_sums_of_numbers_hold_squared_errors() -> None:
    metrics = EpochMetrics("train", NUMBERS)
    metrics.add(torch.tensor(0.5), torch.tensor([1.0, 2.0]), torch.tensor([0.0, 4.0]))
    metrics.add(torch.tensor(0.1), torch.tensor([3.0]), torch.tensor([0.0]))
    assert metrics.totals().tolist() == pytest.approx([3, 2 * 0.5 + 1 * 0.1, 1 + 4 + 9, 3])


def test_sums_are_exact_where_float32_is_not() -> None:
    metrics = EpochMetrics("train", NUMBERS)
    for error in (4096.0, 1.0):  # 4096**2 + 1 needs 25 bits
        metrics.add(torch.tensor(error), torch.tensor([error]), torch.tensor([0.0]))
    assert metrics.totals()[2].item() == 4096.0**2 + 1


def test_sums_keep_no_graph() -> None:
    outputs = torch.zeros(2, requires_grad=True)
    metrics = EpochMetrics("train", NUMBERS)
    metrics.add(outputs.sum(), outputs * 1, torch.zeros(2))
    assert not metrics.totals().requires_grad


def test_a_part_without_batches_adds_nothing_to_the_sums_of_other_ranks() -> None:
    assert EpochMetrics("val", CLASSES).totals().tolist() == [0, 0, 0, 0]


# means


def test_metrics_of_classes_are_means_over_samples() -> None:
    assert EpochMetrics("val", CLASSES).part_metrics(torch.tensor([4.0, 6.0, 3.0, 4.0])) == {
        "val/loss": 1.5,
        "val/acc": 0.75,
    }


def test_metrics_of_numbers_are_a_mean_and_a_root_in_the_targets_own_unit() -> None:
    metrics = EpochMetrics("test", NUMBERS, target_scale=10.0).part_metrics(torch.tensor([4.0, 6.0, 36.0, 4.0]))
    assert metrics == {"test/loss": 1.5, "test/rmse": 30.0}


@pytest.mark.parametrize(("is_sum", "expected"), [(False, 6.0), (True, 2.0)], ids=["mean", "sum"])
def test_a_loss_that_is_a_sum_becomes_a_mean(is_sum: bool, expected: float) -> None:
    metrics = EpochMetrics("train", NUMBERS, is_sum=is_sum)
    metrics.add(torch.tensor(6.0), torch.zeros(3), torch.zeros(3))
    assert metrics.part_metrics(metrics.totals())["train/loss"] == expected


@pytest.mark.parametrize("shape", [(4,), (4, 3), (4, 2, 5)], ids=str)
def test_a_sum_is_logged_as_the_mean_that_the_same_loss_would_be(shape: tuple[int, ...]) -> None:
    outputs, targets = torch.rand(shape), torch.rand(shape)
    logged = []
    for reduction in ("mean", "sum"):
        metrics = EpochMetrics("val", NUMBERS, is_sum=reduction == "sum")
        metrics.add(functional.mse_loss(outputs, targets, reduction=reduction), outputs, targets)
        logged.append(metrics.part_metrics(metrics.totals())["val/loss"])
    assert logged[0] == pytest.approx(logged[1])


def test_a_metric_does_not_hide_what_the_learner_logs_by_the_same_name() -> None:
    metrics = EpochMetrics("val", NUMBERS, metrics=Metrics({"loss": mae}))
    metrics.add(torch.tensor(0.5), torch.ones(2), torch.zeros(2))
    with pytest.raises(UserError, match=r"^metrics\.loss must have another name: val/loss is what the learner logs$"):
        metrics.part_metrics(metrics.totals())


SMOOTH = {"label_smoothing": 0.1}
WEIGHTED: dict[str, Callable[[str], nn.Module]] = {
    "auto": lambda reduction: weigh_classes(AutoLoss(reduction=reduction), torch.tensor([1.0, 10.0, 0.5])),
    "auto, smoothed": lambda reduction: weigh_classes(
        AutoLoss(reduction=reduction, **SMOOTH), torch.tensor([1.0, 10.0, 0.5])
    ),
    "torch's": lambda reduction: nn.CrossEntropyLoss(torch.tensor([1.0, 10.0, 0.5]), reduction=reduction),
    "torch's, a class ignored": lambda reduction: nn.CrossEntropyLoss(reduction=reduction, ignore_index=2),
    "without weights": lambda reduction: AutoLoss(reduction=reduction),
}


@pytest.mark.parametrize("shape", [(50,), (50, 4)], ids=["a class a sample", "a mask"])
@pytest.mark.parametrize("make", WEIGHTED.values(), ids=WEIGHTED)
def test_a_mean_loss_depends_neither_on_batches_nor_on_the_reduction(
    make: Callable[[str], nn.Module], shape: tuple[int, ...]
) -> None:
    random = torch.Generator().manual_seed(0)
    outputs = torch.randn(50, 3, *shape[1:], generator=random)
    targets = torch.randint(3, shape, generator=random)
    expected = make("mean")(outputs, targets).item()
    for reduction in ("mean", "sum"):
        loss = make(reduction)
        for batch_size in (50, 7, 1):
            metrics = EpochMetrics("val", CLASSES, is_sum=reduction == "sum", weigh=target_weights(loss))
            for out, target in zip(outputs.split(batch_size), targets.split(batch_size), strict=True):
                metrics.add(loss(out, target), out, target)
            assert metrics.part_metrics(metrics.totals())["val/loss"] == pytest.approx(expected, rel=1e-5)
