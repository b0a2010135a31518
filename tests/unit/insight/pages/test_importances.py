"""Importances are those of Optuna's PED-ANOVA, without its imports."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import create_trial

from tunesmith.insight.pages.importances import best_trials, importances
from tunesmith.insight.pages.param_scale import make_scale

SPACE: dict[str, BaseDistribution] = {
    "lr": FloatDistribution(1e-4, 1.0, log=True),
    "dropout": FloatDistribution(0.0, 1.0),
    "layers": IntDistribution(1, 3),
    "units": IntDistribution(7, 500, log=True),
    "optimizer": CategoricalDistribution(["adam", "sgd", "[1,2]"]),
    "momentum": FloatDistribution(0.5, 0.99),
}


def sampled(num: int) -> tuple[list[dict[str, Any]], list[float]]:
    """Parameters and losses of trials; momentum varies with sgd alone."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=num))
    params, losses = [], []
    for _ in range(num):
        values = dict(study.ask(SPACE).params)
        if values["optimizer"] != "sgd":
            del values["momentum"]
        params.append(values)
        losses.append(float(np.log10(values["lr"]) ** 2 + values["dropout"] + (values["optimizer"] == "sgd")))
    return params, losses


@pytest.mark.parametrize("num", [20, 60, 300])
def test_importances_are_those_of_optuna(num: int) -> None:
    params, losses = sampled(num)
    is_best = best_trials(losses)
    study = optuna.create_study()
    for values, loss in zip(params, losses, strict=True):
        study.add_trial(create_trial(params=values, distributions={key: SPACE[key] for key in values}, value=loss))
    evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=is_best.sum() / num)
    theirs = optuna.importance.get_param_importances(study, evaluator=evaluator)
    scales = [
        make_scale(key, [values[key] for values in params if key in values], getattr(each, "log", False), each)
        for key, each in SPACE.items()
    ]
    ours = importances(scales, params, is_best)
    assert ours == pytest.approx(theirs)
    assert next(iter(ours)) == "lr"


def test_a_parameter_of_one_trial_or_none_of_the_best_has_none() -> None:
    params = [{"a": 0.1}, {"a": 0.2}, {"a": 0.9}, {"a": 0.8, "b": 0.5}]
    scales = [make_scale(key, [0.0, 1.0], distribution=FloatDistribution(0.0, 1.0)) for key in "ab"]
    assert importances(scales, params, np.array([True, True, False, False])) == {"a": 1.0, "b": 0.0}


def test_if_no_parameter_matters_all_are_zero() -> None:
    params: list[dict[str, Any]] = [{"a": 0.5}] * 4
    assert importances([make_scale("a", [0.5])], params, np.array([True, True, False, False])) == {"a": 0.0}


@pytest.mark.parametrize(("num", "num_best"), [(3, 3), (20, 5), (80, 8), (81, 9)])
def test_the_best_are_a_tenth_and_at_least_five(num: int, num_best: int) -> None:
    assert best_trials(list(range(num))).sum() == num_best


def test_trials_that_tie_with_the_last_of_the_best_are_among_them() -> None:
    assert best_trials([0, 1, 2, 3, 4, 4, 4, 5]).sum() == 7


def test_a_page_imports_neither_scikit_learn_nor_pandas() -> None:
    code = (
        "import sys, tunesmith.insight.pages.study_page\n"
        "loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "print(sorted(loaded & {'sklearn', 'pandas', 'scipy', 'torch', 'matplotlib'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
