"""The objective: which of two values is better, and the best one of a run."""

from __future__ import annotations

import math
import re

import pytest
from omegaconf import OmegaConf

from tunesmith.errors import UserError
from tunesmith.objective import BestSoFar, Objective, known_mode, mode_of, read_objectives

LOSS = Objective("val/loss", "min")
ACCURACY = Objective("val/acc", "max")


@pytest.mark.parametrize(
    ("objective", "value", "than", "is_better"),
    [
        pytest.param(LOSS, 0.1, 0.2, True, id="min: less"),
        pytest.param(LOSS, 0.2, 0.1, False, id="min: more"),
        pytest.param(LOSS, 0.1, 0.1, False, id="min: equal"),
        pytest.param(LOSS, math.nan, 0.1, False, id="min: nan"),
        pytest.param(ACCURACY, 0.2, 0.1, True, id="max: more"),
        pytest.param(ACCURACY, 0.1, 0.2, False, id="max: less"),
        pytest.param(ACCURACY, 0.1, 0.1, False, id="max: equal"),
        pytest.param(ACCURACY, math.nan, 0.1, False, id="max: nan"),
    ],
)
def test_is_better(objective: Objective, value: float, than: float, is_better: bool) -> None:
    assert objective.is_better(value, than) is is_better


@pytest.mark.parametrize(
    ("objective", "values", "best", "epoch"),
    [
        pytest.param(LOSS, [3.0, 1.0, 2.0], 1.0, 2, id="min"),
        pytest.param(ACCURACY, [1.0, 3.0, 2.0], 3.0, 2, id="max"),
        pytest.param(LOSS, [1.0, 1.0], 1.0, 1, id="the first of equals"),
        pytest.param(LOSS, [math.nan, 2.0], 2.0, 2, id="nan first"),
        pytest.param(LOSS, [2.0, math.nan], 2.0, 1, id="nan last"),
        pytest.param(ACCURACY, [-5.0, -7.0], -5.0, 1, id="max below zero"),
    ],
)
def test_best_of_a_run(objective: Objective, values: list[float], best: float, epoch: int) -> None:
    so_far = BestSoFar(objective)
    for number, value in enumerate(values, start=1):
        so_far.update(value, number)
    assert (so_far.value, so_far.epoch) == (best, epoch)


@pytest.mark.parametrize("value", [math.nan, math.inf], ids=str)
def test_a_value_that_is_none_is_no_best(value: float) -> None:
    so_far = BestSoFar(LOSS)
    assert not so_far.update(value, 1)
    assert so_far.epoch == 0


def test_update_says_whether_the_epoch_is_the_best() -> None:
    so_far = BestSoFar(LOSS)
    assert [so_far.update(value, epoch) for epoch, value in enumerate([2.0, 3.0, 1.0], start=1)] == [True, False, True]


def test_a_resumed_best_is_compared_with_what_was_saved() -> None:
    before, after = BestSoFar(LOSS), BestSoFar(LOSS)
    before.update(0.5, 3)
    after.load_state_dict(before.state_dict())
    assert not after.update(0.6, 4)
    assert (after.value, after.epoch) == (0.5, 3)


# modes


LESS = (
    *("val/loss", "val_loss", "val/loss_epoch", "train_loss_step", "val/loss/dataloader_idx_1", "loss/val", "valLoss"),
    *("val/rmse", "train/MAE", "val/mse", "val/error", "val/top1_error", "val/MeanSquaredError", "val.loss", "loss2"),
)
MORE = (
    *("val/acc", "valid_acc_step", "val/accuracy", "val/top5_acc", "val/top5", "val/acc@5", "Accuracy/train"),
    *("val/f1", "val/f1/dataloader_idx_0", "val/macro_f1", "val/f1_macro", "val/f1_score", "val/MulticlassF1Score"),
    *("val/auroc", "val/AUROC", "val/roc_auc", "val/r2", "val/R2Score", "val/recall", "val/average_precision"),
)
UNKNOWN = (
    *("lr", "lr-Adam", "lr-SGD/pg1", "epoch", "step", "train/step", "val/score", "val/bleu", "val/f2", "val/topk"),
    *(
        "val/neg_loss",
        "val/negative_mean_squared_error",
        "val/1-acc",
        "val/-loss",
        "-val/loss",
        "val/minus_acc",
        "val/glossary",
        "val/loss_std",
        "",
    ),
)


