"""checkpoints/best.ckpt and, while the run goes on, checkpoints/last.ckpt."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch

from tunesmith.run_folder import BEST_CHECKPOINT, LAST_CHECKPOINT
from tunesmith.training.callbacks.end_of_epoch import EndOfEpoch
from tunesmith.training.record import RunRecord
from tunesmith.training.weights import load_checkpoint


class Checkpoints(EndOfEpoch):
    """Saves once an epoch, after schedules, early stopping and the record have seen the epoch.

    Lightning's ModelCheckpoint saves before the plateau schedule has seen the epoch (a resumed run then differs),
    writes the file twice if an epoch is both last and best, and keeps no random states.
    """

    def __init__(self, folder: Path, record: RunRecord) -> None:
        self.best_path = folder / BEST_CHECKPOINT
        self.last_path = folder / LAST_CHECKPOINT
        self.record = record
        self._random_states: dict[str, Any] | None = None

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if self._random_states is not None:
            set_random_states(self._random_states)
        elif trainer.is_global_zero:
            self.best_path.unlink(missing_ok=True)

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Save the epoch that has just ended; the random states are those of the start of the next epoch.

        A checkpoint of ours never lies inside an epoch. Lightning does not know that: with restarting left True it
        would repeat the end of the old epoch, and hide the new epoch from the plateau schedule.
        """
        for loop in (trainer.fit_loop, trainer.fit_loop.epoch_loop):
            loop._restarting = False  # the property of Lightning 2.6.6 becomes True if max_steps is set
        if trainer.current_epoch > 0 and trainer.current_epoch == self.record.epoch:
            self._save(trainer)

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Save the last epoch if it is the best one, restore the best weights, delete last.ckpt."""
        if self.record.epoch == self.record.best.epoch:
            self._save(trainer)
        trainer.strategy.barrier("best checkpoint")  # rank zero renames the file after all ranks have saved
        if self.best_path.exists():
            saved = torch.load(self.best_path, map_location=pl_module.device, weights_only=True)
            load_checkpoint(pl_module, saved)
        if trainer.is_global_zero:
            self.last_path.unlink(missing_ok=True)

    def state_dict(self) -> dict[str, Any]:
        return random_states()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._random_states = state_dict

    def _save(self, trainer: L.Trainer) -> None:
        new = self.last_path.with_name(".new.ckpt")
        trainer.save_checkpoint(new, weights_only=False)
        if not trainer.is_global_zero:
            return
        if self.record.epoch == self.record.best.epoch:
            _link(new, self.best_path)
        os.replace(new, self.last_path)


def random_states() -> dict[str, Any]:
    """Return the states of all random generators as plain values and tensors, which weights_only=True loads."""
    version, internal, gauss = random.getstate()
    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    return {
        "python": [version, torch.tensor(internal), gauss],
        "numpy": [name, torch.from_numpy(np.asarray(keys, dtype=np.int64)), position, has_gauss, cached],
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def set_random_states(states: dict[str, Any]) -> None:
    """Set all random generators to states that random_states returned."""
    version, internal, gauss = states["python"]
    random.setstate((version, tuple(internal.tolist()), gauss))
    name, keys, position, has_gauss, cached = states["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), position, has_gauss, cached))
    torch.set_rng_state(states["torch"].cpu())
    if states["cuda"] and torch.cuda.device_count() == len(states["cuda"]):
        torch.cuda.set_rng_state_all([state.cpu() for state in states["cuda"]])


def _link(source: Path, target: Path) -> None:
    """Give a file a second name without writing it twice; copy it if the file system has no links."""
    temporary = target.with_name(f".{target.name}.new")
    temporary.unlink(missing_ok=True)
    try:
        os.link(source, temporary)
    except OSError:
        shutil.copyfile(source, temporary)
    os.replace(temporary, target)
