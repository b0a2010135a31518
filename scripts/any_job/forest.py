"""A job that is no net: scikit-learn's random forest on digits, scored by 3-fold cross-validation, a report a fold.

python scripts/any_job/forest.py                        one forest
python scripts/any_job/forest.py -m experiment=grid     9 points; also random, tpe, random_then_grid (docs/search.md)
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import hydra
import numpy as np
from numpy.typing import NDArray
from omegaconf import DictConfig
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import StratifiedKFold, train_test_split

import tunesmith

Samples = tuple[NDArray[np.float64], NDArray[np.int64]]


@hydra.main(version_base="1.3", config_path=".", config_name="forest")
def main(cfg: DictConfig) -> float:
    """Return the mean accuracy of the folds."""
    inputs, targets = split(cfg.split_seed)[0]
    accuracies: list[float] = []
    for train, val in StratifiedKFold(cfg.folds).split(inputs, targets):
        fitted = clone(forest(cfg)).fit(inputs[train], targets[train])
        accuracies.append(fitted.score(inputs[val], targets[val]))
        tunesmith.report(np.mean(accuracies), len(accuracies))  # raises TrialPruned here if the trial is pruned
    return float(np.mean(accuracies))


def test(folder: Path, config: DictConfig) -> Mapping[str, Any]:
    """Return the test accuracy of the best configuration, fitted on all samples of the search."""
    search, _, held_out = split(config.split_seed)
    return {"test/acc": float(forest(config).fit(*search).score(*held_out))}


def forest(cfg: DictConfig) -> RandomForestClassifier:
    return RandomForestClassifier(cfg.n_estimators, max_depth=cfg.max_depth, random_state=cfg.seed)


def split(seed: int) -> tuple[Samples, Samples, Samples]:
    """Return 60 % of the samples for the search, 20 % that nothing uses here, 20 % for the test."""
    inputs, targets = load_digits(return_X_y=True)
    search, others = train_test_split(np.arange(len(inputs)), test_size=0.4, random_state=seed)
    val, held_out = train_test_split(others, test_size=0.5, random_state=seed)
    return (inputs[search], targets[search]), (inputs[val], targets[val]), (inputs[held_out], targets[held_out])


if __name__ == "__main__":
    main()
