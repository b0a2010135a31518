"""A choice of a trial cannot change how its own sweep runs: the sweep has begun before the choice is made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from omegaconf import DictConfig

from tunesmith.config.changes import Change, find_changes, show_value
from tunesmith.errors import UserError

_PARTS = ("launcher", "sweeper")
_PARAMS = "params"


def check_sweep_node(sweep: DictConfig, trial: DictConfig, choices: Sequence[str]) -> None:
    """Raise UserError if a trial's config has another launcher or sweeper than the sweep's; choices: of the trial.

    The params may differ: the sweep varies those of each choice (see per_choice.py).
    """
    change = next(_changes(sweep, trial), None)
    if change is None:
        return
    by, old, new = " ".join(choices), show_value(change.old), show_value(change.new)
    raise UserError(
        f"{change.key} must be the sweep's own; {by} changes it from {old} to {new}, which cannot act: "
        "the sweep has begun by then. Type it for the whole sweep, or sweep each choice by itself"
    )


def _changes(sweep: DictConfig, trial: DictConfig) -> Iterator[Change]:
    for part in _PARTS:
        for change in find_changes(sweep.hydra[part], trial.hydra[part]):
            if change.key.partition(".")[0] != _PARAMS:
                yield Change(f"hydra.{part}.{change.key}", change.old, change.new)
