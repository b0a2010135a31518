"""Remedies that change how far a step goes: learning rate, momentum, clipping."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.insight.diagnosis.curves import early_rate
from tunesmith.insight.diagnosis.knobs import Knobs, Remedy
from tunesmith.rules import is_number

# What conf/optimizer starts from: these rates suit standardised inputs, whatever the data.
_USUAL_LR = {"Adam": 1e-3, "AdamW": 1e-3, "NAdam": 1e-3, "RAdam": 1e-3, "RMSprop": 1e-3, "SGD": 1e-2}
# From this factor on, a tenth of the learning rate is still far from any usual one.
_FAR = 100
# A schedule that leaves less of the rate has ended the training; that of a factor that leaves a third after 10 epochs,
# and conf/scheduler/plateau.yaml's patience, do not.
_LEFT, _SLOW_GAMMA, _PATIENCE = 0.01, 0.9, 5
# Beyond it a step is a mean over more than 20 steps; conf/optimizer/sgd.yaml has .8 to .99, and .9 is the default.
_HIGH_MOMENTUM = 0.95


def lower_lr(knobs: Knobs) -> Iterator[Remedy]:
    """Momentum first if it is what the config has beyond the common: a tenth of the rate only hides it."""
    if (knobs.number("optimizer.momentum") or 0) > _HIGH_MOMENTUM:
        yield knobs.turn("optimizer.momentum", 0.9)
    lr, usual = _lr(knobs), _usual_lr(knobs)
    if lr is None:
        return
    is_far = usual is not None and lr >= _FAR * usual
    for rate in (usual, usual / 10) if is_far and usual is not None else (lr / 10, lr / 100):
        yield _to_lr(knobs, rate)


def higher_lr(knobs: Knobs) -> Iterator[Remedy]:
    """The finder's value first: a factor of 10 was not enough, and which one is cannot be told from the curve."""
    lr, usual = _lr(knobs), _usual_lr(knobs)
    yield from _slower_schedule(knobs)
    if lr is None:
        return
    if _has_finder(knobs):
        is_sgd = _optimizer(knobs) == "SGD"  # its rates are a decade above Adam's: let the finder look there, too
        yield (*knobs.turn("find_lr", True), *(knobs.turn("lr_finder.max_lr", 1.0) if is_sgd else ()))
    if usual is not None and usual > lr:
        yield _to_lr(knobs, usual)
    yield _to_lr(knobs, lr * 10)


def _slower_schedule(knobs: Knobs) -> Iterator[Remedy]:
    """Only if a schedule has taken nearly all of the rate within a third of the epochs."""
    left = early_rate(knobs.facts)
    if left is None or left >= _LEFT:
        return
    gamma, patience = knobs.number("scheduler.gamma"), knobs.number("scheduler.patience")
    if gamma is not None and gamma < _SLOW_GAMMA:
        yield knobs.turn("scheduler.gamma", _SLOW_GAMMA)
    yield knobs.scale_count("scheduler.step_size", 10)
    if patience is not None and patience < _PATIENCE:
        yield knobs.turn("scheduler.patience", _PATIENCE)


def finite_steps(knobs: Knobs) -> Iterator[Remedy]:
    yield from lower_lr(knobs)
    yield clipped(knobs)


def is_lr_extreme(knobs: Knobs) -> bool:
    """Whether the learning rate is more than half a decade above the optimizer's usual one."""
    lr, usual = _lr(knobs), _usual_lr(knobs)
    return lr is not None and usual is not None and lr > 3 * usual


def clipped(knobs: Knobs) -> Remedy:
    """Nothing with a mixed precision, whose gradients a fused optimizer unscales after they are clipped."""
    is_mixed = "mixed" in str(knobs.at("trainer.precision"))
    clip = knobs.number("trainer.gradient_clip_val")
    return () if is_mixed or (clip is not None and clip <= 1) else knobs.turn("trainer.gradient_clip_val", 1.0)


def _lr(knobs: Knobs) -> float | None:
    """Return the learning rate that the run trained with; of one that the finder gave, the largest of its epochs."""
    if knobs.at("find_lr") is True:
        return max((row["lr"] for row in knobs.facts.epochs if is_number(row.get("lr"))), default=None)
    return knobs.number("optimizer.lr")


def _to_lr(knobs: Knobs, lr: float) -> Remedy:
    return (*knobs.turn("find_lr", False), *knobs.turn("optimizer.lr", float(f"{lr:.3g}")))


def _usual_lr(knobs: Knobs) -> float | None:
    return _USUAL_LR.get(_optimizer(knobs))


def _optimizer(knobs: Knobs) -> str:
    return str(knobs.at("optimizer._target_")).rpartition(".")[2]


def _has_finder(knobs: Knobs) -> bool:
    """Whether the learner is ours or a subclass of it: those take all three groups, and the finder knows no other."""
    return all(map(knobs.has, ("model._target_", "loss._target_", "optimizer.lr")))
