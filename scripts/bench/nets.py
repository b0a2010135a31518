"""Runs of digits nets in this process: by an engine of ours, or by a bare PyTorch loop over the same batches."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from measuring import temporary_folder
from omegaconf import DictConfig
from timed_learner import Mark, Timed, Timeline
from torch import nn
from torch.nn.functional import cross_entropy

from tunesmith.data.batches import Batches
from tunesmith.notebook import compose
from tunesmith.reporting import NoReporter, Reporter
from tunesmith.training.learner_and_data import build_learner
from tunesmith.training.run import train_in

EVALUATION_BATCH_SIZE = 4096
Clock = Callable[[], float]
# Device -> what its steps are timed by.
CLOCKS: dict[str, Clock] = {"cpu": time.process_time, "cuda": time.perf_counter}


@dataclass(frozen=True)
class Net:
    """A net as conf/ has it (batch norm, ReLU, dropout .3; fused Adam, plateau), and how many samples a step takes."""

    batch_size: int
    units: int
    layers: int

    def __str__(self) -> str:
        return f"{self.batch_size}/{self.units}/{self.layers}"

    def config(self, epochs: int, accelerator: str = "cpu", *overrides: str) -> DictConfig:
        """Return the config of a run of all these epochs, by a learner that notes its times."""
        return compose(
            f"data.batch_size={self.batch_size}",
            f"model.hidden_units={self.units}",
            f"model.num_layers={self.layers}",
            f"trainer.accelerator={accelerator}",
            f"trainer.max_epochs={epochs}",
            f"callbacks.early_stopping.patience={epochs}",
            "learner._target_=timed_learner.Timed",
            *overrides,
        )


def run(net: Net, engine: str, epochs: int, device: str = "cpu") -> Timeline:
    """Train with all default callbacks, files and the logger; return the times of its batches."""
    with temporary_folder() as folder:
        cfg = net.config(epochs, "gpu" if device == "cuda" else device, f"trainer.engine={engine}")
        return run_in(folder, cfg, NoReporter(), CLOCKS[device])


def run_in(folder: Path, cfg: DictConfig, reporter: Reporter, clock: Clock) -> Timeline:
    Timed.marks.clear()
    Timed.clock = clock
    with no_line_per_epoch():
        train_in(cfg, folder, reporter)
    return Timeline(list(Timed.marks))


@contextmanager
def no_line_per_epoch() -> Iterator[None]:
    logger = logging.getLogger("tunesmith")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def run_bare(net: Net, epochs: int, device: str = "cpu", clock: Clock | None = None) -> Timeline:
    """Train and validate as `run` does, in a plain loop over the same batches that keeps no record."""
    clock = clock or CLOCKS[device]
    data, model = parts_of(net, device)
    splits = data.splits
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    train = Batches(splits.train.to(device), net.batch_size, shuffle_seed=0)
    val = Batches(splits.val.to(device), EVALUATION_BATCH_SIZE)
    marks = []
    for epoch in range(epochs):
        train.set_epoch(epoch)
        model.train()
        for inputs, targets in train:
            begin = clock()
            optimizer.zero_grad()
            loss = cross_entropy(model(inputs), targets)
            marks.append(Mark(True, begin, clock()))
            loss.backward()
            optimizer.step()
        marks += _validate(model, val, clock)
    return Timeline(marks)


def _validate(model: nn.Module, val: Batches, clock: Clock) -> list[Mark]:
    model.eval()
    marks = []
    with torch.no_grad():
        for inputs, targets in val:
            begin = clock()
            cross_entropy(model(inputs), targets).item()
            marks.append(Mark(False, begin, clock()))
    return marks


def parts_of(net: Net, device: str):
    """Return the data, and the net's model on a device."""
    cfg = net.config(epochs=1)
    torch.set_num_threads(cfg.threads)
    torch.manual_seed(cfg.seed)
    data, learner = build_learner(cfg)
    return data, learner.model.to(device)
