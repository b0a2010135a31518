"""Batches: their sizes, an order that depends on seed and epoch alone, and how ranks share it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tunesmith.data.batches import Batches, epoch_order, shard_sizes
from tunesmith.data.batches import batch_sizes as sizes_of
from tunesmith.data.mapped import Mapped
from tunesmith.data.rows import Rows
from tunesmith.data.splits import Split

DATA = Split(torch.arange(10.0).reshape(10, 1), torch.arange(10))


def order_of(batches: Batches) -> list[int]:
    return [int(target) for _, targets in batches for target in targets]


@pytest.mark.parametrize(
    ("num_samples", "batch_size", "sizes"),
    [
        pytest.param(8, 4, [4, 4], id="nothing is left over"),
        pytest.param(10, 4, [4, 4, 2], id="two are left over"),
        pytest.param(9, 4, [4, 5], id="a single one joins the batch before"),
        pytest.param(5, 4, [5], id="a single one joins the only batch"),
        pytest.param(3, 4, [3], id="fewer than a batch"),
        pytest.param(1, 4, [1], id="a single one in all"),
        pytest.param(3, 1, [1, 1, 1], id="batches of one stay"),
    ],
)
def test_batch_sizes(num_samples: int, batch_size: int, sizes: list[int]) -> None:
    assert sizes_of(num_samples, batch_size) == sizes


def test_the_order_is_the_same_for_the_same_seed_and_epoch() -> None:
    before = epoch_order(100, seed=3, epoch=7)
    torch.manual_seed(0)  # other random numbers drawn meanwhile do not matter
    torch.rand(5)
    assert torch.equal(epoch_order(100, seed=3, epoch=7), before)


def test_the_order_leaves_the_random_numbers_of_others_alone() -> None:
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    epoch_order(100, seed=3, epoch=7)
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize(
    ("seed", "epoch"),
    [
        pytest.param(0, 1, id="epoch"),
        pytest.param(1, 0, id="seed"),
    ],
)
def test_the_order_differs_with_another(seed: int, epoch: int) -> None:
    assert not torch.equal(epoch_order(100, seed, epoch), epoch_order(100, seed=0, epoch=0))


def test_seed_and_epoch_are_not_added_up() -> None:
    assert not torch.equal(epoch_order(100, seed=0, epoch=1), epoch_order(100, seed=1, epoch=0))


@pytest.mark.parametrize("shuffle_seed", [None, 0], ids=["in order", "shuffled"])
@pytest.mark.parametrize("batch_size", [1, 3, 4, 10, 99])
def test_an_epoch_covers_every_sample_once(shuffle_seed: int | None, batch_size: int) -> None:
    assert sorted(order_of(Batches(DATA, batch_size, shuffle_seed))) == list(range(10))


def test_inputs_and_targets_stay_together() -> None:
    for inputs, targets in Batches(DATA, 4, shuffle_seed=0):
        assert inputs.flatten().tolist() == targets.tolist()


def test_without_a_seed_samples_come_in_order() -> None:
    assert order_of(Batches(DATA, 4)) == list(range(10))


def test_the_length_is_the_number_of_batches() -> None:
    batches = Batches(DATA, 3)  # 3, 3, 4
    assert len(batches) == len(list(batches)) == 3


def test_each_epoch_has_its_own_order() -> None:
    batches, orders = Batches(DATA, 4, shuffle_seed=0), []
    for epoch in (0, 1):
        batches.sampler.set_epoch(epoch)
        orders.append(order_of(batches))
    assert orders == [epoch_order(10, 0, epoch).tolist() for epoch in (0, 1)]


def test_an_iterator_made_before_the_epoch_is_set_has_the_order_of_that_epoch() -> None:
    batches = Batches(DATA, 10, shuffle_seed=0)
    made_before = iter(batches)
    batches.set_epoch(5)
    _, targets = next(made_before)
    assert torch.equal(targets, epoch_order(10, 0, 5))


# several ranks


def shares(batch_size: int, shuffle_seed: int | None, world_size: int) -> list[list[list[int]]]:
    """Return the targets of each batch of each rank."""
    ranks = [Batches(DATA, batch_size, shuffle_seed, rank, world_size) for rank in range(world_size)]
    return [[targets.tolist() for _, targets in batches] for batches in ranks]


@pytest.mark.parametrize(
    ("num_samples", "batch_size", "sizes"),
    [
        pytest.param(16, 4, [[4, 4], [4, 4]], id="nothing is left over"),
        pytest.param(17, 4, [[4, 5], [4, 4]], id="one sample for two ranks"),
        pytest.param(18, 4, [[4, 5], [4, 5]], id="a single one of each joins the batch before"),
        pytest.param(19, 4, [[4, 6], [4, 5]], id="so does the one that only one rank has"),
        pytest.param(21, 4, [[4, 4, 3], [4, 4, 2]], id="two and three are left over"),
        pytest.param(5, 4, [[3], [2]], id="fewer than a batch"),
        pytest.param(5, 1, [[1, 2], [1, 1]], id="batches of one stay as many"),
        pytest.param(1, 4, [[1], [0]], id="none for the second rank"),
    ],
)
def test_two_ranks_have_as_many_batches(num_samples: int, batch_size: int, sizes: list[list[int]]) -> None:
    assert [shard_sizes(num_samples, batch_size, rank, 2) for rank in range(2)] == sizes


@pytest.mark.parametrize("shuffle_seed", [None, 0], ids=["in order", "shuffled"])
@pytest.mark.parametrize("batch_size", [1, 2, 3, 4, 99])
@pytest.mark.parametrize("world_size", [2, 3, 4, 5])
def test_the_ranks_cover_every_sample_once(shuffle_seed: int | None, batch_size: int, world_size: int) -> None:
    ranks = shares(batch_size, shuffle_seed, world_size)
    assert sorted(sample for batches in ranks for batch in batches for sample in batch) == list(range(10))
    assert len({len(batches) for batches in ranks}) == 1
    assert all(len(batch) > 1 or batch_size == 1 for batches in ranks for batch in batches)


def test_a_step_of_all_ranks_takes_samples_that_follow_each_other_in_the_order() -> None:
    first, second = shares(batch_size=2, shuffle_seed=3, world_size=2)
    order = epoch_order(10, 3, 0).tolist()
    steps = [sorted(one + other) for one, other in zip(first, second, strict=True)]
    assert steps == [sorted(order[:4]), sorted(order[4:])]


def test_a_rank_without_samples_has_an_empty_batch() -> None:
    *_, last = shares(batch_size=4, shuffle_seed=None, world_size=11)
    assert last == [[]]


# rows that stay in a file


@pytest.fixture
def in_file(tmp_path: Path) -> Split:
    np.save(tmp_path / "x.npy", np.arange(20, dtype=np.float32).reshape(20, 1))
    inputs = Rows(Mapped(np.load(tmp_path / "x.npy", mmap_mode="r"), np.dtype(np.float32)), np.arange(10))
    return Split(inputs, torch.arange(10))


@pytest.mark.parametrize("shuffle_seed", [None, 3], ids=["in order", "shuffled"])
@pytest.mark.parametrize("world_size", [1, 2, 3, 11])
@pytest.mark.parametrize("batch_size", [1, 4, 99])
def test_batches_read_from_a_file_are_those_of_memory(
    in_file: Split, shuffle_seed: int | None, world_size: int, batch_size: int
) -> None:
    for rank in range(world_size):
        read, sliced = (Batches(data, batch_size, shuffle_seed, rank, world_size) for data in (in_file, DATA))
        for batches in (read, sliced):
            batches.set_epoch(2)
        for (inputs, targets), (same_inputs, same_targets) in zip(read, sliced, strict=True):
            assert torch.equal(inputs, same_inputs)
            assert torch.equal(targets, same_targets)


def test_inputs_from_a_file_are_read_once_if_they_are_their_own_targets(in_file: Split) -> None:
    for inputs, targets in Batches(Split(in_file.inputs, in_file.inputs), 4, shuffle_seed=0):
        assert inputs is targets


def test_targets_alone_may_stay_in_a_file(in_file: Split) -> None:
    for inputs, targets in Batches(Split(torch.arange(10), in_file.inputs), 4, shuffle_seed=0):
        assert inputs.tolist() == targets.flatten().tolist()
