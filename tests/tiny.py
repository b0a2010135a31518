"""Configs and trainings that are small enough for a unit test."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import lightning as L
from hydra import compose, initialize_config_dir
from lightning.pytorch.callbacks import Checkpoint
from omegaconf import DictConfig
from torch import Tensor, nn

from tunesmith.cli import register_resolvers
from tunesmith.data.batches import Batches
from tunesmith.data.splits import Split
from tunesmith.models.layers import Dropout
from tunesmith.training.data_facts import DataFacts

CONF = Path(__file__).parents[1] / "conf"
# One hidden layer of 16 on a CPU, and nothing that ends a run before its last epoch.
SMALL = (
    *("model.hidden_units=16", "model.num_layers=1", "data.batch_size=256", "trainer.accelerator=cpu"),
    *("scheduler=none", "callbacks=none", "logger=none"),
)


def composed(*overrides: str, with_hydra: bool = False) -> DictConfig:
    """Compose a config as train.py does; with_hydra: its hydra node too."""
    register_resolvers()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("train", list(overrides), return_hydra_config=with_hydra)


def small(*overrides: str) -> DictConfig:
    return composed(*SMALL, *overrides)


class OlderMlp(nn.Module):
    """The network of SMALL as version 0.1.0 built it: with a bias before the batch norm."""

    def __init__(self, input_shape: tuple[int, ...], output_size: int) -> None:
        super().__init__()
        layers = (nn.Linear(math.prod(input_shape), 16), nn.BatchNorm1d(16), nn.ReLU(), Dropout(0.3))
        self.hidden = nn.Sequential(Dropout(0.0), *layers)
        self.output = nn.Linear(16, output_size)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.output(self.hidden(inputs.flatten(1)))
        return outputs


def older(*overrides: str) -> DictConfig:
    """Return the config of a small run of version 0.1.0."""
    cfg = small(*overrides)
    cfg.model = {"_target_": f"{__name__}.OlderMlp", "_partial_": True}
    return cfg


CLASSES, NUMBERS = DataFacts((4,), 3, has_classes=True), DataFacts((4,), 1)


def fit(module: L.LightningModule, part: Split, batch_size: int, *callbacks: L.Callback, **flags: Any) -> L.Trainer:
    """Train a module on a part that validates as well, in the order of its samples."""
    return fit_loaders(module, Batches(part, batch_size), Batches(part, len(part)), *callbacks, **flags)


def fit_loaders(module: L.LightningModule, train: Any, val: Any, *callbacks: L.Callback, **flags: Any) -> L.Trainer:
    """Train a module on the batches of loaders."""
    trainer = L.Trainer(
        accelerator="cpu",
        logger=False,
        callbacks=list(callbacks),
        enable_checkpointing=any(isinstance(callback, Checkpoint) for callback in callbacks),
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        **flags,
    )
    trainer.fit(module, train, val)
    return trainer


class LearningRates(L.Callback):
    """Notes the learning rate of each step."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def on_train_batch_start(self, trainer: L.Trainer, *args: object) -> None:
        self.seen.append(trainer.optimizers[0].param_groups[0]["lr"])


class Breaking(nn.Module):
    """A model that breaks in the first step."""

    def __init__(self, input_shape: tuple[int, ...], output_size: int, **keys: Any) -> None:
        super().__init__()
        self.layer = nn.Linear(math.prod(input_shape), output_size)

    def forward(self, inputs: Tensor) -> Tensor:
        if self.training:
            raise ZeroDivisionError("the first step")
        outputs: Tensor = self.layer(inputs)
        return outputs
