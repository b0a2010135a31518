"""New rows: predictions for the rows of the test part are those that evaluation has made, with the data gone."""

from __future__ import annotations

import json
import logging
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pandas as pd
import pytest
import torch
from engines import OWN_MODEL, configured, train
from numpy.typing import NDArray
from omegaconf import OmegaConf
from sklearn.metrics import log_loss
from torch import Tensor, nn

from tunesmith.errors import UserError
from tunesmith.run_folder import read_yaml
from tunesmith.training.evaluation import evaluate
from tunesmith.training.learner import Supervised
from tunesmith.training.prediction import predict, write_predictions

ROWS = 200
# The last fifth of the rows is the test part.
BY_TIME = ("data.split=time", "trainer.max_epochs=2", "optimizer.lr=3e-2")
LEAN = "trainer.engine=lean"  # the sooner one


def table() -> pd.DataFrame:
    """Numbers with gaps, categories of which one looks like a number, dates, truth values; targets of each kind."""
    rng = np.random.default_rng(0)
    days = pd.Timestamp("2024-01-31") + pd.to_timedelta(2 * np.arange(ROWS), "D")
    frame = pd.DataFrame(
        {
            "name": [f"n{row}" for row in range(ROWS)],
            "age": rng.normal(40, 9, ROWS).round(1),
            "colour": rng.choice(["red", "green", "1"], ROWS),
            "when": days.strftime("%d/%m/%Y"),
            "member": rng.random(ROWS) < 0.5,
            "stamp": 1_600_000_000 + rng.integers(0, 1000, ROWS),
        }
    )
    frame.loc[::7, "age"] = np.nan
    frame.loc[3::9, "colour"] = ""
    signal = frame["age"].fillna(40) + 5 * frame["member"]
    kinds = np.select([signal > 45, signal > 38], ["old", "middle"], "young")
    return frame.assign(kind=kinds, two=np.where(signal > 40, "yes", "no"), price=1e6 + 100 * signal, size=signal / 9,
                        late=(signal > 42).astype(int), far=frame["member"].astype(int))  # fmt: skip


TABLE = table()
TARGETS = ["kind", "two", "price", "size", "late", "far"]


def trained(folder: Path, *typed: str) -> Path:
    """Train on rows of a file, evaluate, take the file away and move the run; return its folder."""
    run = folder / "run"
    train(run, configured(*BY_TIME, LEAN, *typed))
    evaluate(run)
    for path in folder.glob("data.*"):
        path.rename(folder / f"gone{path.suffix}")
    return run.rename(folder / "moved")


def on_table(folder: Path, target: str, *typed: str) -> Path:
    TABLE.drop(columns=[name for name in TARGETS if name not in target]).to_csv(folder / "data.csv", index=False)
    return trained(
        folder, "data=csv", f"data.path={folder / 'data.csv'}", f"data.target={target}", "data.drop=[stamp]", *typed
    )


def on_arrays(folder: Path, inputs: NDArray[Any], targets: NDArray[Any], *typed: str) -> Path:
    np.savez(folder / "data.npz", inputs=inputs, targets=targets)
    return trained(folder, "data=npz", f"data.path={folder / 'data.npz'}", *typed)


def predicted(run: Path, inputs: Any) -> pd.DataFrame:
    return pd.concat(list(predict(run, inputs)), ignore_index=True)


def rows_of_test_part(run: Path, frame: pd.DataFrame = TABLE) -> pd.DataFrame:
    return frame.tail(read_yaml(run / "test.yaml")["samples"])


def check_classes(found: pd.DataFrame, targets: Sequence[Any], run: Path, weights: Any = None) -> None:
    """Check that predictions have the loss and the accuracy of the evaluation."""
    test, names = read_yaml(run / "test.yaml"), list(found.columns[:-1])
    assert np.mean(found["prediction"].to_numpy() == np.asarray(targets)) == pytest.approx(test["test/acc"], abs=1e-6)
    loss = log_loss(targets, found[names].to_numpy(), labels=names, sample_weight=weights)
    assert loss == pytest.approx(test["test/loss"], rel=1e-6)


# as evaluation does

