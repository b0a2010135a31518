"""The final evaluation: what it says of the test part, checked by hand."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from engines import BASE, OWN_MODEL, by_engine, train
from omegaconf import OmegaConf
from sklearn.metrics import accuracy_score, log_loss, precision_recall_fscore_support
from tiny import composed, older, small

from tunesmith.data import DataModule
from tunesmith.errors import UserError
from tunesmith.insight.calibration import calibration_error
from tunesmith.reporting import NoReporter
from tunesmith.run_folder import read_yaml
from tunesmith.training.cross_validation import cross_validate
from tunesmith.training.evaluation import evaluate
from tunesmith.training.fit import train_once
from tunesmith.training.learner_and_data import build_learner

# A name -> what is typed for the run.
RUNS = {
    "digits": ("data=digits",),
    "folds of digits": ("data=digits", "data.folds=3"),
    "two classes": ("data=breast_cancer", "data.class_weights=balanced"),
    "numbers": ("data=diabetes",),
    "folds of numbers": ("data=diabetes", "data.folds=3"),
}
Trained = Callable[[str], Path]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Train a run by its name, once; return its folder."""
    folders: dict[str, Path] = {}

    def train(name: str) -> Path:
        if name not in folders:
            folder = folders[name] = tmp_path_factory.mktemp("run")
            cfg = small(*RUNS[name], "trainer.max_epochs=3", "optimizer.lr=1e-2")
            (folder / ".hydra").mkdir()
            OmegaConf.save(cfg, folder / ".hydra" / "config.yaml")
            if cfg.data.folds is None:
                train_once(cfg, folder, NoReporter())
            else:
                cross_validate(cfg, folder, NoReporter(), is_resumed=False)
        return folders[name]

    return train


def by_hand(folder: Path, name: str, fold: int | None = None) -> tuple[DataModule, torch.Tensor]:
    """The data, and what the model of a run or of its fold puts out for the test part."""
    data, module = build_learner(small(*RUNS[name]), fold)
    saved = folder / ("" if fold is None else f"fold_{fold}") / "checkpoints" / "best.ckpt"
    module.load_state_dict(torch.load(saved, weights_only=True)["state_dict"])
    with torch.no_grad():
        return data, module.eval().model(data.splits.test.inputs).double()


# classes


def test_metrics_of_classes(trained: Trained) -> None:
    metrics = evaluate(trained("digits"))
    data, outputs = by_hand(trained("digits"), "digits")
    targets = data.splits.test.targets
    assert metrics["test/acc"] == pytest.approx(accuracy_score(targets, outputs.argmax(1)))
    assert metrics["test/loss"] == pytest.approx(log_loss(targets, outputs.softmax(1)), rel=1e-5)


def test_outputs_of_fold_models_are_averaged(trained: Trained) -> None:
    metrics = evaluate(trained("folds of digits"))
    parts = [by_hand(trained("folds of digits"), "folds of digits", fold) for fold in range(3)]
    targets = parts[0][0].splits.test.targets
    outputs = torch.stack([outputs for _, outputs in parts]).mean(0)
    assert metrics["test/acc"] == pytest.approx(accuracy_score(targets, outputs.argmax(1)))
    assert metrics["test/loss"] == pytest.approx(log_loss(targets, outputs.softmax(1)), rel=1e-5)


def test_two_classes_and_their_weights(trained: Trained) -> None:
    metrics = evaluate(trained("two classes"))
    data, outputs = by_hand(trained("two classes"), "two classes")
    targets, chances = data.splits.test.targets, outputs.squeeze(1).sigmoid()
    assert data.class_weights is not None
    weights = data.class_weights[targets]
    assert metrics["test/acc"] == pytest.approx(accuracy_score(targets, chances > 0.5))
    assert metrics["test/loss"] == pytest.approx(log_loss(targets, chances, sample_weight=weights), rel=1e-5)


