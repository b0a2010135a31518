"""What a run says of itself before it trains: data, model, device, folder."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import torch
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from torch import nn
from torch.nn.parameter import is_lazy

from tunesmith.data.array_data import ArrayData
from tunesmith.errors import printable
from tunesmith.resume.resume_command import typed_path
from tunesmith.training.supervised import SupervisedLearning

log = logging.getLogger(__name__)

PARTS = {"train": "training", "val": "validation", "test": "test"}
NOT_KNOWN: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True)
class FirstLines:
    """What a run says of itself, as far as that is known when its data are built.

    samples: how many each part has, "" if that is not known yet; fold: from 0, of n_folds; None if there are none.
    """

    data: str
    samples: str
    folder: str
    fold: int | None = None
    n_folds: int = 1

    @property
    def fold_name(self) -> str:
        """The fold as a line names it: "2/5" for the second of five; "" if there are none."""
        return "" if self.fold is None else f"{self.fold + 1}/{self.n_folds}"

    def log(self, learner: nn.Module, device: str, epoch: int, sizes: Mapping[str, int] = NOT_KNOWN) -> None:
        """Log data, model, device and folder; of several folds once, and where an earlier attempt was broken off.

        device: what trains, and by which engine if that is not Lightning's; epoch: how many epochs an earlier attempt
        has trained; sizes: how many samples a part has, if `samples` does not know it.
        """
        if self.fold and not epoch:
            return
        is_ours = isinstance(learner, SupervisedLearning)
        name = type(learner.model if is_ours else learner).__name__
        rows = {
            "data": self.data,
            "samples": self.samples or _describe_sizes(sizes),
            "model" if is_ours else "learner": f"{name}, {describe_parameters(learner)}",
            "device": device,
            "folder": self.folder,
            "goes on": f"after epoch {epoch}" if epoch else "",
        }
        for label, text in rows.items():
            if text:
                log.info("%s", printable(f"{label:<12} {text}"))


def make_first_lines(cfg: DictConfig, folder: Path, data: object, fold: int | None = None) -> FirstLines:
    """Return the first lines of a training.

    folder: the training's, which lies in the run's if it is of a fold, from 0; data: the data module, None if the
    learner brings its own loaders.
    """
    path, name = OmegaConf.select(cfg, "data.path", default=None), _name_data(cfg, data)
    sizes = {part: len(getattr(data.splits, part)) for part in PARTS} if isinstance(data, ArrayData) else {}
    return FirstLines(
        data=", ".join((f"{name} {path}" if isinstance(path, str) else name, *_shapes(data))),
        samples=_describe_sizes(sizes),
        folder=typed_path(folder if fold is None else folder.parent),
        fold=fold,
        n_folds=1 if fold is None else cfg.data.folds,
    )


def describe_parameters(learner: nn.Module) -> str:
    """Return how many numbers a learner has, and how many of them are trained if that is not all."""
    parameters = list(learner.parameters())
    if any(map(is_lazy, parameters)):
        return "parameters not known before the first batch"
    total = sum(each.numel() for each in parameters)
    trained = sum(each.numel() for each in parameters if each.requires_grad)
    return f"{total:,} parameters" if trained == total else f"{trained:,} of {total:,} parameters trained"


def describe_device(device: torch.device, number: int = 1) -> str:
    """Return the device of a run, with a GPU's name; number: of devices that train together."""
    name = f" ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else ""
    return f"{device}{name}" if number == 1 else f"{number} x {device.type}{name}"


def _describe_sizes(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{sizes[part]:,} {name}" for part, name in PARTS.items() if sizes.get(part))


def _shapes(data: object) -> Iterator[str]:
    """Yield what a data module says of a sample and its target."""
    inputs: object = getattr(data, "input_shape", None)
    if isinstance(inputs, tuple):
        yield f"inputs {_times(inputs)}"
    if not isinstance(data, ArrayData):
        return
    if data.has_classes:
        of_each = f" for each of {_times(data.target_shape)}" if data.target_shape else ""
        yield f"{len(data.splits.classes)} classes{of_each}"
    else:
        yield f"targets {_times(data.target_shape)}" if data.target_shape else "targets are numbers"


def _times(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def _name_data(cfg: DictConfig, data: object) -> str:
    """Return the choice of the group data, such as digits: many have one class; otherwise the class of what loads them.

    Nobody knows the choice from Python, where a config is a value.
    """
    if not isinstance(data, ArrayData):
        return "the learner's own" if data is None else type(data).__name__
    choice = HydraConfig.get().runtime.choices.get("data") if HydraConfig.initialized() else None
    return str(choice or OmegaConf.select(cfg, "data.source._target_")).rpartition(".")[2]
