"""The test metrics of the best trial, or of its refit: read if there are some, and written to the results."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from tunesmith import run_folder
from tunesmith.search.results import RESULTS_FILE


def evaluated_folder(best_folder: Path, config: DictConfig) -> Path:
    """Return the folder of what is evaluated: the best trial's, or with refit=true that of its refit, there or not."""
    return best_folder / run_folder.REFIT_FOLDER if config.get("refit") is True else best_folder


def read_test(folder: Path) -> dict[str, Any] | None:
    """Return the metrics of test.yaml if a folder was evaluated before: test data is touched once per trial."""
    path = folder / run_folder.TEST_FILE
    if not path.exists():
        return None
    return {name: value for name, value in run_folder.read_yaml(path).items() if name not in run_folder.TEST_FACTS}


def write_test(folder: Path, results: Mapping[str, Any], tested: Path, test: Mapping[str, Any]) -> dict[str, Any]:
    """Add test metrics to optimization_results.yaml, and whose they are if they are a refit's.

    folder: the study's; tested: that of what was evaluated.
    """
    of_refit = {"refit": _refit(folder, tested)} if tested.name == run_folder.REFIT_FOLDER else {}
    written = {**results, "test": dict(test), **of_refit}
    run_folder.write_yaml(folder / RESULTS_FILE, written)
    return written


def _refit(folder: Path, tested: Path) -> dict[str, Any]:
    """Return the refit's folder in the study's, and how many epochs it was trained."""
    path = tested / run_folder.RESULT_FILE
    epochs = run_folder.read_yaml(path).get("epochs") if path.is_file() else None
    return {"folder": str(tested.relative_to(folder)), "epochs": epochs}
