"""Checkpoint files that load with weights_only=True, whoever trains."""

from __future__ import annotations

import os
import pickle
import shutil
from collections import OrderedDict
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, ListConfig, OmegaConf
from torch import Tensor

from tunesmith.errors import UserError
from tunesmith.machine_faults import writing
from tunesmith.run_folder import open_new, replacing, temporary_path

# Lightning's keys for what a module and a data module gave to save_hyperparameters.
HYPERPARAMETERS = ("hyper_parameters", "datamodule_hyper_parameters")
LEFT_OUT = "hyper_parameters_left_out"


def write_checkpoint(checkpoint: Mapping[str, Any], path: Path) -> None:
    """Write a local file whole or not at all, beside itself.

    Lightning writes it into the folder of temporary files first and leaves it there if the move to another disk fails.
    """
    content = _content(checkpoint)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        file.write(content.getbuffer())


def link_checkpoint(source: Path, target: Path) -> None:
    """Give a file a second name without writing it twice; copy it if the file system has no links."""
    temporary = temporary_path(target)
    with writing(target):
        try:
            _link_or_copy(source, temporary)
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)


def check_loads(checkpoint: Mapping[str, Any]) -> None:
    """Raise UserError if a checkpoint holds something that weights_only=True does not load; 3 ms if it is not plain."""
    if is_plain(checkpoint):
        return
    try:
        torch.load(_content(checkpoint), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        known = {*HYPERPARAMETERS, "state_dict", "loops", "optimizer_states", "lr_schedulers"}
        odd = [f"'{key}'" for key, value in checkpoint.items() if key not in known and not is_plain(value)]
        what = ", ".join(odd) or " ".join(str(error).split("WeightsUnpickler error:")[-1].split())[:200]
        raise UserError(
            f"learner: a checkpoint must hold plain values and tensors alone; got {what}: let on_save_checkpoint or "
            "state_dict return numbers, texts, lists, dicts and tensors"
        ) from None


def without_objects(checkpoint: Mapping[str, Any]) -> dict[str, Any]:
    """Return a checkpoint whose hyperparameters are plain values; LEFT_OUT lists the names of the others."""
    plain = dict(checkpoint)
    left_out: list[str] = []
    for key in HYPERPARAMETERS:
        if key in plain:
            given = _to_plain(plain[key])
            plain[key] = {name: value for name, value in given.items() if is_plain(value)}
            left_out += [name for name in given if name not in plain[key]]
    for key in ("hparams_type", "datamodule_hparams_type"):  # a class, if the hyperparameters are a DictConfig
        plain.pop(key, None)
    return {**plain, LEFT_OUT: left_out} if left_out else plain


def is_plain(value: Any) -> bool:
    """Whether a value is made of what weights_only=True loads: tensors, numbers, texts, lists, dicts."""
    if isinstance(value, dict):
        return type(value) in (dict, OrderedDict) and all(map(is_plain, value)) and all(map(is_plain, value.values()))
    if isinstance(value, list | tuple):
        return type(value) in (list, tuple, torch.Size) and all(map(is_plain, value))
    return value is None or type(value) in (bool, int, float, complex, str, bytes, torch.dtype) or type(value) is Tensor


def _to_plain(value: Any) -> dict[str, Any]:
    given: Any = OmegaConf.to_container(value) if OmegaConf.is_config(value) else dict(value)
    return {
        str(name): OmegaConf.to_container(item) if isinstance(item, DictConfig | ListConfig) else item
        for name, item in given.items()
    }


def _content(checkpoint: Mapping[str, Any]) -> BytesIO:
    content = BytesIO()  # torch's own writer turns an error of the system into one without its number
    torch.save(checkpoint, content)
    content.seek(0)
    return content


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        with source.open("rb") as file, open(open_new(target), "wb") as copy:
            shutil.copyfileobj(file, copy)
