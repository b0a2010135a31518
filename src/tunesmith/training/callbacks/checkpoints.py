"""checkpoints/best.ckpt and, while the run goes on, checkpoints/last.ckpt."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import ModelCheckpoint, WeightAveraging
from torch import Tensor

from tunesmith.machine_faults import find_machine_fault, writing
from tunesmith.run_folder import BEST_CHECKPOINT, LAST_CHECKPOINT, open_new, temporary_path
from tunesmith.training.callbacks.end_of_epoch import EndOfEpoch
from tunesmith.training.callbacks.epoch_record import WITHIN_EPOCH, EpochRecord
from tunesmith.training.record import RunRecord
from tunesmith.training.weights import load_checkpoint

# The key of the record's state in a checkpoint.
RECORD_STATE = EpochRecord.__name__
# Where a ModelCheckpoint of the learner's own, or of the config, writes, so that checkpoints/ stays ours.
OWN_CHECKPOINTS = "model_checkpoints"


class Checkpoints(EndOfEpoch):
    """Saves once an epoch, after schedules, early stopping and the record have seen the epoch.

    Lightning's ModelCheckpoint saves before the plateau schedule has seen the epoch (a resumed run then differs), and
    writes the file twice if an epoch is both last and best. The best validation inside an
    epoch is saved at once, but becomes best.ckpt at the epoch's end, together with last.ckpt: a run that is killed in
    between goes on from that epoch's start, to the same best.
    """

    def __init__(self, folder: Path, record: RunRecord) -> None:
        self.best_path = folder / BEST_CHECKPOINT
        self.last_path = folder / LAST_CHECKPOINT
        self.inside_path = self.best_path.with_name(".inside.ckpt")
        self.record = record
        self._validated: dict[str, Any] | None = None
        self._is_saving_validated = False

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Move whatever would write into checkpoints/."""
        for callback in trainer.checkpoint_callbacks:
            if isinstance(callback, ModelCheckpoint) and _may_be_in(callback.dirpath, self.best_path.parent):
                callback.dirpath = str(self.best_path.parent.with_name(OWN_CHECKPOINTS))

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        self.inside_path.unlink(missing_ok=True)
        if self.record.epoch == 0:
            self.best_path.unlink(missing_ok=True)

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Save the epoch that has just ended.

        A checkpoint of ours never lies inside an epoch. Lightning does not know that: with restarting left True it
        would repeat the end of the old epoch, and hide the new epoch from the plateau schedule.
        """
        for loop in (trainer.fit_loop, trainer.fit_loop.epoch_loop):
            loop._restarting = False  # the property of Lightning 2.6.6 becomes True if max_steps is set
        if trainer.current_epoch > 0 and trainer.current_epoch == self.record.epoch:
            self._save(trainer)

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Hold the weights that were validated, if they may be the best: whatever comes next may change them."""
        if not trainer.sanity_checking:
            value = trainer.callback_metrics.get(self.record.objective.metric)
            may_be_best = value is None or self.record.best.would_be(float(value))
            self._validated = saved_weights(trainer, pl_module) if may_be_best else None

    def on_train_batch_start(self, trainer: L.Trainer, *args: Any) -> None:
        """Save a validation inside the epoch, which has just ended, if it is the best one."""
        if not self.record.is_best_saved:
            self._save_validated(trainer)

    def on_save_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        if self._is_saving_validated:
            if self._validated is not None:
                checkpoint["state_dict"] = self._validated
            checkpoint["callbacks"][RECORD_STATE][WITHIN_EPOCH] = True

    def on_exception(self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException) -> None:
        """Keep the best validation of an epoch in which the run fails; one that is interrupted trains it again."""
        has_failed = isinstance(exception, Exception) and find_machine_fault(exception) is None
        if has_failed and trainer.is_global_zero:
            self._keep_inside()

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Save the last epoch if it is the best one, restore the best weights, delete last.ckpt."""
        if not self.record.is_best_saved:
            self._save(trainer)
        elif trainer.is_global_zero:
            self._keep_inside()
        trainer.strategy.barrier("best checkpoint")  # rank zero renames the file after all ranks have saved
        if self.best_path.exists():
            saved = torch.load(self.best_path, map_location=pl_module.device, weights_only=True)
            load_checkpoint(pl_module, saved)
        if trainer.is_global_zero:
            self.last_path.unlink(missing_ok=True)

    def _save_validated(self, trainer: L.Trainer) -> None:
        """Save the weights that were validated, in a checkpoint from which no run can go on."""
        self._is_saving_validated = True
        trainer.save_checkpoint(self.inside_path, weights_only=False)
        self._is_saving_validated = False
        self.record.is_best_saved = True

    def _has_changed(self, trainer: L.Trainer) -> bool:
        """Whether rank zero's weights are no longer those that were validated."""
        held = self._validated
        now = None if held is None else saved_weights(trainer, trainer.lightning_module)
        has_changed = held is not None and now is not None and not _is_same(held, now)
        return bool(trainer.strategy.broadcast(has_changed))

    def _save(self, trainer: L.Trainer) -> None:
        if not self.record.is_best_saved and self._has_changed(trainer):
            self._save_validated(trainer)
        new = self.last_path.with_name(".new.ckpt")
        if trainer.is_global_zero:
            new.unlink(missing_ok=True)  # if somebody has put a link there, the file that it leads to stays as it is
        trainer.save_checkpoint(new, weights_only=False)
        is_best, self.record.is_best_saved = not self.record.is_best_saved, True
        if not trainer.is_global_zero:
            return
        if is_best:
            _link(new, self.best_path)
            self.inside_path.unlink(missing_ok=True)
        self._keep_inside()
        os.replace(new, self.last_path)

    def _keep_inside(self) -> None:
        """Make the best validation inside an epoch, if there is one, the run's best."""
        if self.inside_path.exists():
            os.replace(self.inside_path, self.best_path)


def saved_weights(trainer: L.Trainer, module: L.LightningModule) -> dict[str, Any]:
    """Return a copy on the CPU of the weights that a checkpoint saved now would have: an average's, if there is one."""
    checkpoint: dict[str, Any] = {"state_dict": module.state_dict()}
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if isinstance(callback, WeightAveraging):
            callback.on_save_checkpoint(trainer, module, checkpoint)
    return {name: _copied(value) for name, value in checkpoint["state_dict"].items()}


def _copied(value: Any) -> Any:
    """Return a copy of a tensor, or of a module's extra state."""
    return value.detach().to("cpu", copy=True) if isinstance(value, Tensor) else deepcopy(value)


def _is_same(held: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether all tensors are equal, NaN to NaN."""
    pairs = [(value, now.get(name)) for name, value in held.items() if isinstance(value, Tensor)]
    return held.keys() == now.keys() and all(
        isinstance(other, Tensor) and torch.equal(torch.nan_to_num(value), torch.nan_to_num(other))
        for value, other in pairs
    )


def _may_be_in(dirpath: Any, folder: Path) -> bool:
    """Whether a ModelCheckpoint writes into this folder, or has none yet: its default is ours."""
    return dirpath is None or Path(dirpath).resolve().is_relative_to(folder.resolve())


def _link(source: Path, target: Path) -> None:
    """Give a file a second name without writing it twice; copy it if the file system has no links."""
    temporary = temporary_path(target)
    with writing(target):
        try:
            _link_or_copy(source, temporary)
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        with source.open("rb") as file, open(open_new(target), "wb") as copy:
            shutil.copyfileobj(file, copy)
