"""A linear model is fitted on the splits of a run, and scored as the run is."""

from __future__ import annotations

from statistics import fmean

import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from tiny import composed, small

from tunesmith.data.array_data import ArrayData
from tunesmith.training import linear_baseline
from tunesmith.training.learner_and_data import build_lean_learner
from tunesmith.training.linear_baseline import linear_metrics


def test_classes_get_the_accuracy_of_logistic_regression() -> None:
    splits = build_lean_learner(small("data=wine"))[0].splits
    train, val = splits.train, splits.val
    own = LogisticRegression(max_iter=200).fit(train.inputs[:].numpy(), train.targets[:].numpy())
    found = linear_metrics(small("data=wine"))
    assert found["val/acc"] == pytest.approx(own.score(val.inputs[:].numpy(), val.targets[:].numpy()))
    assert 0 < found["val/loss"] < 0.2


def test_two_classes_have_one_output_of_the_net_and_two_here() -> None:
    assert linear_metrics(small("data=breast_cancer"))["val/acc"] > 0.95


def rmse(data: ArrayData) -> float:
    train, val = data.splits.train, data.splits.val
    own = Ridge().fit(train.inputs[:].numpy(), train.targets[:].numpy())
    error = own.predict(val.inputs[:].numpy()) - val.targets[:].numpy()
    return float((error**2).mean() ** 0.5) * data.target_scale


def test_numbers_get_the_error_of_ridge_regression_in_their_own_unit() -> None:
    cfg = small("data=diabetes")
    assert linear_metrics(cfg)["val/rmse"] == pytest.approx(rmse(build_lean_learner(cfg)[0]), rel=1e-4)


def test_over_folds_it_is_the_mean() -> None:
    cfg = small("data=diabetes", "data.folds=3")
    folds = [rmse(build_lean_learner(cfg, fold)[0]) for fold in range(3)]
    assert linear_metrics(cfg)["val/rmse"] == pytest.approx(fmean(folds), rel=1e-4)


def test_metrics_of_the_group_are_scored_too() -> None:
    assert 0.9 < linear_metrics(small("data=wine", "metrics=f1"))["val/f1"] <= 1


@pytest.mark.parametrize(
    "overrides",
    [
        ("data=wine", "model=linear"),
        ("data=digits", "learner=autoencoder", "model=bottleneck"),
        ("data=none", "model=linear"),
    ],
    ids=["is linear itself", "no supervised learner", "no data"],
)
def test_what_it_cannot_be_compared_with_has_none(overrides: tuple[str, ...]) -> None:
    assert linear_metrics(composed(*overrides)) == {}


def test_data_that_would_take_long_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear_baseline, "MAX_SIZE", 106 * 13 * 3 - 1)  # samples, features and classes of wine
    assert linear_metrics(small("data=wine")) == {}
