"""Which training samples probes look at."""

from __future__ import annotations

import itertools

import pytest
import torch
from tiny import small

from tunesmith.data.array_data import ArrayData
from tunesmith.training.lean.build import build_lean_learner
from tunesmith.training.probes import samples
from tunesmith.training.probes.samples import Samples


@pytest.fixture(scope="module")
def data() -> ArrayData:
    return build_lean_learner(small("data.batch_size=64"))[0]


def test_they_are_spread_over_the_part_and_none_comes_twice(data: ArrayData) -> None:
    ((inputs, _),) = Samples(data, torch.device("cpu")).read()
    train = data.splits.train.inputs[:].flatten(1)
    places = [int((train == row).all(1).nonzero()[0]) for row in inputs.flatten(1)]
    assert len(set(places)) == len(data.splits.val) < 512
    assert max(places) > len(train) * 0.95
    assert max(b - a for a, b in itertools.pairwise(places)) <= -(-len(train) // len(places))


@pytest.mark.parametrize(("max_samples", "sizes"), [(512, [86, 85, 85]), (100, [100])])
def test_no_batch_is_larger_than_one_of_training_or_validation(max_samples: int, sizes: list[int]) -> None:
    """If they are small, 256 samples in all are enough."""
    data = build_lean_learner(small("data.batch_size=100", "data.val_fraction=0.01"))[0]
    batches = Samples(data, torch.device("cpu"), max_samples).read()
    assert [len(inputs) for inputs, _ in batches] == sizes


def test_they_are_the_same_each_time(data: ArrayData) -> None:
    ((one, two),) = zip(*(Samples(data, torch.device("cpu")).read() for _ in range(2)), strict=True)
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


def test_a_small_part_is_taken_whole() -> None:
    data = build_lean_learner(small("data=wine"))[0]
    batches = Samples(data, torch.device("cpu")).read()
    assert sum(len(inputs) for inputs, _ in batches) == len(data.splits.train)


def test_large_samples_are_fewer(data: ArrayData, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "EVALUATION_BATCH_BYTES", 20 * 64 * 4)  # of 20 of digits' images
    ((inputs, _),) = Samples(data, torch.device("cpu")).read()
    assert len(inputs) == 20
