"""Checkpoints of plain values: what is left out, what is named, what is refused."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.fabric.utilities.data import AttributeDict
from omegaconf import OmegaConf
from torch import nn

from tunesmith.errors import UserError
from tunesmith.training.callbacks.plain_checkpoints import LEFT_OUT, PlainCheckpoints, is_plain, without_objects


def saved(path: Path, checkpoint: dict[str, Any]) -> dict[str, Any]:
    PlainCheckpoints().save_checkpoint(checkpoint, path)
    loaded = torch.load(path, weights_only=True)
    assert isinstance(loaded, dict)
    return loaded


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


@pytest.mark.parametrize("key", ["hyper_parameters", "datamodule_hyper_parameters"])
def test_hyperparameters_keep_what_is_plain_and_the_file_names_the_others(tmp_path: Path, key: str) -> None:
    given = AttributeDict(lr=0.1, widths=[16, 2], net=nn.ReLU(), optimizer=partial(int, "1"))
    loaded = saved(tmp_path / "a.ckpt", {key: given, "state_dict": {}})
    assert loaded[key] == {"lr": 0.1, "widths": [16, 2]}
    assert loaded[LEFT_OUT] == ["net", "optimizer"]


def test_nothing_left_out_is_not_named() -> None:
    assert without_objects({"hyper_parameters": {"lr": 0.1}}) == {"hyper_parameters": {"lr": 0.1}}


def test_what_is_written_does_not_change_what_the_learner_holds() -> None:
    given = {"hyper_parameters": {"net": nn.ReLU()}}
    without_objects(given)
    assert list(given["hyper_parameters"]) == ["net"]


@pytest.mark.parametrize("key", ["hyper_parameters", "datamodule_hyper_parameters"])
def test_a_config_among_them_becomes_dicts_and_lists(tmp_path: Path, key: str) -> None:
    whole = OmegaConf.create({"lr": 0.1, "widths": [16, 2]})
    types = {"hparams_type": type(whole), "datamodule_hparams_type": type(whole)}
    assert saved(tmp_path / "a.ckpt", {key: whole, **types}) == {key: {"lr": 0.1, "widths": [16, 2]}}
    assert saved(tmp_path / "b.ckpt", {key: {"model": whole}}) == {key: {"model": {"lr": 0.1, "widths": [16, 2]}}}


def test_anything_else_that_is_no_plain_value_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    with pytest.raises(UserError, match=r"^learner: a checkpoint must hold plain values .*; got 'where': let on_save"):
        PlainCheckpoints().save_checkpoint({"where": Path("a"), "state_dict": {}}, path)
    assert not path.exists()


def test_only_the_first_file_of_a_run_is_read_back(tmp_path: Path) -> None:
    files = PlainCheckpoints()
    odd: dict[str, Any] = {"where": Path("a"), "state_dict": {}}
    files.save_checkpoint({"state_dict": {"a": nn.Parameter(torch.ones(1))}}, tmp_path / "a.ckpt")
    files.save_checkpoint(odd, tmp_path / "b.ckpt")
    with pytest.raises(UserError, match=r"^learner: "):
        PlainCheckpoints().save_checkpoint(odd, tmp_path / "c.ckpt")
