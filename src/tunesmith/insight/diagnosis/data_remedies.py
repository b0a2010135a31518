"""Remedies that change what is learned from: scaling, parts, columns, order, weights of classes."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.insight.diagnosis.knobs import Knobs, Remedy


def scaled_inputs(knobs: Knobs) -> Iterator[Remedy]:
    """One scale for all pixels of images, else one per feature; a model with batch norm scales by itself."""
    is_images = ".images." in str(knobs.at("data.source._target_")) or knobs.has("model.channels")
    yield knobs.turn("data.scale", "global" if is_images else "standard")
    yield knobs.turn("model.batch_norm", True)


def scaled_targets(knobs: Knobs) -> Iterator[Remedy]:
    yield knobs.turn("data.scale_targets", True)


def kept_together(knobs: Knobs) -> Iterator[Remedy]:
    """Only if the config names the column by which rows belong together."""
    if knobs.at("data.split_column") is not None:
        yield knobs.turn("data.split", "group")


def drawn_anew(knobs: Knobs) -> Iterator[Remedy]:
    """Parts drawn at random instead of by time; parts that are drawn already, once more."""
    if knobs.at("data.split") == "time":
        yield knobs.turn("data.split", "random")
    elif (seed := knobs.number("data.split_seed")) is not None:
        yield knobs.turn("data.split_seed", round(seed) + 1)


def without_column(knobs: Knobs) -> Iterator[Remedy]:
    """The column's name is data: it becomes a quoted text, never a part of the grammar."""
    column, dropped = knobs.facts.fact("give_away.column"), knobs.at("data.drop")
    if isinstance(column, str | int) and isinstance(dropped, list) and column not in dropped:
        yield knobs.turn("data.drop", [*dropped, column])


def shuffled(knobs: Knobs) -> Iterator[Remedy]:
    yield knobs.turn("data.shuffle", True)


def weighted_classes(knobs: Knobs) -> Iterator[Remedy]:
    yield knobs.turn("data.class_weights", "balanced")


def folded(knobs: Knobs) -> Iterator[Remedy]:
    if knobs.at("data.folds") is None:
        yield knobs.turn("data.folds", 5)
