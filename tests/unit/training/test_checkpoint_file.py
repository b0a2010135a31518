"""Checkpoint files of plain values: what is plain, what is left out, what is refused, a file whole or none."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from full_disk import files_up_to
from lightning.fabric.utilities.data import AttributeDict
from torch import nn

from tunesmith.errors import MachineFault, UserError
from tunesmith.training.checkpoint_file import check_loads, is_plain, without_objects, write_checkpoint


@pytest.mark.parametrize(
    "value",
    [
        *(1, 0.5, 1j, "a", b"a", None, True, torch.ones(2), torch.float16, OrderedDict(a=1)),
        [1, ("a", {"b": torch.Size([2])})],
    ],
    ids=repr,
)
def test_a_plain_value_loads_with_weights_only(tmp_path: Path, value: Any) -> None:
    assert is_plain(value)
    torch.save(value, tmp_path / "value.ckpt")
    torch.load(tmp_path / "value.ckpt", weights_only=True)


@pytest.mark.parametrize(
    "value",
    [
        *(nn.ReLU(), nn.Parameter(torch.ones(1)), partial(int, "1"), Path("a"), {"a": [Path("a")]}, {Path("a"): 1}),
        *(AttributeDict(a=1), defaultdict(int), len),
    ],
    ids=repr,
)
def test_an_object_is_not_plain(value: Any) -> None:
    assert not is_plain(value)


def test_nothing_left_out_is_not_named() -> None:
    assert without_objects({"hyper_parameters": {"lr": 0.1}}) == {"hyper_parameters": {"lr": 0.1}}


def test_what_is_written_does_not_change_what_the_learner_holds() -> None:
    given = {"hyper_parameters": {"net": nn.ReLU()}}
    without_objects(given)
    assert list(given["hyper_parameters"]) == ["net"]


def test_what_does_not_load_is_refused_before_a_file_is_there() -> None:
    with pytest.raises(UserError, match=r"^learner: a checkpoint must hold plain values .*; got 'where': let on_save"):
        check_loads({"where": Path("a"), "state_dict": {}})


def test_what_is_no_plain_value_but_loads_is_no_mistake() -> None:
    check_loads({"state_dict": {"a": nn.Parameter(torch.ones(1))}})


def test_a_file_takes_the_place_of_the_old_one_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints" / "a.ckpt"
    write_checkpoint({"state_dict": {"a": torch.ones(2)}}, path)
    with files_up_to(100), pytest.raises(MachineFault, match=rf"^file too large: '{path}"):
        write_checkpoint({"state_dict": {"a": torch.zeros(2)}}, path)
    assert torch.load(path, weights_only=True)["state_dict"]["a"].tolist() == [1, 1]
    assert list(path.parent.iterdir()) == [path]
