"""Parts: how a data set is cut and scaled, and that it is cut once a process."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch

from tunesmith.data.parts import Part, Split, load_parts
from tunesmith.data.sources import Arrays, diabetes, digits
from tunesmith.errors import UserError

RAW = Split(val_fraction=0.2, test_fraction=0.2, seed=0, scale=False)
SCALED = Split(val_fraction=0.2, test_fraction=0.2, seed=0, scale=True)


def numbered(num_samples: int) -> Arrays:
    """Each sample is its own number; three of four belong to class 0."""
    numbers = np.arange(num_samples)
    return Arrays(numbers.reshape(-1, 1).astype(np.float32), (numbers % 4 == 0).astype(np.int64))


def images() -> Arrays:
    return Arrays(np.random.default_rng(0).normal(5, 3, (100, 4, 6)).astype(np.float32), np.zeros(100, np.float32))


def numbers_of(part: Part) -> list[int]:
    return [int(number) for number in part.inputs.flatten()]


def test_parts_are_disjoint_and_whole() -> None:
    parts = load_parts(partial(numbered, 200), RAW)
    assert sorted(number for part in parts for number in numbers_of(part)) == list(range(200))


def test_fractions_are_of_all_samples() -> None:
    split = Split(val_fraction=0.3, test_fraction=0.1, seed=0, scale=False)
    assert [len(part) for part in load_parts(partial(numbered, 200), split)] == [120, 60, 20]


def test_inputs_and_targets_stay_together() -> None:
    for part in load_parts(partial(numbered, 200), RAW):
        assert part.targets.tolist() == [int(number % 4 == 0) for number in numbers_of(part)]


def test_every_part_has_the_classes_in_proportion() -> None:
    parts = load_parts(partial(numbered, 200), RAW)
    assert [part.targets.float().mean().item() for part in parts] == [0.25, 0.25, 0.25]


def test_another_seed_cuts_elsewhere() -> None:
    test_parts = [load_parts(partial(numbered, 200), Split(0.2, 0.2, seed, False))[2] for seed in (0, 1)]
    assert numbers_of(test_parts[0]) != numbers_of(test_parts[1])


def test_scaling_is_fitted_on_the_training_part_alone() -> None:
    train, _, test = load_parts(diabetes, SCALED)
    zeros, ones = torch.zeros(10), torch.ones(10)
    torch.testing.assert_close(train.inputs.mean(0), zeros, rtol=0, atol=1e-5)
    torch.testing.assert_close(train.inputs.std(0, correction=0), ones, rtol=0, atol=1e-5)
    assert test.inputs.mean(0).abs().min() > 1e-3


def test_a_feature_that_never_varies_stays_finite() -> None:
    train, _, _ = load_parts(digits, SCALED)  # the first pixel is always 0
    assert torch.isfinite(train.inputs).all()


def test_scaling_keeps_shape_and_type() -> None:
    train, _, _ = load_parts(images, SCALED)
    assert (train.inputs.shape[1:], train.inputs.dtype) == ((4, 6), torch.float32)


def test_targets_are_not_scaled() -> None:
    assert load_parts(diabetes, SCALED)[0].targets.mean() > 100


@pytest.mark.parametrize("source", [digits, partial(digits)], ids=["function", "partial"])
def test_parts_are_loaded_once(source: partial[Arrays]) -> None:
    assert load_parts(source, SCALED) is load_parts(source, SCALED)


def test_partials_made_of_the_same_are_the_same_source() -> None:
    assert load_parts(partial(numbered, num_samples=40), RAW) is load_parts(partial(numbered, num_samples=40), RAW)


def test_partials_made_of_something_else_are_another_source() -> None:
    loaded = [load_parts(partial(numbered, num_samples=size), RAW) for size in (40, 80)]
    assert [sum(map(len, parts)) for parts in loaded] == [40, 80]


@pytest.mark.parametrize(
    ("val_fraction", "test_fraction"),
    [
        pytest.param(0.2, 0.0001, id="fewer samples than classes"),
    ],
)
def test_parts_too_small_for_the_classes_are_refused(val_fraction: float, test_fraction: float) -> None:
    message = f"^data.val_fraction={val_fraction} data.test_fraction={test_fraction} do not fit 1797 samples: "
    with pytest.raises(UserError, match=message):
        load_parts(digits, Split(val_fraction, test_fraction, seed=0, scale=False))


@pytest.mark.parametrize("fractions", [(0.5, 0.5), (0.6, 0.6)], ids=str)
def test_fractions_that_leave_nothing_to_train_on_are_refused(fractions: tuple[float, float]) -> None:
    with pytest.raises(
        UserError, match=r"data\.val_fraction \+ data\.test_fraction must be < 1, .*; got 0\.\d \+ 0\.\d$"
    ):
        load_parts(digits, Split(*fractions, seed=0, scale=False))


def test_sources_with_list_arguments_are_cached_too() -> None:
    first, again = (load_parts(partial(columns, keep=[0, 1]), Split(0.2, 0.2, seed=0, scale=False)) for _ in range(2))
    assert first[0] is again[0]


def columns(keep: list[int]) -> Arrays:
    arrays = digits()
    return Arrays(arrays.inputs[:, list(keep)], arrays.targets)
