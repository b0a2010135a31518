"""What a sweep varies, how it is named, where it is kept: a study each."""

from __future__ import annotations

import csv
import os
import re
from pathlib import Path

import pytest
import yaml
from conftest import QUICK, Shell

SWEEP = ("-m", *QUICK, "trainer.max_epochs=6", "study_name=s")


def rows(study: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((study / "trials.csv").read_text().splitlines()))


def test_the_same_seed_gives_the_same_trials_and_values(shell: Shell) -> None:
    for name in ("one", "two"):
        assert shell.train(*SWEEP, "hydra.sweeper.n_trials=4", f"study_name={name}").code == 0
    drop = {"seconds"}
    one, two = (
        [{k: v for k, v in row.items() if k not in drop} for row in rows(shell.study(n))] for n in ("one", "two")
    )
    assert one == two


def test_a_sweep_over_an_accuracy_keeps_its_largest(shell: Shell) -> None:
    sweep = (*SWEEP, "space=none", "data=iris", "objective.metric=val/acc", "optimizer.lr=0.03,1e-6")
    ended = shell.train(*sweep)
    assert ended.code == 0, ended.text
    values = [float(row["value"]) for row in rows(shell.study("s"))]
    results = yaml.safe_load((shell.study("s") / "optimization_results.yaml").read_text())
    assert (len(values), min(values) < max(values)) == (2, True)
    assert (results["best_value"], results["best_params"]) == (max(values), {"optimizer.lr": 0.03})
    assert yaml.safe_load((shell.study("s") / "0" / "result.yaml").read_text())["mode"] == "max"


def test_a_typed_sweep_adds_and_a_typed_value_leaves_the_space(shell: Shell) -> None:
    typed = ("model.activation=relu,tanh", "optimizer.lr=0.01", "hydra.sweeper.n_trials=2", "search=random")
    assert shell.train(*SWEEP, *typed).code == 0
    keys = list(rows(shell.study("s"))[0])[7:]
    assert "model.activation" in keys
    assert "optimizer.lr" not in keys
    assert "model.dropout" in keys


@pytest.mark.parametrize(
    ("typed", "points"),
    [
        pytest.param(["seed=0,1,2"], [{"seed": s} for s in "012"], id="seeds"),
        pytest.param(
            ["space=none", "optimizer=adam,sgd", "optimizer.lr=0.1,0.01"],
            [{"optimizer": o, "optimizer.lr": lr} for o in ("adam", "sgd") for lr in ("0.1", "0.01")],
            id="group-and-value",
        ),
    ],
)
def test_a_small_space_is_enumerated(shell: Shell, typed: list[str], points: list[dict[str, str]]) -> None:
    ended = shell.train(*SWEEP, *typed, "trainer.max_epochs=1")
    assert ended.code == 0, ended.text
    assert [{key: row[key] for key in points[0]} for row in rows(shell.study("s"))] == points


def test_sqlite_keeps_a_study_too(shell: Shell) -> None:
    sqlite = ("hydra.sweeper.storage=sqlite:///study.db", "trainer.max_epochs=1")
    assert shell.train(*SWEEP, *sqlite, "hydra.sweeper.n_trials=2").code == 0
    ended = shell.train(*SWEEP, *sqlite, "hydra.sweeper.n_trials=3")
    assert ended.code == 0, ended.text
    assert len(rows(shell.study("s"))) == 3
    assert not (shell.study("s") / "study.journal").exists()


def test_a_dry_run_shows_five_configurations_and_records_nothing(shell: Shell) -> None:
    ended = shell.train(*SWEEP, "hydra.sweeper.dry_run=true")
    assert ended.code == 0, ended.text
    shown = [line for line in ended.out.splitlines() if line.startswith("  optimizer.lr=")]
    assert len(shown) == 5
    assert not (shell.folder / "outputs").exists()


def test_without_a_name_a_study_is_named_by_its_time(shell: Shell) -> None:
    ended = shell.train("-m", *QUICK, "trainer.max_epochs=1", "hydra.sweeper.n_trials=1")
    (folder,) = (shell.folder / "outputs" / "sweeps").iterdir()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d-\d{6}", folder.name)
    assert ended.out.splitlines()[-1].endswith(f"study_name={folder.name}")
    again = shell.train("-m", *QUICK, "trainer.max_epochs=1", "hydra.sweeper.n_trials=2", f"study_name={folder.name}")
    assert again.code == 0, again.text
    assert os.listdir(folder.parent) == [folder.name]
    assert len(rows(folder)) == 2


def test_when_every_trial_is_pruned_there_is_no_best(shell: Shell) -> None:
    pruner = ("hydra/sweeper/pruner=threshold", "hydra.sweeper.pruner.upper=0")
    ended = shell.train(*SWEEP, *pruner, "hydra.sweeper.n_trials=3")
    assert ended.code == 0, ended.text
    assert "best         none: no trial ran to its end" in ended.out
    assert [(row["state"], row["epochs"]) for row in rows(shell.study("s"))] == [("PRUNED", "1")] * 3
    assert yaml.safe_load((shell.study("s") / "optimization_results.yaml").read_text())["best_value"] is None
