"""Whether a run gets as far as its first validation, which is known before its first step."""

from __future__ import annotations

import math

import lightning as L
from lightning.pytorch.callbacks import GradientAccumulationScheduler

from tunesmith.errors import UserError
from tunesmith.training.callbacks.end_of_epoch import has_validation

# As val_check_interval: validations come by the clock. Lightning 2.6.6 gives the trainer no such attribute then, which
# its own early stopping asks for.
BY_TIME = math.inf


def check_is_validated(trainer: L.Trainer) -> None:
    """Raise UserError if a run, whose batches are counted, ends before its first validation: it would have no value."""
    first = _first_validation(trainer)
    if first == 0 or first <= (last := _last_batch(trainer)):
        return
    is_by_steps = _batches_of_steps(trainer) == last
    key, value = ("max_steps", trainer.max_steps) if is_by_steps else ("max_epochs", trainer.max_epochs)
    raise UserError(
        f"trainer.{key} must reach the first validation, after batch {first:.0f}; got {value}, whose last batch is "
        f"{last:.0f}: give more, or an earlier validation by trainer.val_check_interval or check_val_every_n_epoch"
    )


def irregular_flag(trainer: L.Trainer) -> str | None:
    """Return the flag by which some epochs have no validation, and nobody counts which; None if there is none."""
    every, interval = trainer.check_val_every_n_epoch, trainer.val_check_interval
    if interval == BY_TIME:
        return "trainer.val_check_interval in hours, minutes and seconds"
    if every is not None:
        return None
    trainer.fit_loop.setup_data()  # counts the batches
    return f"trainer.val_check_interval={interval}" if interval > trainer.num_training_batches else None


def _first_validation(trainer: L.Trainer) -> float:
    """Return the batch, from 1, after which a run is validated first; 0 if it needs none, or nobody knows."""
    interval = trainer.val_check_batch
    if not has_validation(trainer) or interval is None or math.isinf(trainer.num_training_batches):
        return 0
    every = trainer.check_val_every_n_epoch
    return interval if every is None else (every - 1) * trainer.num_training_batches + interval


def _last_batch(trainer: L.Trainer) -> float:
    """Return how many batches a run trains on."""
    epochs = trainer.max_epochs
    of_epochs = math.inf if epochs in (None, -1) else epochs * trainer.num_training_batches
    return min(of_epochs, _batches_of_steps(trainer))


def _batches_of_steps(trainer: L.Trainer) -> float:
    """Return after how many batches max_steps are taken; infinity if the steps of an epoch are not known."""
    varies = any(isinstance(callback, GradientAccumulationScheduler) for callback in trainer.callbacks)  # type: ignore[attr-defined]
    if trainer.max_steps == -1 or varies or not trainer.lightning_module.automatic_optimization:
        return math.inf
    batches, of_step = trainer.num_training_batches, trainer.accumulate_grad_batches
    epochs, rest = divmod(trainer.max_steps, math.ceil(batches / of_step))
    return epochs * batches + rest * of_step
