"""The commands of a page that is made without its sweep: of what Hydra kept of the sweep's own."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from tunesmith.search.report.commands import Commands, commands_of
from tunesmith.search.report.files import Files


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "train.py").touch()
    monkeypatch.chdir(tmp_path)


def files(task: list[str], hydra: list[str], **job: Any) -> Files:
    hydra_node = {"job": {"name": "train", "config_name": "train", **job}, "overrides": {"task": task, "hydra": hydra}}
    return Files(Path("sweeps/s"), {"hydra": {**hydra_node, "sweeper": {"study_name": "a b"}}})


def test_the_sweep_goes_on_with_what_was_typed() -> None:
    found = commands_of(
        files(["study_name=s", "lr=interval(0,1)"], ["hydra.mode=MULTIRUN", "hydra.sweeper.n_trials=3"])
    )
    assert found.resume == "python train.py -m study_name=s 'lr=interval(0,1)' hydra.sweeper.n_trials=3"
    assert found.repeat is None  # there is no best.yaml


def test_the_best_trial_is_repeated_by_its_config(tmp_path: Path) -> None:
    (tmp_path / "sweeps" / "s").mkdir(parents=True)
    (tmp_path / "sweeps" / "s" / "best.yaml").touch()
    assert commands_of(files([], [])).repeat == "python train.py --config-dir sweeps/s --config-name best"


def test_a_name_that_was_not_typed_and_another_config_are_added() -> None:
    resume = str(commands_of(files([], [], config_name="mine")).resume)
    assert shlex.split(resume) == ["python", "train.py", "--config-name", "mine", "-m", "study_name=a b"]


@pytest.mark.parametrize("name", ["no_such", "../train", None], ids=["not here", "a path", "unknown"])
def test_a_script_that_is_not_here_is_said(name: str | None) -> None:
    of_other = files([], [], name=name)
    assert commands_of(of_other) == Commands()
    assert "is not known here" in of_other.missing["answer"][0]