def test_the_report_has_a_row_per_class_and_the_confusion_matrix(trained: Trained) -> None:
    folder = trained("digits")
    evaluate(folder)
    report, _, matrix = (folder / "test_report.txt").read_text().partition("\nconfusion matrix: ")
    data, outputs = by_hand(folder, "digits")
    targets, predicted = data.splits.test.targets.numpy(), outputs.argmax(1).numpy()
    scores = zip(*precision_recall_fscore_support(targets, predicted, zero_division=0), strict=True)
    expected = [[str(label), *(f"{score:.3f}" for score in row[:3]), str(row[3])] for label, row in enumerate(scores)]
    assert [line.split() for line in report.splitlines()[2:12]] == expected
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (targets, predicted), 1)
    rows = [[int(text) for text in line.split()[1:]] for line in matrix.splitlines()[2:]]
    assert rows == counts.tolist()


# numbers


@pytest.mark.parametrize(
    ("name", "folds"), [("numbers", [None]), ("folds of numbers", [0, 1, 2])], ids=["one model", "fold models"]
)
def test_rmse_is_in_the_targets_own_unit(trained: Trained, name: str, folds: list[int | None]) -> None:
    metrics = evaluate(trained(name))
    predicted, targets = [], []
    for fold in folds:
        data, outputs = by_hand(trained(name), name, fold)
        mean, scale = data.splits.target_mean, data.splits.target_scale
        predicted.append(outputs.squeeze(1) * scale + mean)
        targets.append(data.splits.test.targets.double() * scale + mean)
    errors = torch.stack(predicted).mean(0) - targets[0]
    torch.testing.assert_close(targets[0], targets[-1], rtol=1e-5, atol=1e-3)
    assert metrics["test/rmse"] == pytest.approx(errors.square().mean().sqrt().item(), rel=1e-5)
    assert 50 < metrics["test/rmse"] < 100  # of 25 to 346


@pytest.mark.parametrize("moved", ["x", "y"], ids=["inputs", "targets"])
def test_a_regression_far_from_zero_has_the_rmse_of_one_near_zero(tmp_path: Path, moved: str) -> None:
    def rmse(offset: int) -> float:
        x, y = np.arange(400) % 50, 2 * (np.arange(400) % 50)
        table = tmp_path / f"{offset}.csv"
        pd.DataFrame({"x": x, "y": y} | {moved: offset + (x if moved == "x" else y)}).to_csv(table, index=False)
        cfg = small("data=csv", f"data.path={table}", "data.target=y", "data.task=regression", "optimizer.lr=1e-2")
        folder = tmp_path / str(offset)
        (folder / ".hydra").mkdir(parents=True)
        OmegaConf.save(cfg, folder / ".hydra" / "config.yaml")
        train_once(cfg, folder, NoReporter())
        return evaluate(folder)["test/rmse"]

    near = rmse(0)
    assert near < 5  # the deviation of y is 29
    assert rmse(1_600_000_000) == pytest.approx(near, rel=1e-5)


def test_numbers_have_no_report(trained: Trained) -> None:
    evaluate(trained("numbers"))
    assert not (trained("numbers") / "test_report.txt").exists()


# files


@pytest.mark.parametrize(
    ("name", "samples", "facts"),
    [("digits", 360, ["loss_se", "acc_se", "ece"]), ("folds of numbers", 89, ["loss_se", "rmse_se"])],
)
def test_the_metrics_are_written_with_the_number_of_samples_and_what_chance_does_to_them(
    trained: Trained, name: str, samples: int, facts: list[str]
) -> None:
    metrics, written = evaluate(trained(name)), read_yaml(trained(name) / "test.yaml")
    assert list(written.items())[: len(metrics) + 1] == [*metrics.items(), ("samples", samples)]
    assert list(written)[len(metrics) + 1 :] == facts
    assert 0 < written["loss_se"] < metrics["test/loss"]


