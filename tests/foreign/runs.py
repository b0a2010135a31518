"""Runs of foreign learners in the test's own process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning as L
import pytest
from foreign.cases import Case
from omegaconf import DictConfig, OmegaConf
from tiny import composed

from tunesmith.reporting import NoReporter
from tunesmith.run_folder import CONFIG_FILE, LAST_CHECKPOINT, read_metrics, read_yaml
from tunesmith.training.run import train

EPOCHS = 4
SMALL = ("callbacks=none", "logger=none", f"trainer.max_epochs={EPOCHS}")


class Interrupt(L.Callback):
    """Ctrl-C in the middle of the third epoch."""

    def on_train_batch_end(self, trainer: L.Trainer, *args: object) -> None:
        if trainer.current_epoch == 2 and trainer.fit_loop.batch_idx == 1:
            raise KeyboardInterrupt


def config(one: Case, *typed: str) -> DictConfig:
    return composed(*one.typed, *SMALL, *typed)


def trained(one: Case, folder: Path, *typed: str) -> dict[str, Any]:
    """Train a case as train.py does, and return its result."""
    cfg = config(one, *typed)
    (folder / CONFIG_FILE).parent.mkdir(parents=True, exist_ok=True)
    OmegaConf.save(cfg, folder / CONFIG_FILE)
    train(cfg, folder, NoReporter())
    return read_yaml(folder / "result.yaml")


def interrupted_and_resumed(one: Case, folder: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        trained(one, folder, "+callbacks.stop._target_=foreign.runs.Interrupt")
    assert len(read_metrics(folder)) == 2
    trained(one, folder, f"ckpt_path={folder / LAST_CHECKPOINT}")
