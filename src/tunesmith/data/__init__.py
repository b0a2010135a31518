"""From a source's arrays to batches: source -> splits -> batches by (seed, epoch)."""

from tunesmith.data.arrays import Arrays
from tunesmith.data.datamodule import DataModule

__all__ = ["Arrays", "DataModule"]