RUNS = {
    "classes": ("kind", ()),
    "two classes": ("two", ()),
    "fold models": ("kind", ("data.folds=3",)),
    "Lightning's engine": ("kind", ("trainer.engine=lightning",)),
    "another precision": ("kind", ("trainer.engine=auto", "trainer.precision=64-true")),
    "elapsed days": ("kind", ("data.dates=elapsed",)),
    "dates as texts of their own": ("kind", ("data.dates=text", "data.max_categories=500")),
}


@pytest.mark.parametrize("name", RUNS)
def test_rows_of_a_table_are_predicted_as_they_were_evaluated(tmp_path: Path, name: str) -> None:
    target, typed = RUNS[name]
    run = on_table(tmp_path, target, *typed)
    rows = rows_of_test_part(run)
    rows.drop(columns=TARGETS).to_csv(tmp_path / "new.csv", index=False)
    check_classes(predicted(run, tmp_path / "new.csv"), rows[target].tolist(), run)


def test_class_weights_change_the_loss_and_no_probability(tmp_path: Path) -> None:
    run = on_table(tmp_path, "two", "data.class_weights=[1,3]")
    rows = rows_of_test_part(run)
    check_classes(predicted(run, rows), rows["two"].tolist(), run, weights=rows["two"].map({"no": 1, "yes": 3}))


@pytest.mark.parametrize("typed", [(), ("data.folds=2",)], ids=["one model", "fold models"])
def test_a_number_is_predicted_in_its_own_unit(tmp_path: Path, typed: Sequence[str]) -> None:
    run = on_table(tmp_path, "price", "data.task=regression", *typed)
    rows = rows_of_test_part(run)
    found = predicted(run, rows.drop(columns="price"))
    assert list(found) == ["prediction"]
    errors = found["prediction"].to_numpy() - rows["price"].to_numpy()
    assert np.square(errors).mean() ** 0.5 == pytest.approx(read_yaml(run / "test.yaml")["test/rmse"], rel=1e-5)


def test_several_numbers_have_a_column_each_named_as_in_the_table(tmp_path: Path) -> None:
    run = on_table(tmp_path, "[price,size]")
    rows = rows_of_test_part(run)
    found = predicted(run, rows)
    assert list(found) == ["price", "size"]
    errors = found.to_numpy() - rows[["price", "size"]].to_numpy()
    assert np.square(errors).mean() ** 0.5 == pytest.approx(read_yaml(run / "test.yaml")["test/rmse"], rel=1e-5)


def test_each_label_has_its_probability(tmp_path: Path) -> None:
    run = on_table(tmp_path, "[late,far]", "loss=bce")
    rows = rows_of_test_part(run)
    found = predicted(run, rows)
    assert list(found) == ["late", "far"]
    test, labels = read_yaml(run / "test.yaml"), rows[["late", "far"]].to_numpy()
    losses = -np.log(np.where(labels, found, 1 - found))
    assert losses.mean() == pytest.approx(test["test/loss"], rel=1e-6)
    assert ((found > 0.5) == labels).to_numpy().mean() == pytest.approx(test["test/acc"])


IMAGES = np.random.default_rng(1).random((ROWS, 1, 4, 4), np.float32)
LABELS = (IMAGES.reshape(ROWS, -1).mean(1) * 40).astype(int) % 3


@pytest.mark.parametrize(
    "typed",
    [
        pytest.param((), id="in memory"),
        pytest.param(("data.mapped=true",), id="in the file"),
        pytest.param(("model=cnn",), id="a cnn"),
    ],
)
def test_images_are_predicted_as_they_were_evaluated(tmp_path: Path, typed: Sequence[str]) -> None:
    run = on_arrays(tmp_path, IMAGES, LABELS, *typed)
    num = len(rows_of_test_part(run))
    np.savez(tmp_path / "new.npz", inputs=IMAGES[-num:])
    check_classes(predicted(run, tmp_path / "new.npz"), LABELS[-num:].astype(str).tolist(), run)


def test_arrays_come_from_any_file(tmp_path: Path) -> None:
    run = on_arrays(tmp_path, IMAGES, LABELS)
    np.save(tmp_path / "new.npy", IMAGES)
    np.savez(tmp_path / "new.npz", inputs=IMAGES, targets=LABELS)
    np.savez_compressed(tmp_path / "compressed.npz", inputs=IMAGES, more=LABELS)
    for name in ("new.npy", "new.npz", "compressed.npz"):
        pd.testing.assert_frame_equal(predicted(run, tmp_path / name), predicted(run, IMAGES))


