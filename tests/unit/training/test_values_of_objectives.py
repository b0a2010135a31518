"""The values of several objectives that a run leaves and returns, by both engines and with folds."""

from __future__ import annotations

from pathlib import Path

import pytest
from engines import ENGINES, by_engine, configured
from listener import Listener

from tunesmith.errors import UserError
from tunesmith.reporting import hand_over
from tunesmith.run_folder import RESULT_FILE, read_metrics, read_yaml
from tunesmith.training.run import train

OTHERS = "objective.others=[parameters,val/acc,seconds_per_epoch]"


@pytest.mark.parametrize("engine", ENGINES)
def test_each_objective_has_its_value_at_the_best_epoch_of_the_first(tmp_path: Path, engine: str) -> None:
    cfg = by_engine(engine, configured(OTHERS))
    with hand_over(reporter := Listener()):
        values = train(cfg, tmp_path, reporter)
    result = read_yaml(tmp_path / RESULT_FILE)
    assert isinstance(values, tuple)
    assert values == tuple(result["values"].values())
    assert list(result["values"]) == ["val/loss", "parameters", "val/acc", "seconds_per_epoch"]
    row = read_metrics(tmp_path)[result["epoch"] - 1]
    assert (values[0], values[2]) == (float(row["val/loss"]), float(row["val/acc"]))
    assert (values[1], result["parameters"]) == (reporter.metrics["parameters"], values[1])
    assert values[3] == pytest.approx(result["seconds"] / result["epochs"])
    assert reporter.metrics.items() >= result["values"].items()


def test_both_engines_count_the_same_parameters(tmp_path: Path) -> None:
    counted = set()
    for engine in ENGINES:
        (tmp_path / engine).mkdir()
        train(by_engine(engine, configured("trainer.max_epochs=1")), tmp_path / engine, Listener())
        counted.add(read_yaml(tmp_path / engine / RESULT_FILE)["parameters"])
    assert len(counted) == 1


def test_of_folds_each_value_is_the_mean(tmp_path: Path) -> None:
    values = train(configured(OTHERS, "data.folds=2"), tmp_path, Listener())
    folds = [read_yaml(tmp_path / f"fold_{fold}" / RESULT_FILE)["values"] for fold in (0, 1)]
    assert isinstance(values, tuple)
    assert values == pytest.approx([(folds[0][name] + folds[1][name]) / 2 for name in folds[0]])


def test_with_one_objective_a_number_is_returned_and_nothing_added(tmp_path: Path) -> None:
    value = train(configured("trainer.max_epochs=1"), tmp_path, Listener())
    assert isinstance(value, float)
    assert "values" not in read_yaml(tmp_path / RESULT_FILE)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_objective_that_nobody_logs_is_refused_at_the_first_epoch(tmp_path: Path, engine: str) -> None:
    cfg = by_engine(engine, configured("objective.others=[val/f1]"))
    with pytest.raises(UserError, match=r"^objective\.others must be metrics of the run; got 'val/f1'; did you mean"):
        train(cfg, tmp_path, Listener())
    assert read_metrics(tmp_path) == []
