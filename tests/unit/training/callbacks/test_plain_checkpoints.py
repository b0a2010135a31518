"""Checkpoints that Lightning saves: what is left out, what is named, what is refused."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.fabric.utilities.data import AttributeDict
from omegaconf import OmegaConf
from torch import nn

from tunesmith.errors import UserError
from tunesmith.training.callbacks.plain_checkpoints import PlainCheckpoints
from tunesmith.training.checkpoint_file import LEFT_OUT


def saved(path: Path, checkpoint: dict[str, Any]) -> dict[str, Any]:
    PlainCheckpoints().save_checkpoint(checkpoint, path)
    loaded = torch.load(path, weights_only=True)
    assert isinstance(loaded, dict)
    return loaded


@pytest.mark.parametrize("key", ["hyper_parameters", "datamodule_hyper_parameters"])
def test_hyperparameters_keep_what_is_plain_and_the_file_names_the_others(tmp_path: Path, key: str) -> None:
    given = AttributeDict(lr=0.1, widths=[16, 2], net=nn.ReLU(), optimizer=partial(int, "1"))
    loaded = saved(tmp_path / "a.ckpt", {key: given, "state_dict": {}})
    assert loaded[key] == {"lr": 0.1, "widths": [16, 2]}
    assert loaded[LEFT_OUT] == ["net", "optimizer"]


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
