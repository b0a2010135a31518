"""What is known of the data before the first step: data_facts.json, for findings and for whoever reads a run."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from functools import cache
from typing import Any

import torch
from torch import nn

from tunesmith.data.array_data import ArrayData
from tunesmith.data.data_checks import describe_checks
from tunesmith.data.splits import Split
from tunesmith.training.prior_loss import prior_loss
from tunesmith.training.supervised import SupervisedLearning

log = logging.getLogger(__name__)

DIGITS = 6


def describe_data(learner: nn.Module, data: object, fold: int | None = None) -> dict[str, Any] | None:
    """Return the content of data_facts.json; None if the data are not ours.

    fold: which of data.folds is trained on, from 0. Absent numbers are None: nobody can tell, or it is no such data.
    """
    if not isinstance(data, ArrayData):
        return None
    parts = {name: getattr(data.splits, name) for name in ("train", "val", "test")}
    trained = {name: parts[name] for name in ("train", "val")}
    ours = learner if isinstance(learner, SupervisedLearning) else None
    facts: dict[str, Any] = {
        "prior_loss": {name: ours and prior_loss(ours, part) for name, part in trained.items()},
        "samples": {name: len(part) for name, part in parts.items()},
        "classes": _class_counts(data, trained),
        "targets": None if data.has_classes else data.splits.measures.targets,
        "inputs": data.splits.measures.inputs,
        **describe_checks(data),
    }
    if not fold:  # what the first fold says holds for all
        for check in facts["checks"]:
            warn_once(f"data: {check['text']}")
    return {name: _rounded(value) for name, value in facts.items()}


@cache
def warn_once(line: str) -> None:
    """Say a line once in a process: trials share their data."""
    log.warning("%s", line)


def _class_counts(data: ArrayData, parts: Mapping[str, Split]) -> dict[str, list[int]] | None:
    """Return the samples of each class; None if a target is not one class."""
    if not data.has_classes or data.target_shape:
        return None
    num_classes = len(data.splits.classes)
    return {name: torch.bincount(part.targets[:], minlength=num_classes).tolist() for name, part in parts.items()}


def _rounded(value: Any) -> Any:
    """Round numbers to six digits; one that is not finite is None, as JSON has none."""
    if isinstance(value, Mapping):
        return {name: _rounded(each) for name, each in value.items()}
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return value