@pytest.mark.parametrize(
    ("metric", "mode"),
    [*((name, "min") for name in LESS), *((name, "max") for name in MORE), *((name, None) for name in UNKNOWN)],
)
def test_the_last_word_of_a_metrics_name_tells_its_mode(metric: str, mode: str | None) -> None:
    assert known_mode(metric) == mode


@pytest.mark.parametrize(
    ("metric", "hint"),
    [
        pytest.param("val/bleu", "", id="a metric that nobody knows"),
        pytest.param("lr", "", id="the learning rate"),
        pytest.param("val/los", "; did you mean val/loss?", id="a misspelled one"),
        pytest.param("accu", "; did you mean acc?", id="one without a part"),
    ],
)
def test_of_another_metric_the_mode_has_to_be_said(metric: str, hint: str) -> None:
    message = (
        f"objective.mode must be given with objective.metric={metric}, whose name does not tell whether less or more "
        f"of it is better; got none: add objective.mode=min or objective.mode=max{hint}"
    )
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        mode_of(metric)


def test_a_config_names_the_mode_by_its_metric_and_a_typed_mode_replaces_it() -> None:
    cfg = OmegaConf.create({"metric": "val/acc", "mode": "${mode_of:${metric}}", "other": {"mode": "${mode}"}})
    assert cfg.other.mode == "max"
    cfg.mode = "min"  # as configs have it that were written before there was this
    assert cfg.other.mode == "min"


def test_the_step_is_known_if_there_is_one() -> None:
    """Without steps the state is that of version 0.1.0."""
    so_far = BestSoFar(LOSS)
    so_far.update(0.5, 1)
    assert so_far.state_dict() == {"value": 0.5, "epoch": 1}
    so_far.update(0.25, 2, step=10)
    other = BestSoFar(LOSS)
    other.load_state_dict(so_far.state_dict())
    assert (other.value, other.epoch, other.step) == (0.25, 2, 10)


# further objectives


def objectives(others: object) -> tuple[Objective, ...]:
    return read_objectives(OmegaConf.create({"objective": {"metric": "val/acc", "mode": "max", "others": others}}))


def test_further_objectives_are_names_or_nodes() -> None:
    bleu = {"metric": "val/bleu", "mode": "max"}
    assert objectives(["parameters", "val/loss", bleu]) == (
        Objective("val/acc", "max"),
        Objective("parameters", "min"),
        Objective("val/loss", "min"),
        Objective("val/bleu", "max"),
    )
    assert objectives([]) == objectives(None) == (Objective("val/acc", "max"),)


@pytest.mark.parametrize(
    ("others", "rule"),
    [
        pytest.param(["val/bleu"], "must be metrics whose names tell whether .*; got val/bleu", id="no mode"),
        pytest.param([{"metric": "a", "mode": "up"}], "must be metrics whose names tell .*; got ", id="another mode"),
        pytest.param([{"metric": "val/acc", "sign": 1}], "must be metrics whose names .*; got ", id="another key"),
        pytest.param([3], "must be metrics whose names tell .*; got 3", id="a number"),
        pytest.param("parameters", "must be a list of metrics, such as .*; got 'parameters'", id="no list"),
        pytest.param(["val/acc"], "must be metrics other than .*; got val/acc twice", id="the first once more"),
        pytest.param(["val/f1", "val/f1"], "must be metrics other than .*; got val/f1 twice", id="one twice"),
    ],
)
def test_other_things_are_no_further_objectives(others: object, rule: str) -> None:
    with pytest.raises(UserError, match=f"^objective.others {rule}"):
        objectives(others)


def test_a_study_has_a_direction_for_each_objective() -> None:
    cfg = OmegaConf.create({"others": [], "direction": "${directions:max,${others}}"})
    assert cfg.direction == "max"
    cfg.others = ["parameters"]
    assert list(cfg.direction) == ["max", "min"]