class Words(nn.Module):
    def __init__(self, input_shape: tuple[int, ...], output_size: int) -> None:
        super().__init__()
        self.words = nn.EmbeddingBag(20, output_size)

    def forward(self, tokens: Tensor) -> Tensor:
        outputs: Tensor = self.words(tokens)
        return outputs


def test_token_ids_are_predicted_and_unknown_ones_refused(tmp_path: Path) -> None:
    tokens = np.random.default_rng(2).integers(0, 20, (ROWS, 6))
    own = (*OWN_MODEL, f"model._target_={__name__}.Words")
    run = on_arrays(tmp_path, tokens, tokens[:, 0] // 10, "data.tokens=true", *own)
    num = len(rows_of_test_part(run))
    check_classes(predicted(run, tokens[-num:]), (tokens[-num:, 0] // 10).astype(str).tolist(), run)
    with pytest.raises(UserError, match=r"^inputs must be whole numbers, which are token ids; got float64 in the "):
        predicted(run, tokens / 2)
    with pytest.raises(UserError, match=r"^inputs must be such as the model was trained on: .*"):
        predicted(run, tokens + 20)


# learners of one's own


class OwnNet(L.LightningModule):
    """Knows nothing of the data."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Linear(16, 3)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        return nn.functional.cross_entropy(self.net(batch[0].flatten(1)), batch[1])

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.log("val/loss", self.training_step(batch, batch_idx))

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.1)


class Forward(OwnNet):
    def forward(self, images: Tensor) -> Tensor:
        outputs: Tensor = self.net(images.flatten(1))
        return outputs


class Steps(OwnNet):
    """Puts out probabilities."""

    def predict_step(self, batch: Any, batch_idx: int) -> Tensor:
        images, targets = batch
        assert targets.dtype == torch.int64
        outputs: Tensor = self.net(images.flatten(1)).softmax(1)
        return outputs


class Dicts(OwnNet):
    def predict_step(self, batch: Any, batch_idx: int) -> Any:
        return {"outputs": batch[0]}


class Mask(Supervised):
    """A class for each pixel: the targets are its own."""

    def step(self, batch: Any) -> tuple[Tensor, Tensor, Tensor]:
        mask = (batch[0][:, 0] > 0).long()
        outputs = self.model(batch[0]).reshape(-1, 3, 1, 1).expand(-1, -1, 4, 4)
        return self.loss(outputs, mask), outputs, mask


class AsksForSplits(Supervised):
    def __init__(self, data: Any, **arguments: Any) -> None:
        super().__init__(data=data, **arguments)
        self.num_samples = len(data.splits.train)


@pytest.mark.parametrize("learner", [Forward, Steps])
def test_a_learner_of_ones_own_predicts_by_its_step_or_its_forward(tmp_path: Path, learner: type) -> None:
    run = own_run(tmp_path, learner)
    weights = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"]
    scaled = (IMAGES.reshape(ROWS, -1) - IMAGES[:120].reshape(120, -1).mean(0)) / IMAGES[:120].reshape(120, -1).std(0)
    logits = torch.from_numpy(scaled) @ weights["net.weight"].T + weights["net.bias"]
    found = predicted(run, IMAGES)
    assert list(found) == ["0", "1", "2", "prediction"]
    np.testing.assert_allclose(found[["0", "1", "2"]].to_numpy(), logits.softmax(1).numpy(), atol=1e-4)


@pytest.mark.parametrize(
    ("learner", "message"),
    [
        (OwnNet, "learner: OwnNet must have a predict_step that takes a batch, or a forward that takes inputs, to be "),
        (Dicts, "learner: predict_step of Dicts must return a tensor with a row for each sample"),
    ],
)
def test_a_learner_that_cannot_predict_is_told_what_it_needs(tmp_path: Path, learner: type, message: str) -> None:
    run = own_run(tmp_path, learner)
    with pytest.raises(UserError, match=f"^{re.escape(message)}"):
        predicted(run, IMAGES)


def own_run(folder: Path, learner: type) -> Path:
    np.savez(folder / "data.npz", inputs=IMAGES, targets=LABELS)
    cfg = configured(*BY_TIME, "data=npz", f"data.path={folder / 'data.npz'}")
    cfg.learner = {"_target_": f"{__name__}.{learner.__name__}"}
    train(folder / "run", cfg)
    (folder / "data.npz").unlink()
    return folder / "run"


def test_a_learner_that_asks_for_the_data_is_told_what_there_is(tmp_path: Path) -> None:
    run = on_arrays(tmp_path, IMAGES, LABELS, f"learner._target_={__name__}.AsksForSplits")
    message = "learner must need no more of its data than input_shape, output_size, target_shape, has_classes, "
    with pytest.raises(UserError, match=f"^{message}.*; it asks for splits$"):
        predicted(run, IMAGES)


# folders


def test_predictions_go_into_the_runs_folder_and_replace_earlier_ones(tmp_path: Path) -> None:
    run = on_table(tmp_path, "kind")
    for rows in (TABLE, TABLE.head(5)):
        rows.to_csv(tmp_path / "new.csv", index=False)
        written = write_predictions(run, tmp_path / "new.csv")
        assert (written.path, written.num_rows) == (run / "predictions.csv", len(rows))
        found = pd.read_csv(written.path)
        pd.testing.assert_frame_equal(found, predicted(run, rows), check_dtype=False)
        assert dict(written.counts) == found["prediction"].value_counts().to_dict()
    assert list(found) == ["middle", "old", "young", "prediction"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return on_table(tmp_path_factory.mktemp("table"), "kind")


def test_an_output_that_is_there_is_left_alone(run: Path, tmp_path: Path) -> None:
    TABLE.to_csv(tmp_path / "new.csv", index=False)
    (tmp_path / "mine.csv").write_text("mine")
    for output, message in (("mine.csv", "which is there already"), ("", "which is there already")):
        with pytest.raises(UserError, match=f"^output must be a new file; got .*, {message}$"):
            write_predictions(run, tmp_path / "new.csv", tmp_path / output)
    with pytest.raises(UserError, match=r"^output must lie in a folder that is there; got .*nowhere/p\.csv$"):
        write_predictions(run, tmp_path / "new.csv", tmp_path / "nowhere" / "p.csv")
    assert (tmp_path / "mine.csv").read_text() == "mine"
    assert write_predictions(run, tmp_path / "new.csv", tmp_path / "p.csv").num_rows == ROWS


def test_predictions_are_not_their_own_inputs(run: Path) -> None:
    TABLE.to_csv(run / "predictions.csv", index=False)
    with pytest.raises(UserError, match=r"^inputs must be another file than the one that predictions are written to"):
        write_predictions(run, run / "predictions.csv")


def test_nothing_is_left_of_a_file_whose_last_row_is_wrong(run: Path, tmp_path: Path) -> None:
    pd.concat([TABLE, TABLE.tail(1).assign(age="old")]).to_csv(tmp_path / "new.csv", index=False)
    with pytest.raises(UserError, match=r"^inputs: column age must hold numbers; got 'old' in row 201 of "):
        write_predictions(run, tmp_path / "new.csv", tmp_path / "p.csv")
    assert {path.name for path in tmp_path.iterdir()} == {"new.csv"}


def test_a_run_without_a_preparation_says_so(run: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(run, tmp_path / "copy")
    (copy / "preparation.json").unlink()
    with pytest.raises(UserError, match=r"^folder must hold preparation\.json, which says how rows become inputs; "):
        predicted(copy, TABLE)


def test_a_config_of_another_model_says_so(run: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(run, tmp_path / "copy")
    cfg = OmegaConf.load(copy / ".hydra" / "config.yaml")
    cfg.model.hidden_units = 8
    OmegaConf.save(cfg, copy / ".hydra" / "config.yaml")
    with pytest.raises(UserError, match=r"^folder must hold weights of the model of its config; .*size mismatch"):
        predicted(copy, TABLE)


def test_a_preparation_of_an_older_version_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    run = on_table(tmp_path, "two", "data.dates=drop")
    path = run / "preparation.json"
    plain = json.loads(path.read_text())
    now = predicted(run, TABLE)
    for key in ("target_shape", "tokens", "table"):
        del plain[key]
    path.write_text(json.dumps({**plain, "version": 1}))
    pd.testing.assert_frame_equal(predicted(run, TABLE), now)


def test_what_is_not_used_is_said(run: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    predicted(run, TABLE[[name for name in TABLE if name not in TARGETS] + ["kind"]].assign(extra=1))
    assert caplog.messages == ["inputs: not used, as the model has not learnt from it: 'kind', 'extra'"]
