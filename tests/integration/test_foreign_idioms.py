"""Learners and data that are not ours, one of each idiom: trained, interrupted within an epoch, resumed, tested."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import torch
from foreign.cases import DATA, LEARNERS, UNKNOWN, Case, case
from foreign.idioms import WithNet, make_net
from foreign.runs import EPOCHS, interrupted_and_resumed, trained
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tunesmith.errors import NothingToEvaluate
from tunesmith.run_folder import CONFIG_FILE, METRICS_FILE, read_metrics, read_yaml
from tunesmith.training.evaluation import evaluate

# What Lightning says of loaders that are given on purpose.
pytestmark = [
    pytest.mark.filterwarnings("ignore:You defined a `validation_step` but have no `val_dataloader`"),
    pytest.mark.filterwarnings("ignore:Checkpoint directory .* exists and is not empty"),
    pytest.mark.filterwarnings("ignore:Attribute 'net' is an instance of `nn.Module` and is already saved"),
    pytest.mark.filterwarnings("ignore:Total length of `list` across ranks is zero"),
]


# Each has a neighbour with the same idiom that is not slow.
SLOW = (
    "workers, augmentation",
    "a generator",
    "template, compiled",
    "averaged weights",
    "float64, averaged",
    "bfloat16",
)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in (*LEARNERS, *DATA)],
)
def test_it_trains_resumes_to_the_same_numbers_and_is_evaluated(name: str, tmp_path: Path) -> None:
    one = {**LEARNERS, **DATA}[name]
    result = trained(one, tmp_path / "a")
    assert (result["state"], result["epochs"]) == ("COMPLETE", EPOCHS)
    torch.load(tmp_path / "a" / "checkpoints" / "best.ckpt", weights_only=True)
    interrupted_and_resumed(one, tmp_path / "b")
    first, second = ((tmp_path / run / METRICS_FILE).read_text() for run in ("a", "b"))
    assert first == second
    if one.test:
        assert evaluate(tmp_path / "a") == evaluate(tmp_path / "b") == read_yaml(tmp_path / "a" / "test.yaml")
        assert tuple(read_yaml(tmp_path / "a" / "test.yaml")) == one.test
    elif name in LEARNERS:
        with pytest.raises(NothingToEvaluate, match=r"^(\w+ has no test_step|the test_step of \w+ logs nothing)"):
            evaluate(tmp_path / "a")


@pytest.mark.parametrize(
    "name", [pytest.param("persistent workers", marks=pytest.mark.slow), "a sampler's hidden generator"]
)
def test_what_cannot_be_known_is_one_line_at_resume(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one, reason = UNKNOWN[name]
    with caplog.at_level(logging.WARNING):
        interrupted_and_resumed(one, tmp_path)
    (line,) = [message for message in caplog.messages if message.startswith("resumed")]
    assert line.startswith(f"resumed, perhaps not to the numbers of an unbroken run: {reason}")


def test_what_learner_and_data_keep_in_checkpoints_is_there_at_the_evaluation(tmp_path: Path) -> None:
    """The best epoch is the first one: 4 batches; a scale that is not loaded would be 1."""
    one = case("remembers", "scaled", "objective.metric=train/seen", "objective.mode=min")
    trained(one, tmp_path / "a")
    with_scale = evaluate(tmp_path / "a")
    assert with_scale["test/seen"] == 4
    trained(case("remembers", "points", "objective.metric=train/seen", "objective.mode=min"), tmp_path / "b")
    (tmp_path / "a" / CONFIG_FILE).write_text((tmp_path / "b" / CONFIG_FILE).read_text())
    assert evaluate(tmp_path / "a")["test/loss"] != with_scale["test/loss"]


# columns


def columns(one: Case, folder: Path, *typed: str) -> list[str]:
    trained(one, folder, *typed, "trainer.max_epochs=1")
    return list(read_metrics(folder)[0])[1:]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("logs by step", ["train/step", "train/both", "train/some", "val/loss", "train/epoch"]),
        ("logs late", ["late/batch", "val/loss", "late/loss", "late/epoch"]),
        ("several validation loaders", ["val/loss/dataloader_idx_0", "val/loss/dataloader_idx_1", "train/loss"]),
        ("template", ["val/loss", "val/acc", "val/acc_best", "train/loss", "train/acc"]),
        ("gan", ["train/critic", "train/generator", "val/loss"]),
    ],
)
def test_a_column_is_an_epochs_value(name: str, expected: list[str], tmp_path: Path) -> None:
    assert columns(LEARNERS[name], tmp_path, "logger=tensorboard") == expected


def test_all_forms_of_a_value_are_those_of_their_own_epoch(tmp_path: Path) -> None:
    trained(LEARNERS["logs by step"], tmp_path)
    rows = read_metrics(tmp_path)
    assert all(row["train/step"] == row["train/both"] == row["train/epoch"] for row in rows)
    assert len({row["train/epoch"] for row in rows}) == EPOCHS


def test_curves_of_an_epoch_have_the_epoch_as_step_and_those_of_a_step_their_own(tmp_path: Path) -> None:
    trained(LEARNERS["no validation, own loaders"], tmp_path, "logger=tensorboard")
    curves = EventAccumulator(str(tmp_path)).Reload()
    by_epoch = curves.Scalars("train_loss_epoch")
    assert [one.step for one in by_epoch] == [1, 2, 3, 4]
    assert [one.value for one in by_epoch] == pytest.approx(
        [float(row["train_loss"]) for row in read_metrics(tmp_path)]
    )
    assert [one.step for one in curves.Scalars("train_loss")] == list(range(16))


# checkpoints


def test_a_checkpoint_names_what_it_leaves_out_and_the_learner_loads_with_it(tmp_path: Path) -> None:
    trained(LEARNERS["one cycle, net among hyperparameters, no forward"], tmp_path, "logger=tensorboard")
    path = tmp_path / "checkpoints" / "best.ckpt"
    assert torch.load(path, weights_only=True)["hyper_parameters_left_out"] == ["net", "optimizer"]
    module = WithNet.load_from_checkpoint(path, net=make_net(), optimizer=torch.optim.Adam)
    assert module.hparams["widths"] == [16, 2]
    torch.testing.assert_close(module.state_dict(), torch.load(path, weights_only=True)["state_dict"])


def test_of_stopping_and_of_checkpoints_the_learners_own_act(tmp_path: Path) -> None:
    result = trained(case("own_callbacks", "points"), tmp_path, "callbacks=default")
    assert result["epochs"] == 2
    files = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.ckpt")}
    assert files == {"checkpoints/best.ckpt", "model_checkpoints/epoch=0-step=4.ckpt"}


@pytest.mark.parametrize("learner", ["plain", "late_layers", "compiled"])
def test_weights_start_a_run(learner: str, tmp_path: Path) -> None:
    trained(case("tested", "points", "learner.lr=0.1"), tmp_path / "first")
    best = tmp_path / "first" / "checkpoints" / "best.ckpt"
    one = case(learner, "points", "learner.lr=1e-9", "trainer.max_epochs=1")
    cold, warm = (trained(one, tmp_path / run, typed) for run, typed in (("a", "seed=0"), ("b", f"weights={best}")))
    assert warm["value"] == pytest.approx(read_yaml(tmp_path / "first" / "result.yaml")["value"], abs=0.1)
    assert warm["value"] < cold["value"] - 0.1


# Lightning's demos


def test_lightning_lstm_runs_by_yaml_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "wikitext-2.txt").write_text("a rose is a rose is a rose " * 150)
    monkeypatch.chdir(tmp_path)
    trained(
        case("lstm", "none", metric="train_loss"), tmp_path, "trainer.max_epochs=1", "+trainer.limit_train_batches=2"
    )
    assert list(read_metrics(tmp_path)[0]) == ["epoch", "train_loss"]


@pytest.mark.parametrize("name", ["BoringDataModule", "BoringDataModuleNoLen"])
def test_lightnings_boring_data_modules_run(name: str, tmp_path: Path) -> None:
    target = f"data._target_=lightning.pytorch.demos.boring_classes.{name}"
    assert columns(case("boring", "boring", target, "+trainer.limit_train_batches=4"), tmp_path) == ["val/loss"]
