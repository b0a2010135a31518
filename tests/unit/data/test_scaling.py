"""Scales: fitted in pieces as on the whole, and what float32 can hold."""

from __future__ import annotations

import numpy as np
import pytest

from tunesmith.data.scaling import Scaling, fit_scaling, loses_digits, mean_and_deviation, to_float32
from tunesmith.errors import UserError

ROWS = 1.6e9 + np.random.RandomState(0).randn(100, 3) * [1, 10, 0]


@pytest.mark.parametrize("kind", ["standard", "global", "minmax", "robust"])
def test_a_scale_is_the_same_in_pieces(kind: str) -> None:
    whole, pieces = fit_scaling([ROWS], kind), fit_scaling(np.array_split(ROWS, 7), kind)
    assert whole is not None
    assert pieces is not None
    np.testing.assert_allclose(pieces.offset, whole.offset, rtol=1e-15)
    np.testing.assert_allclose(pieces.scale, whole.scale, rtol=1e-6)


def test_no_scale_leaves_numbers_as_they_are() -> None:
    assert fit_scaling([ROWS], "none") is None


@pytest.mark.parametrize("offset", [0, 1.6e9, 1.6e12, 2.0**52])
def test_mean_and_deviation_far_from_zero(offset: float) -> None:
    values = offset + np.arange(100_000.0)[:, None] % 50
    mean, deviation = mean_and_deviation(np.array_split(values, 9))
    assert mean[0] == pytest.approx(offset + 24.5, rel=1e-15)
    assert deviation[0] == pytest.approx(np.std(np.arange(50)), rel=1e-5)


def test_the_deviation_of_what_never_varies_is_1() -> None:
    assert mean_and_deviation([np.full((7, 1), 0.1), np.full((3, 1), 0.1)])[1].tolist() == [1]


@pytest.mark.parametrize("values", [np.array([[1e39]]), np.array([[1e30]], np.float32)], ids=["float64", "float32"])
def test_a_number_beyond_float32_is_refused_once_it_is_scaled(values: np.ndarray) -> None:
    with pytest.raises(UserError, match=r"^data must fit into float32 once it is scaled; got values up to 1e\+3\d: "):
        Scaling(np.zeros(1), np.full(1, 1e-20)).apply(values)


def test_a_number_beyond_float32_is_refused() -> None:
    with pytest.raises(UserError, match=r"^data must fit into float32 once it is scaled; got values up to 1e\+39: "):
        to_float32(np.array([1.0, -1e39]))


@pytest.mark.parametrize(
    ("values", "offset", "lost"),
    [
        pytest.param(1.6e9 + np.arange(50), 0.0, True, id="seconds since 1970"),
        pytest.param(1.6e9 + np.arange(50), 1.6e9, False, id="of which a mean is taken off"),
        pytest.param(2000.0 + np.arange(20), 0.0, False, id="years"),
        pytest.param(np.full(50, 1.6e9), 0.0, False, id="a number that never varies"),
    ],
)
def test_digits_are_lost_of(values: np.ndarray, offset: float, lost: bool) -> None:
    assert loses_digits(values[:, None], offset).tolist() == [lost]
