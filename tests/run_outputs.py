"""Outputs of a part, as a run keeps them, and folders of runs made by hand, for tests of pages and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith.insight.part_outputs import CLASSES, LABELS, NUMBERS, PartOutputs
from tunesmith.run_folder import write_yaml

NONE = {"columns": np.empty(0, np.str_), "pictures": np.empty(0), "rows": np.empty((0, 0), np.str_)}
METRICS = "epoch,train/loss,val/loss,lr\n1,0.9,0.8,0.1\n2,0.5,0.3,0.1\n3,0.4,0.6,0.05\n"
RESULT = {
    "metric": "val/loss",
    "mode": "min",
    "value": 0.3,
    "epoch": 2,
    "epochs": 3,
    "seconds": 1.5,
    "state": "COMPLETE",
}


def of_classes(
    *predicted: int, true: tuple[int, ...], names: tuple[str, ...] = ("cat", "dog"), **more: Any
) -> PartOutputs:
    """Each sample's class gets a probability of 0.9, all others share the rest."""
    num = len(names)
    outputs = np.full((len(predicted), num), 0.1 / (num - 1))
    outputs[np.arange(len(predicted)), predicted] = 0.9
    indices = np.arange(100, 100 + len(true))
    return PartOutputs(CLASSES, outputs, np.array(true), indices, len(true), np.array(names), **{**NONE, **more})


def of_numbers(outputs: Any, targets: Any, kind: str = NUMBERS, **more: Any) -> PartOutputs:
    shape = (len(outputs), -1)
    values = np.array(outputs, float).reshape(shape), np.array(targets, float).reshape(shape)
    classes = np.empty(0, np.str_)
    return PartOutputs(kind, *values, np.arange(len(outputs)), len(outputs), classes, **{**NONE, **more})


def of_labels(outputs: Any, targets: Any) -> PartOutputs:
    return of_numbers(outputs, targets, LABELS)


def make_run(folder: Path, metrics: str = METRICS, result: Mapping[str, Any] | None = RESULT, config: str = "") -> Path:
    """Make the folder of a run; result: None leaves result.yaml out."""
    (folder / ".hydra").mkdir(parents=True)
    (folder / ".hydra" / "config.yaml").write_text(config or "objective: {metric: val/loss, mode: min}\n")
    (folder / ".hydra" / "overrides.yaml").write_text("- data=digits\n- optimizer.lr=0.1\n")
    (folder / "metrics.csv").write_text(metrics)
    if result is not None:
        write_yaml(folder / "result.yaml", result)
    return folder
