"""What a run's files say of it as a whole: the metrics of its best epoch, its size, its speed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

from tunesmith.objective import PARAMETERS, SECONDS
from tunesmith.run_folder import AXES, RESULT_FILE, fold_name, read_metrics, read_yaml


def read_run_metrics(folder: Path, result: Mapping[str, Any]) -> dict[str, float]:
    """Return the metrics of a run by their names, with folds the means over the folds that have each of them.

    folder: the run's; result: what its result.yaml says, or will say.
    """
    if "folds" in result:
        folds = [folder / fold_name(fold) for fold in range(len(result["folds"]))]
        each = [read_run_metrics(fold, read_yaml(fold / RESULT_FILE)) for fold in folds]
        names = dict.fromkeys(name for metrics in each for name in metrics)
        return {name: fmean(metrics[name] for metrics in each if name in metrics) for name in names}
    row = next(iter(best_rows(folder, result)), {})
    metrics = {name: float(text) for name, text in row.items() if name not in AXES and text}
    if result.get(PARAMETERS) is not None:
        metrics[PARAMETERS] = result[PARAMETERS]
    if result["epochs"]:
        metrics[SECONDS] = result["seconds"] / result["epochs"]
    return metrics


def best_rows(folder: Path, result: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the row of metrics.csv of a run's best epoch, or of its best validation; none if no epoch counts."""
    best = {key: str(result[key]) for key in AXES if key in result}
    return [row for row in read_metrics(folder) if best.items() <= row.items()]
