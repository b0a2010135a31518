"""scripts/diagnosis_evidence/anchors.py: what other tools' rules say of hand-made trainings."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

import pytest
from conftest import ROOT

from tunesmith.insight.diagnosis.training_facts import LayerRow, TrainingFacts

sys.path.append(str(ROOT / "scripts" / "diagnosis_evidence"))
from anchors import ANCHORS

EPOCHS = 12
CONFIG = {"trainer": {"max_epochs": EPOCHS}, "model": {"activation": "relu"}}


def course(**columns: Callable[[int], float]) -> list[dict[str, float]]:
    """Return the rows of metrics.csv: losses that fall to .2 and accuracies that rise to .9, but for the columns."""
    smooth: dict[str, Callable[[int], float]] = {
        "train_loss": lambda epoch: 0.2 + 1 / epoch,
        "val_loss": lambda epoch: 0.21 + 1 / epoch,
        "train_acc": lambda epoch: 0.92 - 0.6 / epoch,
        "val_acc": lambda epoch: 0.9 - 0.6 / epoch,
    }
    all_columns = {**smooth, **columns}
    return [
        {name.replace("_", "/"): value(epoch) for name, value in all_columns.items()} for epoch in range(1, EPOCHS + 1)
    ]


def layers(first: Mapping[str, float], last: Mapping[str, float] | None = None) -> list[LayerRow]:
    """Return the rows of layers.csv: two layers, of which each epoch shows the same."""
    calm = {"grad_norm": 0.5, "weight_norm": 5.0, "update_ratio": 0.004, "dead_share": 0.0}
    return [
        LayerRow(epoch=epoch, layer=name, **{**calm, **values})
        for epoch in range(EPOCHS + 1)
        for name, values in (("first", first), ("last", last or {}))
    ]


def names(tool: str, facts: TrainingFacts) -> list[str]:
    return [alarm.name for alarm in ANCHORS[tool](facts)]


CALM = TrainingFacts(
    config=CONFIG, epochs=course(), layers=layers({}), data={"inputs": {"abs_max": 0.9, "mean": 0.0}}, state="COMPLETE"
)


def changed(**fields: object) -> TrainingFacts:
    return TrainingFacts(**{**vars(CALM), **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize("tool", ["UMLAUT", "SageMaker Debugger", "AutoTrainer"])
def test_a_smooth_training_of_small_inputs_raises_no_alarm(tool: str) -> None:
    assert names(tool, CALM) == []


@pytest.mark.parametrize("tool", ["UMLAUT", "SageMaker Debugger", "AutoTrainer"])
def test_a_run_without_any_record_raises_no_alarm(tool: str) -> None:
    assert names(tool, TrainingFacts()) == []


@pytest.mark.parametrize(
    ("facts", "alarm"),
    [
        pytest.param({"data": {"inputs": {"abs_max": 3.2}}}, "input data exceeds typical limits", id="inputs"),
        pytest.param({"state": "FAIL", "reason": "val/loss was nan at epoch 12"}, "NaN in loss", id="nan"),
        pytest.param(
            {"epochs": course(val_loss=lambda epoch: 0.21 + 1 / epoch + 0.1 * (epoch == 9))},
            "possible overfitting",
            id="one rise of the validation loss",
        ),
        pytest.param(
            {"epochs": course(val_acc=lambda epoch: 0.93)}, "overconfident validation accuracy", id="val above train"
        ),
    ],
)
def test_umlaut(facts: dict[str, object], alarm: str) -> None:
    assert names("UMLAUT", changed(**facts)) == [alarm]


@pytest.mark.parametrize(
    ("facts", "alarm"),
    [
        pytest.param({"data": {"inputs": {"mean": 0.5}}}, "CheckInputImages", id="inputs"),
        pytest.param({"layers": layers({"grad_norm": float("nan")})}, "ExplodingTensor", id="nan"),
        pytest.param({"layers": layers({"weight_norm": 0.0})}, "AllZero", id="zeros"),
        pytest.param({"layers": layers({"dead_share": 0.6})}, "DeadRelu", id="dead"),
        pytest.param({"layers": layers({"grad_norm": 1e-7})}, "VanishingGradient", id="vanishing"),
        pytest.param({"layers": layers({"update_ratio": 20.0})}, "WeightUpdateRatio, large", id="large steps"),
        pytest.param({"layers": layers({"update_ratio": 5e-6})}, "UnchangedTensor", id="small steps"),
        pytest.param({"epochs": course(train_loss=lambda epoch: 2.0)}, "LossNotDecreasing", id="flat"),
        pytest.param({"epochs": course(val_loss=lambda epoch: 0.3 + 1 / epoch)}, "Overfit", id="gap"),
        pytest.param({"data": {"classes": {"train": [110, 10]}}}, "ClassImbalance", id="classes"),
    ],
)
def test_sagemaker(facts: dict[str, object], alarm: str) -> None:
    assert names("SageMaker Debugger", changed(**facts)) == [alarm]


def test_sagemaker_calls_a_training_too_long_if_neither_loss_falls_for_long() -> None:
    flat = course(train_loss=lambda epoch: 1 - 1e-3 * epoch, val_loss=lambda epoch: 1 - 1e-3 * epoch)

    assert names("SageMaker Debugger", changed(epochs=flat)) == ["Overtraining"]


SLOW = course(train_acc=lambda epoch: 0.3, val_acc=lambda epoch: 0.3)


@pytest.mark.parametrize(
    ("facts", "alarm"),
    [
        pytest.param({"state": "FAIL", "reason": "val/loss was nan"}, "exploding gradient", id="nan"),
        pytest.param({"epochs": SLOW}, "slow convergence", id="flat accuracy"),
        pytest.param(
            {"epochs": SLOW, "layers": layers({"dead_share": 0.9}, {"dead_share": 0.9})}, "dying ReLU", id="dead"
        ),
        pytest.param(
            {"epochs": SLOW, "layers": layers({"grad_norm": 80.0}, {"grad_norm": 1.0})},
            "exploding gradient",
            id="explodes",
        ),
        pytest.param({"epochs": SLOW, "layers": layers({"grad_norm": 1e-5})}, "vanishing gradient", id="vanishes"),
        pytest.param(
            {"epochs": course(train_acc=lambda epoch: 0.9 - 0.2 * (epoch % 2))}, "oscillating loss", id="oscillates"
        ),
    ],
)
def test_autotrainer(facts: dict[str, object], alarm: str) -> None:
    assert names("AutoTrainer", changed(**facts)) == [alarm]


def test_autotrainer_sees_nothing_of_a_training_that_predicts_numbers() -> None:
    numbers = [{"train/loss": 1.0, "val/loss": 1.0, "val/rmse": 1.0}] * EPOCHS

    assert names("AutoTrainer", changed(epochs=numbers)) == []
