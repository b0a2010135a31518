"""Sweeps of learners that are not ours, by the real command line: pruned, killed and taken up, evaluated, repeated."""

from __future__ import annotations

import csv
import signal
from collections import Counter
from pathlib import Path

import pytest
import yaml
from conftest import Shell
from foreign.cases import LEARNERS, SEARCH_PATH, Case

from tunesmith.run_folder import METRICS_FILE

TRIALS, EPOCHS = 8, 4
PRUNER = ("hydra/sweeper/pruner=none", "hydra.sweeper.pruner._target_=faults.PruneAll")
IN_MAKE_TEST = ("template",)
NAMES = [pytest.param(name, marks=[] if name in IN_MAKE_TEST else [pytest.mark.slow]) for name in LEARNERS]


def sweep(one: Case, study: str, *typed: str) -> tuple[str, ...]:
    epochs = f"trainer.max_epochs={EPOCHS}"
    return (
        "-m",
        *one.typed,
        *PRUNER,
        one.swept,
        "callbacks=none",
        "logger=none",
        "trainer.save_interval=0",
        epochs,
        f"study_name={study}",
        *typed,
    )


def states(folder: Path) -> Counter[str]:
    return Counter(row["state"] for row in csv.DictReader((folder / "trials.csv").read_text().splitlines()))


@pytest.mark.parametrize("name", NAMES)
def test_a_sweep_prunes_is_taken_up_after_a_kill_is_evaluated_and_its_best_trial_repeated(
    name: str, shell: Shell
) -> None:
    one = LEARNERS[name]
    swept = shell.train(*sweep(one, "s", f"hydra.sweeper.n_trials={TRIALS}"))
    assert swept.code == 0, swept.text
    assert states(shell.study("s")) == {"COMPLETE": 3, "PRUNED": 5}
    _is_evaluated(one, swept.out, shell.study("s"))
    _goes_on_after_a_kill(one, shell)
    _is_repeated(shell)


def _is_evaluated(one: Case, printed: str, study: Path) -> None:
    results = yaml.safe_load((study / "optimization_results.yaml").read_text())
    test_file = study / str(results["best_trial"]) / "test.yaml"
    if one.test:
        assert tuple(results["test"]) == one.test
        assert yaml.safe_load(test_file.read_text()) == results["test"]
        assert f"test         {one.test[0]} " in printed
    else:
        assert not test_file.exists()
        assert "no test_step" in printed or "logs nothing" in printed


def _goes_on_after_a_kill(one: Case, shell: Shell) -> None:
    """Kill the worker in the middle of its second trial's third epoch, and type the command again."""
    stop = "+callbacks.stop={_target_:faults.SignalAt,epoch:3,name:SIGKILL,marker:killed,trial:'1'}"
    command = sweep(one, "killed", "hydra.sweeper.n_trials=2", stop)
    assert shell.train(*command).code == -signal.SIGKILL
    again = shell.train(*command)
    assert again.code == 0, again.text
    for trial in ("0", "1"):
        first, second = ((shell.study(study) / trial / METRICS_FILE).read_text() for study in ("s", "killed"))
        assert first == second


def _is_repeated(shell: Shell) -> None:
    results = yaml.safe_load((shell.study("s") / "optimization_results.yaml").read_text())
    repeated = shell.train("--config-dir", str(shell.study("s")), "--config-name", "best", "hydra.run.dir=best")
    assert repeated.code == 0, repeated.text
    best = yaml.safe_load((shell.folder / "best" / "result.yaml").read_text())
    assert best["value"] == pytest.approx(results["best_value"], rel=1e-6)


def test_every_trial_starts_from_weights(shell: Shell) -> None:
    run = (SEARCH_PATH, "learner=plain", "data=points", "trainer.accelerator=cpu", "callbacks=none", "logger=none")
    assert shell.train(*run, "learner.lr=0.1", f"trainer.max_epochs={EPOCHS}", "hydra.run.dir=first").code == 0
    warm = ("weights=first/checkpoints/best.ckpt", "learner.lr=1e-9,1e-8", "trainer.max_epochs=1", "study_name=warm")
    ended = shell.train("-m", *run, *warm)
    assert ended.code == 0, ended.text
    for trial in ("0", "1"):  # a net that has not been trained has a loss of 0.7
        assert yaml.safe_load((shell.study("warm") / trial / "result.yaml").read_text())["value"] < 0.4
