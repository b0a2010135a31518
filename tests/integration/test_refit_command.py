"""refit=true and scripts/refit.py from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import QUICK, ROOT, Shell

from tunesmith.run_folder import read_metrics, read_yaml

SWEEP = ("-m", *QUICK, "study_name=s", "space=none", "trainer.max_epochs=4", "optimizer.lr=0.1,0.01")


def changed(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*.*")}


def test_a_sweep_evaluates_the_refit_of_its_best_trial_once(shell: Shell) -> None:
    study = shell.study("s")
    ended = shell.train(*SWEEP)
    without = read_yaml(study / "optimization_results.yaml")
    assert (ended.code, "refit" in without) == (0, False)
    ended = shell.train(*SWEEP, "refit=true")  # the finished study
    assert ended.code == 0, ended.text
    found = read_yaml(study / "optimization_results.yaml")
    place = study / f"{found['best_trial']}" / "refit"
    assert found["refit"] == {"folder": f"{found['best_trial']}/refit", "epochs": len(read_metrics(place))}
    assert found["test"] != without["test"]
    assert f"(refit, {found['refit']['epochs']} epochs, in {found['refit']['folder']})" in ended.text
    before = changed(place)
    assert shell.train(*SWEEP, "refit=true").code == 0
    assert changed(place) == before
    assert read_yaml(study / "optimization_results.yaml") == found


def test_a_plain_run_is_refitted_after_its_training(shell: Shell) -> None:
    ended = shell.train(*QUICK, "trainer.max_epochs=3", "refit=true", "hydra.run.dir=run")
    assert (ended.code, ended.err) == (0, ""), ended.text
    assert ended.out.splitlines()[-1].split() == ["refitted", "run/refit/", "3", "epochs"]
    assert shell.python(str(ROOT / "scripts" / "evaluate.py"), "run/refit").code == 0
    assert "test/acc" in read_yaml(shell.folder / "run" / "refit" / "test.yaml")


def test_a_finished_run_is_refitted_by_a_script(shell: Shell) -> None:
    assert shell.train(*QUICK, "trainer.max_epochs=3", "hydra.run.dir=run").code == 0
    ended = shell.python(str(ROOT / "scripts" / "refit.py"), "run")
    assert ended.code == 0, ended.text
    assert "python scripts/evaluate.py run/refit" in ended.out
    assert read_yaml(shell.folder / "run" / "refit" / "result.yaml")["refit"] == {"run": "run", "epochs": 3}


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (["data=none"], "refit must be false with data._target_=None"),
        (["refit=maybe"], "refit must be true or false; got 'maybe'"),
        (["trainer.devices=2", "trainer.accelerator=cpu"], "refit must be false with trainer.devices=2"),
    ],
    ids=["data", "value", "devices"],
)
def test_what_cannot_be_refitted_is_refused_before_the_sweep(
    typed: list[str], message: str, light_shell: Shell
) -> None:
    ended = light_shell.train("-m", "space=none", "seed=0,1", "refit=true", "study_name=s", *typed)
    assert ended.code == 1
    assert message in ended.text
    assert not light_shell.study("s").exists()
