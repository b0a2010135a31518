"""Which of the metrics that an epoch has logged are shown and recorded, whoever trains."""

from __future__ import annotations

from collections.abc import Collection

from tunesmith.run_folder import AXES


def epoch_names(names: Collection[str], objective: str) -> list[str]:
    """Return the names of an epoch's metrics among those that were logged.

    A metric that is logged by step and by epoch has three names: NAME, NAME_step and NAME_epoch; NAME stays, and any
    name that is the objective. "step" and "epoch" are axes: of the loggers, and of metrics.csv.
    """
    return [name for name in names if name == objective or not (name in AXES or is_other_form(name, names))]


def is_other_form(name: str, names: Collection[str]) -> bool:
    """Whether a name is the NAME_step or NAME_epoch of a metric that is logged as NAME as well."""
    base, separator, loader = name.partition("/dataloader_idx_")
    return any(
        base.endswith(suffix) and f"{base.removesuffix(suffix)}{separator}{loader}" in names
        for suffix in ("_step", "_epoch")
    )
