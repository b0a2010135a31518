"""Remedies that change how long a run trains, and in how many steps."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.insight.diagnosis.knobs import Knobs, Remedy
from tunesmith.insight.diagnosis.net_remedies import deeper, is_small, resized
from tunesmith.rules import is_number

_PATIENCE = "callbacks.early_stopping.patience"
_EPOCHS = "trainer.max_epochs"
# Early stopping's in conf/callbacks/default.yaml.
_USUAL_PATIENCE = 10
# At least so many steps an epoch, in batches of 8 to 64.
_LEAST_STEPS, _SMALLEST, _LARGEST = 8, 8, 64


def longer(knobs: Knobs) -> Iterator[Remedy]:
    """What has ended the run first: early stopping, or the number of epochs."""
    epochs, patience = knobs.number(_EPOCHS), _more_patience(knobs)
    if epochs is not None and 0 < len(knobs.facts.epochs) < epochs:
        yield patience
    yield knobs.scale_count(_EPOCHS, 2)
    yield (*patience, *knobs.scale_count(_EPOCHS, 5))


def _more_patience(knobs: Knobs) -> Remedy:
    aim = _usual_patience(knobs)
    return knobs.turn(_PATIENCE, aim) if (knobs.number(_PATIENCE) or aim) < aim else ()


def _usual_patience(knobs: Knobs) -> int:
    """10 epochs, or twice what a plateau schedule waits: else training stops before the lower rate can act."""
    return max(_USUAL_PATIENCE, 2 * round(knobs.number("scheduler.patience") or 0))


def ends_sooner(knobs: Knobs) -> Iterator[Remedy]:
    """Stop some epochs after the best one: its weights are kept anyway, so this saves time alone.

    Twice the epochs of the best one, and 10 more than these at least: with another seed the best one is later.
    """
    usual = _usual_patience(knobs)
    if (knobs.number(_PATIENCE) or 0) > usual:
        yield knobs.turn(_PATIENCE, usual)
    best = knobs.facts.best_epoch or len(knobs.facts.epochs)
    if (enough := best + max(best, _USUAL_PATIENCE)) < len(knobs.facts.epochs):
        yield knobs.turn(_EPOCHS, enough)


def more_steps(knobs: Knobs) -> Iterator[Remedy]:
    if (knobs.number("trainer.accumulate_grad_batches") or 1) > 1:
        yield knobs.turn("trainer.accumulate_grad_batches", 1)
    size, aim = knobs.number("data.batch_size"), batch_size_for(knobs.facts.amount("samples.train"))
    if size is not None and size > aim:
        yield knobs.turn("data.batch_size", aim)
    yield knobs.scale_count(_EPOCHS, 5)


def batch_size_for(samples: float | None) -> int:
    """Return the largest power of two, from 8 to 64, that gives an epoch at least 8 steps."""
    size = _LARGEST
    while is_number(samples) and size > _SMALLEST and samples / size < _LEAST_STEPS:
        size //= 2
    return size


def larger_or_longer(knobs: Knobs) -> Iterator[Remedy]:
    """A larger net first if the config has a small one, else more epochs."""
    wider, epochs = resized(knobs, 4), knobs.scale_count(_EPOCHS, 2)
    yield from (wider, epochs) if is_small(knobs) else (epochs, wider)
    yield deeper(knobs)
    yield (*wider, *knobs.scale_count(_EPOCHS, 5))
