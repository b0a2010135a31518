"""A refit: which weights it comes to, in both engines, and what it leaves behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from engines import ENGINES, by_engine, configured, train
from listener import Listener
from omegaconf import DictConfig
from torch import Tensor

from tunesmith.errors import AttemptLost, RunFailed, UserError
from tunesmith.run_folder import BEST_CHECKPOINT, read_metrics, read_yaml
from tunesmith.training.draws import seed_everything, seed_generators
from tunesmith.training.learner_and_data import build_lean_learner
from tunesmith.training.refit import refit
from tunesmith.training.refit_config import make_refit_config
from tunesmith.training.train_once import train_once

# The learning rate is halved whenever the validation loss does not fall by half.
CUT = ("scheduler.patience=0", "+scheduler.threshold=0.5", "data.class_weights=balanced")


def rates(folder: Path) -> list[float]:
    return [float(row["lr"]) for row in read_metrics(folder)]


def weights(folder: Path) -> dict[str, Tensor]:
    found: dict[str, Tensor] = torch.load(folder / BEST_CHECKPOINT, weights_only=True)["state_dict"]
    return found


def trained_by_hand(cfg: DictConfig, rates: list[float]) -> dict[str, Tensor]:
    """Train as a plain loop does, an epoch with each learning rate."""
    seed_everything(cfg.seed)
    data, learner = build_lean_learner(cfg)
    optimizer = learner.build_optimizer()
    for epoch, rate in enumerate(rates):
        seed_generators(cfg.seed, epoch, 0)
        batches = data.batches("train", torch.device("cpu"))
        batches.set_epoch(epoch)
        learner.start_part("train")
        for group in optimizer.param_groups:
            group["lr"] = rate
        for batch in batches:
            optimizer.zero_grad()
            learner.train_on(batch).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    return dict(learner.state_dict())


def assert_close(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        torch.testing.assert_close(value, other[name], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("engine", ENGINES)
def test_its_weights_are_those_of_a_plain_training_on_both_parts_with_the_runs_learning_rates(
    engine: str, tmp_path: Path
) -> None:
    cfg = by_engine(engine, configured(*CUT))
    train(tmp_path, cfg)
    best = read_yaml(tmp_path / "result.yaml")["epoch"]
    assert len(set(rates(tmp_path)[:best])) > 1
    place, config = refit(tmp_path, cfg)
    both = configured(*CUT, "+data.train_on_val=true")
    assert_close(weights(place), trained_by_hand(both, rates(tmp_path)[:best]))
    assert read_yaml(place / "result.yaml")["engine"] == engine
    assert config.trainer.engine == engine


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("scheduler", "most"), [("cosine", 0), ("onecycle", 5e-4), ("none", 0)])
def test_a_schedule_that_follows_no_metric_runs_as_in_the_run(
    scheduler: str, most: float, engine: str, tmp_path: Path
) -> None:
    """most: how far a schedule by step is off at the end of an epoch, which has more steps."""
    cfg = by_engine(engine, configured(f"scheduler={scheduler}"))
    train(tmp_path, cfg)
    place, _ = refit(tmp_path, cfg)
    best = read_yaml(tmp_path / "result.yaml")["epoch"]
    assert rates(place) == pytest.approx(rates(tmp_path)[:best], rel=1e-6, abs=most)


def test_its_result_has_no_value_and_says_where_the_epochs_came_from(tmp_path: Path) -> None:
    folder = tmp_path / "7"
    train(folder, configured())
    of_run = read_yaml(folder / "result.yaml")
    result = read_yaml(refit(folder, configured())[0] / "result.yaml")
    assert result["refit"] == {"trial": 7, "epochs": of_run["epoch"]}
    assert (result["state"], result["epochs"], result["data_digest"]) == (
        *("COMPLETE", of_run["epoch"]),
        of_run["data_digest"],
    )
    assert {"value", "metric", "mode", "epoch"}.isdisjoint(result)
    assert not any(name.startswith("val/") for name in read_metrics(folder / "refit")[0])


def test_preparation_is_fitted_on_both_parts(tmp_path: Path) -> None:
    train(tmp_path, configured())
    refit(tmp_path, configured())
    one, other = ((folder / "preparation.json").read_text() for folder in (tmp_path, tmp_path / "refit"))
    assert one != other


def test_a_found_learning_rate_is_not_searched_again(tmp_path: Path) -> None:
    cfg = configured("find_lr=true", "scheduler=none", "data.batch_size=90", "lr_finder.max_lr=10")
    train(tmp_path, cfg)
    place, config = refit(tmp_path, cfg)
    assert config.find_lr is False
    assert set(rates(place)) == set(rates(tmp_path)) != {cfg.optimizer.lr}


def test_early_stopping_does_not_end_it(tmp_path: Path) -> None:
    cfg = configured("callbacks=default", "callbacks.early_stopping.patience=3", "scheduler=none")
    train(tmp_path, cfg)
    _, config = refit(tmp_path, cfg)
    assert dict(config.callbacks) == {}


def test_a_finished_refit_is_left_as_it_is(tmp_path: Path) -> None:
    train(tmp_path, configured())
    place, config = refit(tmp_path, configured())
    before = {path: path.stat().st_mtime_ns for path in place.rglob("*")}
    again = refit(tmp_path, configured())
    assert (again[0], again[1].refit) == (place, config.refit)
    assert {path: path.stat().st_mtime_ns for path in place.rglob("*")} == before


def test_a_run_that_went_on_to_a_later_best_epoch_is_refitted_anew(tmp_path: Path) -> None:
    short = configured("trainer.max_epochs=2")
    train(tmp_path, short)
    place, _ = refit(tmp_path, short)
    (place / "test.yaml").write_text("test/acc: 0.9")
    train(tmp_path, configured("trainer.max_epochs=4"))
    refit(tmp_path, configured("trainer.max_epochs=4"))
    assert len(read_metrics(place)) == 4
    assert not (place / "test.yaml").exists()


class Lost(Listener):
    """Its process is stopped after the third epoch."""

    def should_stop(self) -> bool:
        if self.heard[-1][0] == 3:
            raise AttemptLost("stopped")
        return False


@pytest.mark.parametrize("engine", ENGINES)
def test_a_refit_that_was_stopped_goes_on_to_the_same_weights(engine: str, tmp_path: Path) -> None:
    cfg = by_engine(engine, configured("trainer.save_interval=0"))
    for folder in (tmp_path / "1", tmp_path / "2"):
        train(folder, cfg)
    assert read_yaml(tmp_path / "1" / "result.yaml")["epoch"] > 3
    (tmp_path / "1" / "refit").mkdir()
    with pytest.raises(AttemptLost, match="stopped"):
        train_once(make_refit_config(cfg, tmp_path / "1"), tmp_path / "1" / "refit", Lost())
    assert len(read_metrics(tmp_path / "1" / "refit")) == 3
    place, _ = refit(tmp_path / "1", cfg)
    whole, _ = refit(tmp_path / "2", cfg)
    assert [row["epoch"] for row in read_metrics(place)] == [row["epoch"] for row in read_metrics(whole)]
    for name, value in weights(whole).items():
        assert torch.equal(weights(place)[name], value)


def test_after_cross_validation_it_is_trained_for_the_folds_mean_of_best_epochs(tmp_path: Path) -> None:
    cfg = configured("data.folds=3", "optimizer.lr=0.3", "trainer.max_epochs=8")
    train(tmp_path, cfg)
    folds = [read_yaml(tmp_path / f"fold_{fold}" / "result.yaml")["epoch"] for fold in range(3)]
    place, config = refit(tmp_path, cfg)
    epochs = round(sum(folds) / 3)
    assert read_yaml(place / "result.yaml")["refit"] == {"run": tmp_path.name, "epochs": epochs, "folds": 3}
    assert config.data.folds is None
    assert len(read_metrics(place)) == epochs


def test_other_data_than_the_runs_are_refused(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("x,y\n" + "".join(f"{i},{'ab'[i % 2]}\n" for i in range(60)))
    cfg = configured("data=csv", f"data.path={table}", "data.target=y")
    train(tmp_path / "run", cfg)
    table.write_text("x,y\n" + "".join(f"{i + 1},{'ab'[i % 2]}\n" for i in range(60)))
    with pytest.raises(UserError, match=r"^data must be those of .*/run, whose digest is "):
        refit(tmp_path / "run", cfg)


def test_a_run_without_a_best_epoch_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"^a refit needs a run that has ended with a best epoch; got .*/run, whose res"
    ):
        refit(tmp_path / "run", configured())


def test_a_refit_whose_loss_is_no_number_has_failed(tmp_path: Path) -> None:
    train(tmp_path, configured("scheduler=none"))
    hot: Any = configured("scheduler=none", "optimizer=sgd", "optimizer.lr=1e30", "model.batch_norm=false")
    with pytest.raises(RunFailed, match=r"^refit: train/loss was nan at epoch 1$"):
        refit(tmp_path, hot)
