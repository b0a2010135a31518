"""A learner whose schedules span the whole run cannot go on for more epochs than it began with."""

from __future__ import annotations

import warnings
from typing import Any

import lightning as L
from lightning.pytorch.core.optimizer import _init_optimizers_and_lr_schedulers
from lightning.pytorch.utilities.types import LRSchedulerConfig
from torch.optim.lr_scheduler import LRScheduler

from tunesmith.errors import UserError

# So many steps of a schedule are compared: half a second of a run that goes on for longer.
_MOST_STEPS = 10_000


class ScheduleLength(L.Callback):
    """Compares a learner's schedules for the old and the new number of epochs, when a run goes on for longer.

    For learners that make their schedules themselves: what they make them of is in their code, not in the config. The
    state of a schedule comes back from the checkpoint, with the length that the run had then.
    """

    def __init__(self) -> None:
        self._epochs: int | None = None
        self._epochs_before: int | None = None

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._epochs = trainer.max_epochs

    def state_dict(self) -> dict[str, Any]:
        return {"max_epochs": self._epochs}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._epochs_before = state_dict["max_epochs"]

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Raise UserError if the learning rates of the first epochs depend on how many epochs follow."""
        before, now = self._epochs_before, trainer.max_epochs
        if before is None or before == now:
            return
        if _learning_rates(trainer, pl_module, before, before) != _learning_rates(trainer, pl_module, now, before):
            raise UserError(
                f"trainer.max_epochs must stay {before}: a schedule of {type(pl_module).__name__} spans the whole run; "
                f"got {now}: start a new run from the weights by weights=... instead of ckpt_path"
            )


def _learning_rates(trainer: L.Trainer, module: L.LightningModule, max_epochs: int | None, epochs: int) -> list[Any]:
    """Return the learning rates of so many epochs, as the learner's own schedules give them in a run of max_epochs."""
    loop, attributes, epochs_now = trainer.fit_loop, dict(vars(module)), trainer.max_epochs
    loop.max_epochs = max_epochs
    try:
        _, configs = _init_optimizers_and_lr_schedulers(module)
    finally:
        loop.max_epochs = epochs_now
        vars(module).clear()
        vars(module).update(attributes)  # whatever the learner keeps of what it makes is that of the run
    return [_rates(config, epochs * _steps_of_epoch(trainer, config)) for config in configs]


def _steps_of_epoch(trainer: L.Trainer, config: LRSchedulerConfig) -> int:
    is_by_step = config.interval == "step" and trainer.num_training_batches != float("inf")
    return -(-int(trainer.num_training_batches) // trainer.accumulate_grad_batches) if is_by_step else 1


def _rates(config: LRSchedulerConfig, num_steps: int) -> list[Any]:
    schedule = config.scheduler
    if not isinstance(schedule, LRScheduler) or config.reduce_on_plateau:  # follows a metric, not a length
        return []
    rates = [schedule.get_last_lr()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the optimizer makes no steps
        for _ in range(min(num_steps, _MOST_STEPS) - 1):
            schedule.step()
            rates.append(schedule.get_last_lr())
    return [[float(rate) for rate in step] for step in rates]
