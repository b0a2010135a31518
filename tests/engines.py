"""One config trained by each engine: all that a run leaves, in a form that two runs can be compared by."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from listener import Listener
from omegaconf import DictConfig, OmegaConf
from tiny import composed

from tunesmith.errors import AttemptLost
from tunesmith.reporting import Reporter
from tunesmith.run_folder import BEST_CHECKPOINT, METRICS_FILE, RESULT_FILE, read_yaml
from tunesmith.training.run import train_in

ENGINES = ("lightning", "lean")
# Small enough for milliseconds, and nothing that ends a run before its last epoch.
BASE = (
    *("data=iris", "data.batch_size=32", "trainer.accelerator=cpu", "trainer.max_epochs=5"),
    *("callbacks=none", "logger=none", "optimizer.lr=1e-2"),
)
# What a model with no arguments of its own needs: model._target_=... follows.
OWN_MODEL = ("model=linear", "~model.bias", "~model.initializer")
# Of result.yaml: what tells of the engine or of the clock.
OF_THE_ENGINE = ("engine", "seconds")


@dataclass(frozen=True)
class Left:
    """What a run has left: texts as they are, weights and moments as lists of numbers."""

    error: str | None
    metrics: list[str]
    result: dict[str, Any]
    best: Any
    heard: list[tuple[int, float]]
    log: list[str]
    files: dict[str, str]


def configured(*typed: str) -> DictConfig:
    units = () if any(text.startswith("model=") for text in typed) else ("model.hidden_units=16",)
    return composed(*BASE, *units, *typed)


def by_engine(engine: str, cfg: DictConfig) -> DictConfig:
    """Return the config that is trained by an engine."""
    cfg = cfg.copy()
    cfg.trainer.engine = engine
    return cfg


def train(folder: Path, cfg: DictConfig, reporter: Reporter | None = None) -> None:
    """Train in a folder as train.py does."""
    (folder / ".hydra").mkdir(parents=True, exist_ok=True)
    OmegaConf.save(cfg, folder / ".hydra" / "config.yaml")
    train_in(cfg, folder, reporter or Listener())


def left_by(folder: Path, cfg: DictConfig, reporter: Listener | None = None) -> Left:
    """Train in a folder and return what the run has left."""
    reporter = reporter or Listener()
    error = None
    with logged() as log:
        try:
            train(folder, cfg, reporter)
        except Exception as raised:
            error = f"{type(raised).__name__}: {raised}"
    return read_left(folder, reporter, log, error)


def read_left(folder: Path, reporter: Listener, log: list[str], error: str | None = None) -> Left:
    metrics, result, best = (folder / name for name in (METRICS_FILE, RESULT_FILE, BEST_CHECKPOINT))
    fields = read_yaml(result) if result.exists() else {}
    return Left(
        error,
        metrics.read_text().splitlines() if metrics.exists() else [],
        {key: value for key, value in fields.items() if key not in OF_THE_ENGINE},
        _plain(torch.load(best, weights_only=True)) if best.exists() else None,
        reporter.heard,
        log,
        {str(path.relative_to(folder)): _text(path) for path in sorted(folder.rglob("*")) if path.is_file()},
    )


def _text(path: Path) -> str:
    """Return what a file holds, nothing of those that hold the engine's name, a time, or no text."""
    return path.read_text() if path.suffix in (".csv", ".json") else ""


def _plain(checkpoint: dict[str, Any]) -> dict[str, Any]:
    """Return what two checkpoints of one epoch must have in common, every number of it."""
    names = ("epoch", "global_step", "state_dict", "optimizer_states", "lr_schedulers")
    return {name: _as_lists(checkpoint[name]) for name in names}


def _as_lists(value: Any) -> Any:
    """Return tensors as their bytes, so that NaN equals NaN and no two numbers are close."""
    if isinstance(value, torch.Tensor):
        return str(value.dtype), tuple(value.shape), value.contiguous().numpy().tobytes()
    if isinstance(value, dict):
        return {key: _as_lists(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_as_lists(item) for item in value]
    return value


@contextmanager
def logged() -> Iterator[list[str]]:
    """Collect the epoch lines that tunesmith logs."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.addFilter(lambda record: record.getMessage().startswith("epoch "))
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logger, level = logging.getLogger("tunesmith"), logging.getLogger("tunesmith").level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


@dataclass
class Interrupting(Listener):
    """Ends the run at a poll (from 1), as Ctrl-C or a trial that was taken away does."""

    ends_at: int | None = None
    by: type[BaseException] = AttemptLost

    def poll(self) -> None:
        super().poll()
        if self.polls == self.ends_at:
            raise self.by