def test_accuracy_and_calibration_are_those_of_the_probabilities(trained: Trained) -> None:
    evaluate(trained("digits"))
    written = read_yaml(trained("digits") / "test.yaml")
    data, outputs = by_hand(trained("digits"), "digits")
    targets, accuracy = data.splits.test.targets.numpy(), written["test/acc"]
    assert written["acc_se"] == pytest.approx((accuracy * (1 - accuracy) / 360) ** 0.5)
    assert written["ece"] == pytest.approx(calibration_error(outputs.softmax(1).numpy(), targets), rel=1e-4)


def test_metrics_have_no_more_digits_than_float32_holds(trained: Trained) -> None:
    assert all(len(f"{value!r}".replace(".", "").lstrip("0")) <= 9 for value in evaluate(trained("digits")).values())


def test_a_run_of_version_0_1_0_is_evaluated_to_its_metrics(tmp_path: Path) -> None:
    """Its network had a bias before the batch norm, which the network of today takes up in the norm's mean."""
    typed = (*RUNS["digits"], "trainer.max_epochs=3", "optimizer.lr=3e-2")
    train_once(older(*typed), tmp_path, NoReporter())
    (tmp_path / ".hydra").mkdir()
    metrics = []
    for cfg in (older(*typed), small(*typed)):
        OmegaConf.save(cfg, tmp_path / ".hydra" / "config.yaml")
        metrics.append(evaluate(tmp_path))
    assert metrics[1] == pytest.approx(metrics[0], rel=1e-5)


def test_a_folder_that_no_run_left_is_refused(tmp_path: Path) -> None:
    message = (
        rf"^folder must be one that a run left; got {re.escape(str(tmp_path))} \(\.hydra/config\.yaml is missing\)$"
    )
    with pytest.raises(UserError, match=message):
        evaluate(tmp_path)


def test_a_run_whose_fold_has_no_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".hydra").mkdir()
    OmegaConf.save(small(*RUNS["folds of digits"]), tmp_path / ".hydra" / "config.yaml")
    missing = r"\S*/fold_0 \(checkpoints/best\.ckpt is missing\)"
    with pytest.raises(UserError, match=rf"^folder must be one that a run left; got {missing}$"):
        evaluate(tmp_path)


# without a Trainer

EVALUATED = {
    **RUNS,
    "a step of one's own, which draws": ("data=digits", "learner._target_=engine_parts.Denoising"),
    "a predict of one's own": ("data=digits", "learner._target_=engine_parts.Predicting"),
    "a state of the model's own": ("data=iris", *OWN_MODEL, "model._target_=engine_parts.ExtraState"),
    "rows that stay in the file": ("data=npz", "data.path={arrays}", "data.mapped=true", "data.scale=none"),
}


@pytest.mark.parametrize("name", EVALUATED)
def test_a_plain_loop_gives_the_trainers_digits(tmp_path: Path, name: str) -> None:
    inputs = np.random.default_rng(0).normal(size=(200, 5)).astype(np.float32)
    np.savez(tmp_path / "arrays.npz", inputs=inputs, targets=inputs[:, :2] ** 2)
    typed = (text.format(arrays=tmp_path / "arrays.npz") for text in EVALUATED[name])
    cfg = composed(*BASE, *typed, "trainer.max_epochs=2")
    train(tmp_path, by_engine("lean", cfg))
    written = []
    for engine in ("lightning", "auto"):
        metrics = evaluate(tmp_path, by_engine(engine, cfg))
        report = tmp_path / "test_report.txt"
        written.append((metrics, (tmp_path / "test.yaml").read_text(), report.exists() and report.read_text()))
    assert written[0] == written[1]


def test_lightning_is_not_imported_for_what_is_ours(trained: Trained) -> None:
    program = (
        "import sys; from pathlib import Path; from tunesmith.cli import register_resolvers; register_resolvers()\n"
        "from tunesmith.training.evaluation import evaluate; evaluate(Path(sys.argv[1]))\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules} & {'lightning', 'torchmetrics', 'matplotlib'}))"
    )
    run = [sys.executable, "-c", program, str(trained("digits"))]
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout == "\n"
