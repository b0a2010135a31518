"""From a source's arrays to batches: source -> splits -> batches by (seed, epoch)."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tunesmith.data.arrays import Arrays
    from tunesmith.data.datamodule import DataModule

__all__ = ["Arrays", "DataModule"]

# Imported by whoever names them: a source of one's own needs Arrays alone, and DataModule imports Lightning.
_MODULES = {"Arrays": "tunesmith.data.arrays", "DataModule": "tunesmith.data.datamodule"}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
