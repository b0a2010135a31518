"""What a plain run keeps of its validation part: checked against the run's own metrics and the source's samples."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engines import ENGINES, by_engine
from engines import train as train_as_run
from listener import Listener
from tiny import composed, small
from torch import Tensor

from tunesmith.data.arrays import Arrays
from tunesmith.data.sources.sklearn_dataset import SklearnDataset
from tunesmith.insight.part_outputs import PartOutputs, read_part_outputs
from tunesmith.reporting import hand_over
from tunesmith.run_folder import TEST_OUTPUTS_FILE, VAL_OUTPUTS_FILE, read_yaml
from tunesmith.run_metrics import best_rows
from tunesmith.training import kept_outputs
from tunesmith.training.evaluation import evaluate
from tunesmith.training.learner import Supervised

# A rate at which the best epoch is not the last one.
HOT = ("report=true", "trainer.max_epochs=4", "optimizer.lr=0.1")
QUICK = (
    "report=true",
    "trainer.max_epochs=1",
    "trainer.accelerator=cpu",
    "callbacks=none",
    "logger=none",
    "trainer.engine=lean",
)
LABELS = ("data=npz", "loss=bce")


def kept(folder: Path, *typed: str, engine: str = "lean") -> PartOutputs:
    train_as_run(folder, by_engine(engine, small(*HOT, *typed)))
    part = read_part_outputs(folder / VAL_OUTPUTS_FILE)
    assert part is not None
    return part


def best(folder: Path, metric: str) -> float:
    return float(best_rows(folder, read_yaml(folder / "result.yaml"))[0][metric])


def source(name: str) -> Arrays:
    return SklearnDataset(name).load()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ["iris", "breast_cancer"])
def test_probabilities_are_those_of_the_best_weights(tmp_path: Path, engine: str, name: str) -> None:
    part = kept(tmp_path, f"data={name}", engine=engine)
    np.testing.assert_allclose(part.outputs.sum(1), 1, rtol=1e-6)
    assert part.losses.mean() == pytest.approx(best(tmp_path, "val/loss"), rel=1e-5)
    assert (part.predicted == part.targets).mean() == pytest.approx(best(tmp_path, "val/acc"))


@pytest.mark.parametrize("engine", ENGINES)
def test_numbers_are_in_the_unit_of_the_target(tmp_path: Path, engine: str) -> None:
    part = kept(tmp_path, "data=diabetes", engine=engine)
    errors = part.outputs - part.targets
    assert np.sqrt(np.square(errors).mean()) == pytest.approx(best(tmp_path, "val/rmse"), rel=1e-5)
    np.testing.assert_allclose(part.targets[:, 0], source("diabetes").targets[part.indices], rtol=1e-6)


@pytest.mark.parametrize("precision", ["64-true", "bf16-true"])
def test_weights_of_another_type_have_outputs(tmp_path: Path, precision: str) -> None:
    part = kept(tmp_path, "data=iris", f"trainer.precision={precision}", engine="lightning")
    assert part.losses.mean() == pytest.approx(best(tmp_path, "val/loss"), rel=0.05)


def test_samples_can_be_found_in_the_source(tmp_path: Path) -> None:
    arrays, part = source("iris"), kept(tmp_path, "data=iris")
    np.testing.assert_array_equal(part.targets, arrays.targets[part.indices])
    assert part.columns.tolist() == list(arrays.columns)
    rows = np.array(part.rows, float)
    np.testing.assert_allclose(rows, np.asarray(arrays.inputs)[part.indices[part.worst]], rtol=1e-4)


def test_pictures_are_those_of_the_source(tmp_path: Path) -> None:
    part = kept(tmp_path, "data=digits")
    shown = np.asarray(source("digits").inputs)[part.indices[part.worst]]
    np.testing.assert_allclose(part.pictures, shown, atol=1e-4)


def test_labels_have_probabilities(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    inputs = random.normal(size=(200, 3))
    np.savez(tmp_path / "a.npz", inputs=inputs, targets=(inputs[:, :2] > 0).astype(np.float32))
    part = kept(tmp_path / "run", *LABELS, f"data.path={tmp_path / 'a.npz'}")
    assert part.kind == "labels"
    assert part.losses.mean() == pytest.approx(best(tmp_path / "run", "val/loss"), rel=1e-5)
    assert ((part.outputs > 0.5) == part.targets).mean() == pytest.approx(best(tmp_path / "run", "val/acc"))


def test_of_a_large_part_some_samples_are_kept_from_its_begin_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = kept(tmp_path / "whole", "data=iris")
    monkeypatch.setattr(kept_outputs, "MAX_SAMPLES", 7)
    part = kept(tmp_path / "part", "data=iris")
    assert (len(part.indices), part.num_samples) == (7, len(whole.indices))
    places = [whole.indices.tolist().index(index) for index in part.indices]
    assert (places[0], places[-1]) == (0, len(whole.indices) - 1)
    np.testing.assert_allclose(part.outputs, whole.outputs[places], rtol=1e-5)


@pytest.mark.parametrize("typed", [("report=false",), ("data.folds=2",)], ids=" ".join)
def test_others_keep_nothing(tmp_path: Path, typed: tuple[str, ...]) -> None:
    train_as_run(tmp_path, small("data=iris", *HOT, *typed))
    assert not list(tmp_path.rglob("*.npz"))


@pytest.mark.parametrize(
    "typed",
    [
        ("learner=denoiser", "model=pixels", "data=digits"),
        ("data=mnist_5k", "data.targets=inputs", "model.shape=[784,2,784]", "data.fraction=0.05"),
    ],
    ids=["a step of its own", "more numbers than a page shows"],
)
def test_what_no_page_shows_is_not_kept(tmp_path: Path, typed: tuple[str, ...]) -> None:
    train_as_run(tmp_path, composed(*QUICK, *typed))
    assert not list(tmp_path.rglob("*.npz"))


def test_a_trial_keeps_nothing(tmp_path: Path) -> None:
    with hand_over(reporter := Listener()):
        train_as_run(tmp_path, small(*HOT, "data=iris"), reporter)
    assert not list(tmp_path.rglob("*.npz"))


class Mute(Supervised):
    """A learner that can be trained, and fails as soon as it is asked for outputs alone."""

    def predict(self, batch: Any) -> Tensor:
        raise ValueError("no outputs\nby themselves")


@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_whose_outputs_cannot_be_had_says_so_and_ends_well(
    tmp_path: Path, engine: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        train_as_run(tmp_path, by_engine(engine, small(*HOT, "data=iris", f"learner._target_={__name__}.Mute")))
    assert read_yaml(tmp_path / "result.yaml")["state"] == "COMPLETE"
    assert "the outputs of the validation part are not kept: no outputs by themselves" in caplog.text


@pytest.mark.parametrize("folds", ["null", "2"])
def test_an_evaluation_keeps_the_test_part(tmp_path: Path, folds: str) -> None:
    train_as_run(tmp_path, small(*HOT, "data=diabetes", f"data.folds={folds}"))
    metrics = evaluate(tmp_path)
    part = read_part_outputs(tmp_path / TEST_OUTPUTS_FILE)
    assert part is not None
    errors = part.outputs - part.targets
    assert np.sqrt(np.square(errors).mean()) == pytest.approx(metrics["test/rmse"], rel=1e-5)
    np.testing.assert_allclose(part.targets[:, 0], source("diabetes").targets[part.indices], rtol=1e-6)
