"""Which training samples probes look at."""

from __future__ import annotations

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
    first, others = Samples(data, torch.device("cpu")).read()
    taken = torch.cat([inputs for inputs, _ in (*first, *others)]).flatten(1)
    train = data.splits.train.inputs[:].flatten(1)
    places = [int((train == row).all(1).nonzero()[0]) for row in taken]
    assert (sum(len(inputs) for inputs, _ in first), len(taken)) == (256, 512)
    assert len(set(places)) == 512
    for some in (places[:256], places):
        assert max(some) > len(train) * 0.95
        assert max(b - a for a, b in zip(sorted(some), sorted(some)[1:], strict=False)) <= -(-len(train) // len(some))


def test_they_are_the_same_each_time(data: ArrayData) -> None:
    one, two = (Samples(data, torch.device("cpu")).read()[0][0] for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


def test_a_small_part_is_taken_whole() -> None:
    data = build_lean_learner(small("data=wine"))[0]
    first, others = Samples(data, torch.device("cpu")).read()
    assert (sum(len(inputs) for inputs, _ in first), others) == (len(data.splits.train), [])


def test_large_samples_are_fewer(data: ArrayData, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "EVALUATION_BATCH_BYTES", 20 * 64 * 4)  # of 20 of digits' images
    first, others = Samples(data, torch.device("cpu")).read()
    assert (sum(len(inputs) for inputs, _ in first), others) == (20, [])
