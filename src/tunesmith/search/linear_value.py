"""The value of a linear model on the best trial's data: fitted once, and kept beside the trial's test metrics."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from tunesmith import run_folder
from tunesmith.errors import MachineFault
from tunesmith.search import results
from tunesmith.search.console.lines import say
from tunesmith.search.measured_noise import metric_of
from tunesmith.search.settings import Settings
from tunesmith.search.worker.failure import reason_of


def linear_value(settings: Settings, folder: Path, found: Mapping[str, Any], config: DictConfig | None) -> float | None:
    """Return the metric of the study of hydra.sweeper.linear_model; None if there is none, or it cannot be had here.

    folder: the study's; found: the content of optimization_results.yaml; config: the best trial's.
    """
    best, metric = results.find_best(folder, found), metric_of(folder, found)
    if settings.linear_model is None or config is None or best is None or metric is None:
        return None
    try:
        value = _metrics(settings, best / run_folder.LINEAR_FILE, config).get(metric)
    except MachineFault:
        raise
    except Exception as error:  # the search is over, and stands without it
        say(f"the best trial is not compared with a linear model: {reason_of(error)}")
        return None
    return value if isinstance(value, float) and math.isfinite(value) else None


def _metrics(settings: Settings, path: Path, config: DictConfig) -> Mapping[str, Any]:
    if path.is_file():
        return run_folder.read_yaml(path)
    assert settings.linear_model is not None
    metrics = dict(settings.linear_model(config))
    run_folder.write_yaml(path, metrics)
    return metrics
