"""The classes of ours that do without Lightning, by the names that a config has for those that add its hooks."""

from __future__ import annotations

from collections.abc import Mapping

_ARRAY_DATA = "tunesmith.data.array_data.ArrayData"
# Both take the same arguments.
LEAN_CLASSES: Mapping[str, str] = {
    "tunesmith.data.DataModule": _ARRAY_DATA,
    "tunesmith.data.datamodule.DataModule": _ARRAY_DATA,
    "tunesmith.training.learner.Supervised": "tunesmith.training.supervised.SupervisedLearning",
}
