"""What a trial's config says of its sweep: its choices cannot change how the sweep runs, which has begun before."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from omegaconf import DictConfig, OmegaConf, open_dict

from tunesmith.config.changes import Change, find_changes, show_value
from tunesmith.errors import UserError

_PARTS = ("launcher", "sweeper")
_PARAMS = "params"
# Keys of hydra.sweeper that plan, check, end and judge a search: no run reads them, and Hydra copies a job's whole
# config several times.
_OF_SEARCH = (
    *("baseline", "enqueue", "stages", "confirm"),
    *("target", "no_improvement", "total_epochs", "constraints"),
    *("dry_run", "check", "on_start", "on_finish"),
)
# An interpolation such as ${hydra:sweeper.target} or ${oc.select:hydra.sweeper.target}.
_READS_SWEEPER = re.compile(r"\$\{[^}]*hydra[.:]sweeper\b")


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


def leave_out_search(trial: DictConfig) -> None:
    """Delete what plans a search from the config of its trials, whose costs grow with it; not if a value names it."""
    sweeper = trial.hydra.sweeper
    if not _READS_SWEEPER.search(str(OmegaConf.to_container(trial, resolve=False))):
        with open_dict(sweeper):
            for key in _OF_SEARCH:
                sweeper.pop(key, None)


def _changes(sweep: DictConfig, trial: DictConfig) -> Iterator[Change]:
    for part in _PARTS:
        for change in find_changes(sweep.hydra[part], trial.hydra[part]):
            if change.key.partition(".")[0] != _PARAMS:
                yield Change(f"hydra.{part}.{change.key}", change.old, change.new)
