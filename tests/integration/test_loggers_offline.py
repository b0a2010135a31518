"""A sweep with three loggers and no network: each has every trial, with its config, note and tags, and says nothing."""

from __future__ import annotations

import csv
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from conftest import QUICK, Ended, Shell

TRIALS = (
    *("-m", *QUICK, "logger=[tensorboard,wandb,mlflow]", "trainer.max_epochs=2", "study_name=s", "space=none"),
    *("optimizer.lr=0.01,0.02", "note='why, this?'", "tags=[first,try]", "hydra.sweeper.n_trials=2"),
)


@pytest.fixture(scope="module")
def ended(module_shell: Shell) -> Ended:
    return module_shell.train(*TRIALS, WANDB_MODE="offline")


@pytest.fixture(scope="module")
def study(module_shell: Shell, ended: Ended) -> Path:
    assert ended.code == 0, ended.text
    return module_shell.study("s")


def query(shell: Shell, sql: str) -> list[Any]:
    with closing(sqlite3.connect(shell.folder / "outputs" / "mlflow.db")) as database:
        return database.execute(sql).fetchall()


def test_none_of_them_says_a_word(ended: Ended) -> None:
    assert ended.err == ""
    assert [line for line in ended.out.splitlines() if "wandb" in line.lower() and "resume" not in line] == []


@pytest.mark.usefixtures("study")
def test_mlflow_has_a_run_a_trial_with_its_config_and_a_value_an_epoch(module_shell: Shell) -> None:
    assert query(module_shell, "select name, status from runs order by name") == [
        ("s/0", "FINISHED"),
        ("s/1", "FINISHED"),
    ]
    params = query(module_shell, "select key, value from params where key in ('note', 'tags', 'optimizer/lr')")
    assert set(params) == {
        *(("note", "why, this?"), ("tags", "['first', 'try']"), ("optimizer/lr", "0.01"), ("optimizer/lr", "0.02")),
    }
    assert query(module_shell, "select count(*) from metrics where key = 'val/loss'") == [(4,)]
    assert query(module_shell, "select value from params where key = 'state'") == [("COMPLETE",), ("COMPLETE",)]
    assert query(module_shell, "select count(*), min(step) > 0 from metrics where key = 'objective'") == [(2, 1)]
    assert query(module_shell, "select count(*) from params where key like 'hydra%' or key like 'logger%'") == [(0,)]


def test_wandb_has_a_finished_run_of_its_own_for_each_trial(module_shell: Shell, study: Path) -> None:
    for number in ("0", "1"):
        assert len(list((study / number / "wandb").glob("offline-run-*/run-*.wandb"))) == 1
    folder = str(module_shell.folder)
    assert [process for process in psutil.process_iter(["cwd"]) if process.info["cwd"] == folder] == []


def test_tensorboard_has_one_file_a_trial(study: Path) -> None:
    assert [len(list((study / number).glob("events.out.tfevents*"))) for number in ("0", "1")] == [1, 1]


def test_note_and_tags_reach_the_result_and_the_table(study: Path) -> None:
    result = yaml.safe_load((study / "0" / "result.yaml").read_text())
    assert (result["note"], result["tags"]) == ("why, this?", ["first", "try"])
    rows = list(csv.DictReader((study / "trials.csv").read_text().splitlines()))
    assert [(row["note"], row["tags"]) for row in rows] == [("why, this?", "first try")] * 2


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        pytest.param("note=3", "error: note must be a text, or null; got 3", id="a note"),
        pytest.param("tags=first", "error: tags must be a list of texts; got 'first'", id="tags"),
        pytest.param("tags=[1]", "error: tags must be a list of texts; got [1]", id="a tag"),
    ],
)
def test_a_label_of_another_type_is_a_line(light_shell: Shell, typed: str, message: str) -> None:
    ended = light_shell.train(typed)
    assert (ended.code, ended.err) == (1, f"{message}\n")


@pytest.mark.slow
def test_workers_that_make_mlflows_tables_at_once_lose_no_trial(shell: Shell) -> None:
    arguments = [text for text in TRIALS if not text.startswith("logger=")]
    ended = shell.train(*arguments, "logger=mlflow", "hydra.sweeper.n_workers=2")
    assert (ended.code, ended.err) == (0, "")
    assert query(shell, "select count(*) from runs where status = 'FINISHED'") == [(2,)]
