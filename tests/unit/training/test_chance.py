"""Standard errors of test metrics, and when there is a calibration."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tunesmith.insight.part_outputs import CLASSES, LABELS, NUMBERS
from tunesmith.training.chance import calibration, second_metric_se


def test_the_error_of_an_accuracy_is_that_of_a_binomial() -> None:
    outputs = torch.eye(2).repeat(50, 1)
    targets = torch.tensor([0, 1] * 40 + [1, 0] * 10)
    assert second_metric_se(CLASSES, outputs, targets, 1.0) == {"acc_se": pytest.approx((0.8 * 0.2 / 100) ** 0.5)}


def test_labels_of_one_sample_are_one_draw() -> None:
    """Three labels that are always right or wrong together say no more than one."""
    right = torch.tensor([1.0] * 80 + [0.0] * 20)
    one = second_metric_se(LABELS, right[:, None] - 0.5, torch.ones(100, 1), 1.0)
    three = second_metric_se(LABELS, right[:, None].expand(-1, 3) - 0.5, torch.ones(100, 3), 1.0)
    assert one == three == {"acc_se": pytest.approx(0.04)}


def test_the_error_of_an_rmse_is_the_spread_of_repeated_test_parts() -> None:
    torch.manual_seed(0)
    errors = torch.randn(2000, 200, dtype=torch.float64)
    spread = errors.square().mean(1).sqrt().std().item() * 3
    found = second_metric_se(NUMBERS, errors[0], torch.zeros(200), 3.0)["rmse_se"]
    assert found == pytest.approx(spread, rel=0.2)


def test_a_perfect_fit_has_no_error_to_tell() -> None:
    assert second_metric_se(NUMBERS, torch.ones(5), torch.ones(5), 1.0) == {}


@pytest.mark.parametrize(
    ("kind", "outputs", "targets"),
    [
        pytest.param(NUMBERS, torch.ones(5), torch.ones(5), id="numbers"),
        pytest.param(CLASSES, torch.ones(5, 2, 3), torch.ones(5, 3, dtype=torch.int64), id="a class per pixel"),
        pytest.param(CLASSES, torch.full((5, 2), torch.nan), torch.ones(5, dtype=torch.int64), id="NaN"),
    ],
)
def test_only_single_classes_have_a_calibration(kind: str, outputs: Tensor, targets: Tensor) -> None:
    assert calibration(kind, outputs, targets) == {}
