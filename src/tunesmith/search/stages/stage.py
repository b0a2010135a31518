"""One stage of a sweep: a search of its own within the study, with its own space, sampler, pruner and budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tunesmith.search.space.dimension import Dimension, Params
from tunesmith.search.space.space import Space
from tunesmith.search.stopping_rules import NEVER, Stopping

# Keys of the data that leave each run all of it.
_ALL_DATA = ("data.folds", "data.batch_size")
_FRACTION = "data.fraction"


@dataclass(frozen=True)
class Stage:
    """What a stage runs.

    name: None for the only stage of a sweep without stages.
    space: what varies in this stage, and the overrides of all its trials, the stage's own last.
    sampler, pruner: a node with _target_, as the stage's own config has it, or an object.
    whole: what each key of the study varies over at its widest, by its key: held values, points and narrowed choices
    are recorded under these distributions, because Optuna keeps one kind of distribution for a key. A key of a point
    that is in neither `space` nor `whole` cannot be recorded. Empty: those of the space.
    held: keys that do not vary here -> the value that they have in all trials but those of a point with another one.
    points: run first, each once, in this order: key -> value; a key that is left out keeps the config's value, and {}
    is the configuration as it stands.
    only_points: whether the sampler draws nothing beyond the points.
    n_trials: of this stage; fewer are run if it has fewer points.
    share: how many it may have, before it is known which points those are; None: n_trials.
    is_counted: whether its trials are part of the sweep's n_trials.
    is_rerun: whether it runs configurations of the stages before again, so that the best of the sweep is one of its own
    trials: cross-validation picks one that is not the best of a single split.
    overrides: the stage's own, which also end space.fixed.
    remarks: what a console says of the stage at its border, each in a line.
    """

    name: str | None
    space: Space
    sampler: Any
    pruner: Any
    n_trials: int
    whole: Mapping[str, Dimension] = field(default_factory=dict)
    held: Params = field(default_factory=dict)
    points: tuple[Params, ...] = ()
    only_points: bool = False
    stopping: Stopping = NEVER
    is_counted: bool = True
    is_rerun: bool = False
    overrides: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    share: int | None = None


def is_on_full_data(stage: Stage) -> bool:
    """Whether a stage trains on the data of a run: folds and batches take nothing away from it."""
    pairs = [text.lstrip("+~").partition("=") for text in stage.overrides]
    return not any(_takes_away(key, value) for key, _, value in pairs)


def _takes_away(key: str, value: str) -> bool:
    if key == _FRACTION:  # a stage may give back what the command takes away from the stages before
        return value not in ("1", "1.0")
    return key == "data" or (key.startswith(("data.", "data@", "data/")) and key not in _ALL_DATA)
