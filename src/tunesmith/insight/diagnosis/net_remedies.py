"""Remedies that change the net: how its weights start, its activation, its size, how much it is regularised."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.insight.diagnosis.knobs import Knobs, Remedy
from tunesmith.insight.diagnosis.rate_remedies import clipped, is_lr_extreme, lower_lr

# What makes a net smaller or larger, by the models of conf/ and the usual names of models of one's own.
_SIZES = ("model.shape", "model.hidden_units", "model.units", "model.channels")
# Where conf/model/mlp.yaml begins.
_LEAST_UNITS = 32
# Regularisation -> the largest value that is common for it (conf/ says so): what is furthest beyond it is tried first.
_COMMON = {
    "model.dropout": 0.5,
    "model.input_dropout": 0.2,
    "optimizer.weight_decay": 1e-2,
    "l1": 1e-3,
    "loss.label_smoothing": 0.2,
}


def initialized(knobs: Knobs) -> Iterator[Remedy]:
    """He's for ReLU and its kin, Glorot's for what saturates; torch's own if the run has that one already."""
    fits = "xavier" if knobs.at("model.activation") in ("sigmoid", "tanh") else "he"
    yield knobs.turn("model.initializer", fits if knobs.at("model.initializer") != fits else "torch")


def smaller_start(knobs: Knobs) -> Iterator[Remedy]:
    """The weights first if the config gives them; clipping leaves a loss that is finite and useless, so it is late."""
    if not _is_usual_init(knobs):
        yield from initialized(knobs)
    yield knobs.turn("model.batch_norm", True)
    yield from initialized(knobs)
    yield clipped(knobs)
    yield from lower_lr(knobs)


def shorter_paths(knobs: Knobs) -> Iterator[Remedy]:
    yield knobs.turn("model.activation", "relu")
    yield knobs.turn("model.batch_norm", True)
    yield from initialized(knobs)
    if (knobs.number("model.num_layers") or 0) > 2:
        yield knobs.turn("model.num_layers", 2)


def live_units(knobs: Knobs) -> Iterator[Remedy]:
    """What the config has beyond the usual first: a learning rate kills units, and so does how they start."""
    if is_lr_extreme(knobs):
        yield from lower_lr(knobs)
    if not _is_usual_init(knobs):
        yield from initialized(knobs)
    if is_small(knobs):  # of one or two units, all are soon dead
        yield resized(knobs, 4)
    # Batch norm centres what a bias has shifted; a leaky ReLU lets a hundredth of the gradient through.
    yield knobs.turn("model.batch_norm", True)
    yield knobs.turn("model.activation", "leaky_relu")
    yield from initialized(knobs)
    yield from lower_lr(knobs)


def _is_usual_init(knobs: Knobs) -> bool:
    """Whether the config starts the weights as is common; a model's own code may still start them otherwise."""
    return knobs.at("model.initializer") in (None, "torch", "he", "xavier", "orthogonal")


def less_regularised(knobs: Knobs) -> Iterator[Remedy]:
    """What is furthest beyond the common first."""
    beyond = {key: (knobs.number(key) or 0) / common for key, common in _COMMON.items()}
    for key in sorted(beyond, key=lambda key: -beyond[key]):
        if beyond[key] > 0.1:  # a tenth of what is common is no cause
            # Penalties act over decades: half of one is as good as all.
            yield knobs.scale(key, 0.5 if "dropout" in key else 0.01)
    yield knobs.scale("model.dropout", 0.2)


def more_regularised(knobs: Knobs) -> Iterator[Remedy]:
    dropout = knobs.number("model.dropout")
    if dropout is not None and dropout < 0.6:
        yield knobs.turn("model.dropout", 0.5 if dropout < 0.5 else 0.6)
    if (knobs.number("optimizer.weight_decay") or 0) < 1e-4:
        yield knobs.turn("optimizer.weight_decay", 1e-4)
    yield resized(knobs, 0.25)


def resized(knobs: Knobs, factor: float) -> Remedy:
    return next((turn for turn in (knobs.scale_count(key, factor) for key in _SIZES) if turn), ())


def deeper(knobs: Knobs) -> Remedy:
    layers = knobs.number("model.num_layers")
    return knobs.turn("model.num_layers", round(layers) + 1) if layers is not None and layers < 3 else ()


def is_small(knobs: Knobs) -> bool:
    """Whether a layer is narrower than is common."""
    widths = [width for width in map(knobs.number, _SIZES) if width is not None]
    return bool(widths) and min(widths) < _LEAST_UNITS
