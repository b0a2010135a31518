"""A run that starts from another run's weights: when they are loaded, and when not."""

from __future__ import annotations

from pathlib import Path

import lightning as L
import pytest
import torch
from foreign.idioms import LateLayers, Plain
from torch import Tensor

from tunesmith.errors import UserError
from tunesmith.training.callbacks.start_weights import StartWeights


@pytest.fixture
def best(tmp_path: Path) -> Path:
    torch.manual_seed(1)
    path = tmp_path / "best.ckpt"
    torch.save({"state_dict": Plain().state_dict()}, path)
    return path


def started(module: L.LightningModule, path: Path, ckpt_path: Path | None = None) -> dict[str, Tensor]:
    """Return the weights with which a run starts."""
    callback, trainer = StartWeights(path), L.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False)
    trainer.ckpt_path = ckpt_path
    callback.on_fit_start(trainer, module)
    return module.state_dict()


def test_a_run_starts_from_them(best: Path) -> None:
    torch.testing.assert_close(started(Plain(), best), torch.load(best)["state_dict"])


def test_a_resumed_run_has_its_own(best: Path) -> None:
    module = Plain()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    torch.testing.assert_close(started(module, best, ckpt_path=best), before)


def test_layers_that_are_made_late_are_there_when_training_starts(best: Path) -> None:
    module = LateLayers()
    callback = StartWeights(best)
    module.configure_model()
    callback.on_fit_start(L.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False), module)
    torch.testing.assert_close(module.state_dict(), torch.load(best)["state_dict"])


def test_a_file_that_is_no_checkpoint_is_refused_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^weights must be a checkpoint that a run wrote; got '.*none\.ckpt'$"):
        StartWeights(tmp_path / "none.ckpt")
