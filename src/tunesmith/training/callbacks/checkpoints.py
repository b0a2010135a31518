"""Lightning's hooks as calls of the run's files: checkpoints/best.ckpt and, while the run goes on, last.ckpt."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import ModelCheckpoint, WeightAveraging
from lightning.pytorch.strategies import SingleDeviceStrategy
from torch import Tensor

from tunesmith.machine_faults import find_machine_fault
from tunesmith.training.callbacks.end_of_epoch import EndOfEpoch, validates_within_epochs
from tunesmith.training.checkpoint_file import without_objects
from tunesmith.training.record import RunRecord
from tunesmith.training.saving import RECORD_STATE, WITHIN_EPOCH, Checkpoint, RunFiles
from tunesmith.training.weights import load_checkpoint

# Where a ModelCheckpoint of the learner's own, or of the config, writes, so that checkpoints/ stays ours.
OWN_CHECKPOINTS = "model_checkpoints"


class Checkpoints(EndOfEpoch):
    """Keeps each epoch, after schedules, early stopping and the record have seen the epoch.

    Lightning's ModelCheckpoint saves before the plateau schedule has seen the epoch (a resumed run then differs), and
    writes the file twice if an epoch is both last and best. The best validation inside an epoch is saved at once, but
    becomes best.ckpt at the epoch's end, together with last.ckpt: a run that is killed in between goes on from that
    epoch's start, to the same best.
    """

    def __init__(self, folder: Path, record: RunRecord, save_interval: float = 0.0) -> None:
        """save_interval: seconds, see SaveClock; several devices, and validations inside epochs, save each epoch."""
        self.record = record
        self.files = RunFiles(folder, record, save_interval)
        self._validated: dict[str, Any] | None = None
        self._is_saving_validated = False
        self._begun_after: int | None = None  # the epoch of the checkpoint, or 0; None: training has not begun

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Move whatever would write into checkpoints/."""
        self.files.is_writer = trainer.is_global_zero
        if not isinstance(trainer.strategy, SingleDeviceStrategy) or validates_within_epochs(trainer):
            self.files.clock.interval = 0.0
        folder = self.files.best_path.parent
        for callback in trainer.checkpoint_callbacks:
            if isinstance(callback, ModelCheckpoint) and _may_be_in(callback.dirpath, folder):
                callback.dirpath = str(folder.with_name(OWN_CHECKPOINTS))

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        path, self._begun_after = trainer.ckpt_path, self.record.epoch
        self.files.start(None if path is None else torch.load(path, map_location="cpu", weights_only=True, mmap=True))

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Keep the epoch that has just ended.

        A checkpoint of ours never lies inside an epoch. Lightning does not know that: with restarting left True it
        would repeat the end of the old epoch, and hide the new epoch from the plateau schedule.
        """
        for loop in (trainer.fit_loop, trainer.fit_loop.epoch_loop):
            loop._restarting = False  # the property of Lightning 2.6.6 becomes True if max_steps is set
        if trainer.current_epoch == self.record.epoch != self._begun_after:
            self._save_if_changed(trainer)
            self.files.end_epoch(_dump(trainer))

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
            self.files.keep_inside()
        self.files.save_held(exception)

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Leave best.ckpt alone, and restore the best weights."""
        self._save_if_changed(trainer)
        self.files.end_run(lambda: _dump(trainer))
        trainer.strategy.barrier("best checkpoint")
        if self.files.best_path.exists():
            saved = torch.load(self.files.best_path, map_location=pl_module.device, weights_only=True)
            load_checkpoint(pl_module, saved)

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Leave best.ckpt alone, also if the checkpoint is of the last epoch: Lightning then begins no training."""
        if self._begun_after is None and trainer.ckpt_path is not None:
            self.on_train_start(trainer, pl_module)
            self.files.end_run(lambda: _dump(trainer))

    def _save_if_changed(self, trainer: L.Trainer) -> None:
        """Save the best weights if they are no longer those that were validated."""
        if not self.record.is_best_saved and self._has_changed(trainer):
            self._save_validated(trainer)

    def _save_validated(self, trainer: L.Trainer) -> None:
        """Save the weights that were validated, in a checkpoint from which no run can go on."""
        self._is_saving_validated = True
        self.files.save_inside(_dump(trainer))
        self._is_saving_validated = False

    def _has_changed(self, trainer: L.Trainer) -> bool:
        """Whether rank zero's weights are no longer those that were validated."""
        held = self._validated
        now = None if held is None else saved_weights(trainer, trainer.lightning_module)
        has_changed = held is not None and now is not None and not _is_same(held, now)
        return bool(trainer.strategy.broadcast(has_changed))


def _dump(trainer: L.Trainer) -> Checkpoint:
    """Return what Trainer.save_checkpoint writes; all ranks have to call it."""
    return without_objects(trainer._checkpoint_connector.dump_checkpoint(weights_only=False))


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
