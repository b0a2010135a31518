"""A study whose trials are trained by either engine, by the real command line."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import yaml
from conftest import QUICK, Shell

SPACE = ("space=none", "optimizer.lr=0.01,0.02,0.03", "hydra.sweeper.baseline=false")
SWEEP = ("-m", *QUICK, "data=iris", "trainer.max_epochs=3", *SPACE)


def values_of(study: Path) -> dict[str, str]:
    rows = csv.DictReader((study / "trials.csv").read_text().splitlines())
    return {row["optimizer.lr"]: row["value"] for row in rows}


def engines_of(study: Path) -> list[str]:
    return [yaml.safe_load((study / str(number) / "result.yaml").read_text())["engine"] for number in range(3)]


@pytest.fixture(scope="module")
def mixed(module_shell: Shell) -> Path:
    """A study of two trials by the lean engine and a third one by Lightning."""
    for added in (("hydra.sweeper.n_trials=2",), ("hydra.sweeper.n_trials=3", "trainer.engine=lightning")):
        ended = module_shell.train(*SWEEP, "study_name=mixed", *added)
        assert ended.code == 0, ended.text
        assert "engine" not in ended.out.replace("trainer.engine=lightning", "")
    return module_shell.study("mixed")


def test_a_study_goes_on_with_the_other_engine_to_the_same_values(mixed: Path, module_shell: Shell) -> None:
    ended = module_shell.train(*SWEEP, "study_name=old", "trainer.engine=lightning", "hydra.sweeper.n_trials=3")
    assert ended.code == 0, ended.text
    assert engines_of(mixed) == ["lean", "lean", "lightning"]
    assert len(values_of(mixed)) == 3
    assert values_of(mixed) == values_of(module_shell.study("old"))


def test_the_best_trial_is_repeated_by_either_engine(mixed: Path, module_shell: Shell) -> None:
    best = yaml.safe_load((mixed / "optimization_results.yaml").read_text())["best_value"]
    for engine in ("lean", "lightning"):
        folder = module_shell.folder / engine
        typed = ("--config-dir", str(mixed), "--config-name", "best", f"trainer.engine={engine}")
        ended = module_shell.train(*typed, f"hydra.run.dir={folder}")
        assert ended.code == 0, ended.text
        result = yaml.safe_load((folder / "result.yaml").read_text())
        assert (result["engine"], result["value"]) == (engine, best)


def test_why_lightning_trains_is_said_once_and_not_by_each_worker(module_shell: Shell) -> None:
    typed = ("study_name=why", "trainer.precision=64-true", "hydra.sweeper.n_trials=3", "hydra.sweeper.n_workers=2")
    ended = module_shell.train(*SWEEP, *typed)
    assert ended.code == 0, ended.text
    assert ended.out.count("engine lightning: trainer.precision=64-true needs Lightning's Trainer\n") == 1
    logs = [path.read_text() for path in module_shell.study("why").glob("workers/*/output.log")]
    assert len(logs) == 2
    assert not any("engine" in text for text in logs)
    assert engines_of(module_shell.study("why")) == ["lightning"] * 3
