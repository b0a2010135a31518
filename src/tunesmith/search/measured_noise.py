"""How far chance moves a trial's value: from repeats of configurations, or from the samples of a part."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from omegaconf import DictConfig, OmegaConf
from optuna.study import StudyDirection

from tunesmith import run_folder
from tunesmith.insight.means import share_se
from tunesmith.insight.study_checks.trials import Score
from tunesmith.search import results
from tunesmith.search.space.space import REPEATS
from tunesmith.search.study.trial import Attempt, State

ACCURACY, LOSS = "val/acc", "val/loss"
MIN_FREEDOM = 3


def noise_of_repeats(attempts: Sequence[Attempt], direction: StudyDirection) -> float | None:
    """Return the standard deviation of values within configurations that ran with several seeds.

    Pooled: sqrt(sum of squared distances from the mean of the configuration / sum of (repeats - 1)); None from less
    than three degrees of freedom.
    """
    groups: dict[str, dict[Any, float]] = defaultdict(dict)
    for attempt in attempts:
        params = attempt.params
        value = attempt.value(direction) if attempt.state is State.COMPLETE else None
        if REPEATS in params and value is not None:
            seed = params.pop(REPEATS)
            groups[repr(sorted(params.items()))].setdefault(seed, value)
    freedom = sum(len(values) - 1 for values in groups.values())
    if freedom < MIN_FREEDOM:
        return None
    means = {name: fmean(values.values()) for name, values in groups.items()}
    squares = sum((value - means[name]) ** 2 for name, values in groups.items() for value in values.values())
    return math.sqrt(squares / freedom)


def noise_of_score(folder: Path, found: Mapping[str, Any], score: Score | None) -> float | None:
    """Return the standard error of the values if they are the accuracies of the score, else None."""
    is_value = score is not None and score.name == "accuracy" and metric_of(folder, found) == ACCURACY
    return score.validation_se if is_value and score is not None else None


def score_of(folder: Path, found: Mapping[str, Any], config: DictConfig | None) -> Score | None:
    """Return the best trial's accuracy on both parts, or else its loss; None if that or its errors are not known.

    The error of a loss is that which the evaluation has found on the test part; on the validation part it is that of
    as many such samples.
    """
    sizes = _sizes(folder, found, config)
    if sizes is None:
        return None
    (validation, test), (of_validation, of_test) = _values(folder, found, ACCURACY), sizes
    if validation is not None and test is not None:
        errors = share_se(validation, of_validation), share_se(test, of_test)
        return Score("accuracy", validation, test, *errors, is_higher_better=True)
    return _loss_score(folder, found, sizes)


def standard_error(folder: Path, found: Mapping[str, Any], config: DictConfig | None) -> float | None:
    """Return the standard error of the best value if it is an accuracy or a loss; None if it is not known.

    found: what optimization_results.yaml says of the best trial and its test metrics; config: the best trial's.
    """
    metric, sizes = metric_of(folder, found), _sizes(folder, found, config)
    if sizes is None or metric not in (ACCURACY, LOSS):
        return None
    if metric == ACCURACY:
        value = _validation_value(folder, found, ACCURACY)
        return None if value is None or not 0 <= value <= 1 else share_se(value, sizes[0])
    score = _loss_score(folder, found, sizes)
    return None if score is None else score.validation_se


def _loss_score(folder: Path, found: Mapping[str, Any], sizes: tuple[float, float]) -> Score | None:
    of_validation, of_test = sizes
    (validation, test), error = _values(folder, found, LOSS), _test_facts(folder, found).get("loss_se")
    if validation is None or test is None or not (isinstance(error, float) and math.isfinite(error)):
        return None
    return Score("loss", validation, test, error * math.sqrt(of_test / of_validation), error, is_higher_better=False)


def _values(folder: Path, found: Mapping[str, Any], metric: str) -> tuple[float | None, float | None]:
    """Return a metric of the best trial on the validation part, and on the test part."""
    test = (found.get("test") or {}).get(metric.replace("val/", "test/"))
    return (_validation_value(folder, found, metric), test) if isinstance(test, float) else (None, None)


def _sizes(folder: Path, found: Mapping[str, Any], config: DictConfig | None) -> tuple[float, float] | None:
    """Return about how many samples the validation part (all folds) and the test part have, as data cuts them."""
    if config is None:
        return None
    num = _test_facts(folder, found).get("samples")
    keys = ("data.test_fraction", "data.val_fraction", "data.folds")
    test, validation, folds = (OmegaConf.select(config, key, default=None) for key in keys)
    if not (isinstance(num, int) and num > 0 and isinstance(test, float) and isinstance(validation, float)):
        return None
    share = 1 - test if folds else validation
    return num * share / test, float(num)


def _test_facts(folder: Path, found: Mapping[str, Any]) -> dict[str, Any]:
    best = results.find_best(folder, found)
    path = None if best is None else best / run_folder.TEST_FILE
    return run_folder.read_yaml(path) if path is not None and path.is_file() else {}


def metric_of(folder: Path, found: Mapping[str, Any]) -> str | None:
    """Return the name of the metric that the best trial's value is of; None if its folder does not say."""
    result = _result(folder, found)
    return None if result is None else result.get("metric")


def _validation_value(folder: Path, found: Mapping[str, Any], metric: str) -> float | None:
    """Return a metric of the best trial at the epoch that its value is of."""
    result = _result(folder, found)
    if result is None:
        return None
    if result.get("metric") == metric:
        return float(found["best_value"])
    path = folder / str(found["best_dir"]) / run_folder.METRICS_FILE
    if not path.is_file():
        return None
    with path.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row.get("epoch") == str(result.get("epoch"))]
    text = rows[-1].get(metric) if rows else None
    return float(text) if text else None


def _result(folder: Path, found: Mapping[str, Any]) -> dict[str, Any] | None:
    best = results.find_best(folder, found)
    path = None if best is None else best / run_folder.RESULT_FILE
    return run_folder.read_yaml(path) if path is not None and path.is_file() else None
