"""Cross-validation: the mean over the folds, what the reporter hears, folds that are not trained twice."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, ClassVar

import lightning as L
import pytest
from listener import Listener
from omegaconf import DictConfig
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny import small

from tunesmith.errors import UserError
from tunesmith.reporting import NoReporter
from tunesmith.run_folder import read_metrics, read_yaml, write_yaml
from tunesmith.training.cross_validation import cross_validate

EPOCHS = 2


class Interrupt(L.Callback):
    """Ctrl-C in the second epoch of the second fold."""

    def on_train_batch_end(self, trainer: L.Trainer, *args: object) -> None:
        if Path(trainer.default_root_dir).name == "fold_1" and trainer.current_epoch == 1:
            raise KeyboardInterrupt


class Watch(L.Callback):
    """Notes fold and epoch of what is trained."""

    trained: ClassVar[list[tuple[str, int]]] = []

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.trained.append((Path(trainer.default_root_dir).name, trainer.current_epoch))


class Bug(L.Callback):
    """Fails in the second fold."""

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if Path(trainer.default_root_dir).name == "fold_1":
            raise ZeroDivisionError("a bug in the second fold")


def folds(number: int, *typed: str) -> DictConfig:
    return small("data=iris", f"data.folds={number}", f"trainer.max_epochs={EPOCHS}", *typed)


def values_in(folder: Path) -> list[float]:
    return [read_yaml(path / "result.yaml")["value"] for path in sorted(folder.glob("fold_*"))]


@dataclass(frozen=True)
class Ended:
    folder: Path
    result: dict[str, Any]
    listener: Listener


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """Three folds, trained to their end."""
    folder, listener = tmp_path_factory.mktemp("run"), Listener()
    return Ended(folder, cross_validate(folds(3), folder, listener, is_resumed=False), listener)


# the result


def test_each_fold_is_a_run_in_a_folder_of_its_own(ended: Ended) -> None:
    assert sorted(path.name for path in ended.folder.iterdir()) == ["fold_0", "fold_1", "fold_2", "result.yaml"]
    for fold in range(3):
        folder = ended.folder / f"fold_{fold}"
        files = ["data_facts.json", "layers.csv", "metrics.csv", "preparation.json", "probes.csv", "result.yaml"]
        assert sorted(path.name for path in folder.iterdir()) == ["checkpoints", *files]
        losses = [float(row["val/loss"]) for row in read_metrics(folder)]
        assert len(losses) == EPOCHS
        assert read_yaml(folder / "result.yaml")["value"] == min(losses)


def test_the_value_is_the_mean_of_the_folds_and_the_spread_their_deviation(ended: Ended) -> None:
    values = values_in(ended.folder)
    assert len(set(values)) == 3
    assert ended.result["folds"] == values
    assert ended.result["value"] == pytest.approx(fmean(values))
    assert ended.result["spread"] == pytest.approx(stdev(values))


def test_epochs_and_seconds_are_those_of_all_folds(ended: Ended) -> None:
    seconds = [read_yaml(ended.folder / f"fold_{fold}" / "result.yaml")["seconds"] for fold in range(3)]
    assert (ended.result["epochs"], ended.result["seconds"]) == (3 * EPOCHS, pytest.approx(sum(seconds), abs=1e-3))


def test_the_result_returned_is_the_one_written(ended: Ended) -> None:
    assert read_yaml(ended.folder / "result.yaml") == ended.result
    shown = {key: ended.result[key] for key in ("state", "reason", "metric", "mode", "seed")}
    assert shown == {"state": "COMPLETE", "reason": None, "metric": "val/loss", "mode": "min", "seed": 0}


# the reporter


def test_the_reporter_hears_the_mean_so_far_once_a_fold(ended: Ended) -> None:
    values = values_in(ended.folder)
    means = [fmean(values[:number]) for number in (1, 2, 3)]
    assert ended.listener.heard == [(step, pytest.approx(mean)) for step, mean in enumerate(means, start=1)]
    assert ended.listener.epochs == [EPOCHS] * len(means)


def test_a_run_that_is_told_to_stop_trains_no_further_fold(tmp_path: Path) -> None:
    result = cross_validate(folds(3), tmp_path, Listener(stop_at=2), is_resumed=False)
    assert (result["state"], result["reason"], result["epochs"]) == ("PRUNED", "pruned", 2 * EPOCHS)
    assert result["value"] == fmean(values_in(tmp_path))
    assert len(values_in(tmp_path)) == 2


def test_after_the_last_fold_there_is_nothing_to_stop(tmp_path: Path) -> None:
    assert cross_validate(folds(2), tmp_path, Listener(stop_at=2), is_resumed=False)["state"] == "COMPLETE"


def test_a_trial_has_one_session_of_hparams_with_the_mean(tmp_path: Path) -> None:
    listener = Listener(params={"optimizer.lr": 0.001})
    result = cross_validate(folds(2, "logger=tensorboard"), tmp_path, listener, is_resumed=False)
    (objective,) = EventAccumulator(str(tmp_path)).Reload().Scalars("objective")
    assert (objective.step, objective.value) == (2, pytest.approx(result["value"]))
    for fold in ("fold_0", "fold_1"):
        assert "hparams" not in EventAccumulator(str(tmp_path / fold)).Reload().summary_metadata


# failures


def test_a_fold_that_becomes_nan_ends_the_run(tmp_path: Path) -> None:
    listener = Listener()
    hot = folds(3, "optimizer=sgd", "optimizer.lr=1e30", "model.batch_norm=false")
    result = cross_validate(hot, tmp_path, listener, is_resumed=False)
    assert (result["state"], result["reason"]) == ("FAIL", "fold 0: val/loss was nan at epoch 1")
    assert (result["value"], result["spread"], result["folds"]) == (None, None, [])
    assert listener.heard == []
    assert read_yaml(tmp_path / "result.yaml") == result
    assert not (tmp_path / "fold_1").exists()


def test_a_bug_in_a_fold_is_written_down_and_raised(tmp_path: Path) -> None:
    buggy = folds(2, f"+callbacks.bug._target_={__name__}.Bug")
    with pytest.raises(ZeroDivisionError, match="a bug in the second fold"):
        cross_validate(buggy, tmp_path, NoReporter(), is_resumed=False)
    result = read_yaml(tmp_path / "result.yaml")
    assert (result["state"], result["reason"]) == ("FAIL", "fold 1: ZeroDivisionError: a bug in the second fold")
    assert result["folds"] == values_in(tmp_path)[:1]


def test_a_users_mistake_is_no_result(tmp_path: Path) -> None:
    message = r"^objective\.metric must be a metric that the learner logs; got 'val/los'; did you mean"
    with pytest.raises(UserError, match=message):
        cross_validate(
            folds(2, "objective.metric=val/los", "objective.mode=min"), tmp_path, NoReporter(), is_resumed=False
        )
    assert not (tmp_path / "result.yaml").exists()


# a run that goes on


def with_first_fold(folder: Path, state: str) -> Path:
    """A folder in which the first of two folds has ended, with a value that no training gives."""
    (folder / "fold_0").mkdir()
    content = {"value": 123.0, "epochs": 40, "seconds": 1.0, "state": state, "reason": None}
    write_yaml(folder / "fold_0" / "result.yaml", content)
    return folder


def test_a_resumed_run_does_not_train_a_fold_that_is_over(tmp_path: Path) -> None:
    listener = Listener(is_retry=True)
    result = cross_validate(folds(2), with_first_fold(tmp_path, "COMPLETE"), listener, is_resumed=True)
    assert (result["folds"][0], result["epochs"]) == (123.0, 40 + EPOCHS)
    assert (listener.heard[0], listener.epochs[0]) == ((1, 123.0), 40)


@pytest.mark.parametrize(
    ("state", "is_resumed"),
    [pytest.param("FAIL", True, id="one that failed"), pytest.param("COMPLETE", False, id="any, in a new run")],
)
def test_a_fold_is_trained_again(tmp_path: Path, state: str, is_resumed: bool) -> None:
    result = cross_validate(folds(2), with_first_fold(tmp_path, state), NoReporter(), is_resumed)
    assert (result["state"], result["epochs"]) == ("COMPLETE", 2 * EPOCHS)


def test_an_interrupted_run_goes_on_as_if_nothing_had_happened(ended: Ended, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        cross_validate(folds(3, f"+callbacks.stop._target_={__name__}.Interrupt"), tmp_path, NoReporter(), False)
    Watch.trained.clear()
    result = cross_validate(folds(3, f"+callbacks.watch._target_={__name__}.Watch"), tmp_path, NoReporter(), True)
    assert Watch.trained == [("fold_1", 1), ("fold_2", 0), ("fold_2", 1)]
    assert (result["folds"], result["epochs"]) == (ended.result["folds"], ended.result["epochs"])
