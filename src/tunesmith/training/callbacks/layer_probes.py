"""Lightning's hooks as calls of the run's probes."""

from __future__ import annotations

from typing import Any

import lightning as L
from torch.optim import Optimizer

from tunesmith.training.callbacks.end_of_epoch import EndOfEpoch, axis_step
from tunesmith.training.callbacks.epoch_record import is_at_max_steps
from tunesmith.training.probes.looks import make_look
from tunesmith.training.probes.probes import Probes


class LayerProbes(EndOfEpoch):
    """Drives Probes on rank zero: no other rank measures anything, and none waits for it.

    It stands behind the callbacks that record an epoch, and that restore the best weights at the end.
    """

    # Hooks that Lightning would call at each step.
    on_train_batch_start = on_train_batch_end = None  # type: ignore[assignment]
    on_before_zero_grad = on_before_backward = on_after_backward = None  # type: ignore[assignment]
    _progress: Any = None  # Lightning's count of an epoch's batches, on rank zero

    def __init__(self, probes: Probes, data: object) -> None:
        """data: the run's data module."""
        self.probes = probes
        self._data = data

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        self._progress = trainer.fit_loop.epoch_loop.batch_progress
        precision = trainer.precision_plugin
        device = trainer.strategy.root_device
        called = precision.convert_input, precision.forward_context
        look = make_look(pl_module, self._data, device, self.probes, *called, trainer.world_size)
        self.probes.start(look, len(trainer.optimizers))

    @property
    def on_before_optimizer_step(self) -> Any:
        """The hook, or None at a step of which nothing is measured: to call it would be half of what probes cost."""
        progress = self._progress
        return self._measure if progress and (progress.is_last_batch or self.probes.is_starting) else None

    def _measure(self, trainer: L.Trainer, pl_module: L.LightningModule, optimizer: Optimizer) -> None:
        """Take gradients that are whole: summed over batches and devices, unscaled, and not yet clipped."""
        self.probes.before_step(pl_module, optimizer, trainer.is_last_batch)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        epoch = trainer.current_epoch + 1
        if trainer.is_global_zero and self.probes.record.epoch == epoch:
            is_last = trainer.should_stop or epoch == trainer.max_epochs or is_at_max_steps(trainer)
            self.probes.end_epoch(epoch, is_last, axis_step(trainer))

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if trainer.is_global_zero:
            self.probes.end()
