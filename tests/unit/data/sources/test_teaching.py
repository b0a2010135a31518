"""Small problems: the formulas that they are named after, drawn alike each time."""

from __future__ import annotations

import numpy as np
import pytest

from tunesmith.data.arrays import Source
from tunesmith.data.sources.teaching import Line, Quadratic, Xor


def test_the_error_of_the_quadratic_is_the_square_of_the_weight() -> None:
    arrays = Quadratic(samples=5).load()
    for weight in (-3, 0.5):
        assert ((weight * arrays.inputs[:, 0] - arrays.targets) ** 2).tolist() == [weight**2] * 5


def test_without_noise_the_line_is_straight() -> None:
    arrays = Line(samples=50, noise=0).load()
    np.testing.assert_allclose(arrays.targets, 3 * arrays.inputs[:, 0] + 2, rtol=1e-5)


def test_what_is_off_the_line_has_the_deviation_of_the_noise() -> None:
    arrays = Line(samples=4000, noise=0.5).load()
    assert np.std(arrays.targets - 3 * arrays.inputs[:, 0] - 2) == pytest.approx(0.5, rel=0.05)


def test_the_line_is_drawn_by_the_legacy_generator_with_seed_42() -> None:
    random = np.random.RandomState(42)
    arrays = Line(samples=10, noise=0.5).load()
    x, noise = random.randn(10), random.randn(10)
    np.testing.assert_allclose(arrays.inputs[:, 0], x, rtol=1e-6)
    np.testing.assert_allclose(arrays.targets, 3 * x + 2 + 0.5 * noise, rtol=1e-6)


def test_a_class_of_xor_is_that_of_the_corner() -> None:
    arrays = Xor(samples_per_class=20, test_samples=10, sigma=0.01).load()
    corners = arrays.inputs.round().astype(int)
    assert arrays.targets.tolist() == (corners[:, 0] ^ corners[:, 1]).tolist()
    assert arrays.classes == ("equal", "different")


@pytest.mark.parametrize("per_class", [20, 7], ids=["even", "odd"])
def test_each_class_of_xor_has_two_blobs_and_its_number_of_samples(per_class: int) -> None:
    arrays = Xor(per_class, test_samples=0, sigma=0.01).load()
    corners, sizes = np.unique(arrays.inputs.round(), axis=0, return_counts=True)
    assert len(corners) == 4
    assert max(sizes) - min(sizes) <= 1
    assert np.bincount(arrays.targets).tolist() == [per_class, per_class]


def test_blobs_have_the_deviation_sigma() -> None:
    arrays = Xor(samples_per_class=4000, test_samples=0, sigma=0.3).load()
    exact = Xor(samples_per_class=4000, test_samples=0, sigma=0).load()  # the corners themselves
    assert np.std(arrays.inputs - exact.inputs) == pytest.approx(0.3, rel=0.02)


def test_the_test_part_is_drawn_after_the_other_samples() -> None:
    short, long = (Xor(20, test_samples, sigma=0.3).load() for test_samples in (5, 50))
    assert (short.num_test, long.num_test) == (10, 100)
    np.testing.assert_array_equal(short.inputs[:40], long.inputs[:40])
    assert np.bincount(long.targets[-100:]).tolist() == [50, 50]


def test_xor_is_drawn_by_the_legacy_generator_with_seed_42() -> None:
    noise = 0.3 * np.random.RandomState(42).randn(4, 2)
    inputs = Xor(samples_per_class=2, test_samples=0, sigma=0.3).load().inputs
    np.testing.assert_allclose(inputs, np.array([(0, 0), (1, 1), (0, 1), (1, 0)]) + noise, rtol=1e-6)


@pytest.mark.parametrize("source", [Line(10, 0.5), Xor(10, 5, 0.3)], ids=["line", "xor"])
def test_they_are_drawn_alike_whatever_else_was_drawn(source: Source) -> None:
    first = source.load()
    np.random.seed(1)
    np.testing.assert_array_equal(source.load().inputs, first.inputs)
