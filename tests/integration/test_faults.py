"""Sweeps whose trials or processes end badly."""

from __future__ import annotations

import csv
import signal
from pathlib import Path

import pytest
import yaml
from conftest import QUICK, Shell
from plain_app import app, begun, ended, has_started, wait_until

SWEEP = ("-m", *QUICK, "trainer.max_epochs=6", "study_name=s", "hydra/sweeper/pruner=none", "hydra.sweeper.n_trials=4")
COUNTED = ["0", "1", "3", "4"]  # trial 2 is lost, 3 is its second attempt


def rows(study: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((study / "trials.csv").read_text().splitlines()))


def without(row: dict[str, str], *names: str) -> dict[str, str]:
    return {key: value for key, value in row.items() if key not in names}


@pytest.fixture(scope="module")
def unbroken(module_shell: Shell) -> Path:
    ended = module_shell.train(*SWEEP, "study_name=unbroken")
    assert ended.code == 0, ended.text
    return module_shell.study("unbroken")


@pytest.mark.parametrize(("name", "code"), [("SIGKILL", -signal.SIGKILL), ("SIGINT", 130), ("SIGTERM", 143)])
def test_a_stopped_sweep_goes_on_with_the_lost_trial(unbroken: Path, module_shell: Shell, name: str, code: int) -> None:
    stop = f"+callbacks.stop={{_target_:faults.SignalAt,epoch:4,name:{name},marker:m{name},trial:'2'}}"
    command = (*SWEEP, stop, f"study_name={name}")
    stopped = module_shell.train(*command)
    study = module_shell.study(name)
    assert stopped.code == code, stopped.text
    assert "Traceback" not in stopped.text
    assert (study / "2" / "checkpoints" / "last.ckpt").exists()
    if name != "SIGKILL":  # nobody is left to write results then
        assert stopped.out.splitlines()[-1].startswith("interrupted; resume it with: python ")
        results = yaml.safe_load((study / "optimization_results.yaml").read_text())
        assert results["trials"] == {"complete": 2, "pruned": 0, "failed": 0, "lost": 1}
    resumed = module_shell.train(*command)
    assert (resumed.code, resumed.err) == (0, "")  # Optuna warns where an epoch is reported twice
    assert [row["number"] for row in rows(study)] == COUNTED
    assert [row["folder"] for row in rows(study)] == ["0", "1", "2", "4"]
    assert (study / "2" / "metrics.csv").read_text() == (unbroken / "2" / "metrics.csv").read_text()
    expected = [without(row, "seconds", "number", "folder") for row in rows(unbroken)][2]
    assert without(rows(study)[2], "seconds", "number", "folder") == expected


def test_a_second_terminal_leaves_a_live_trial_alone_shares_the_budget_and_waits_for_its_end(shell: Shell) -> None:
    body = """
        if started(cfg) and cfg.x == 0:
            while not Path("go").exists():
                time.sleep(0.05)
        return cfg.x
    """
    app(shell, body)
    first = begun(shell, "x=0,1,2,3")
    second = shell.start("app.py", "-m", "x=0,1,2,3")
    wait_until(lambda: has_started(shell, 3))
    (shell.folder / "go").touch()
    done = [ended(command) for command in (first, second)]
    assert [(one.code, one.err) for one in done] == [(0, ""), (0, "")]
    assert "lost" not in done[1].out.splitlines()[0]
    assert "trials       4 complete  0 pruned  0 failed  0 lost" in done[1].out.splitlines()
    assert sorted(int(row["number"]) for row in rows(shell.study("s"))) == [0, 1, 2, 3]


def test_failures_are_recorded_with_reason_and_traceback(shell: Shell) -> None:
    bug = "+callbacks.bug={_target_:faults.RaiseAt,trials:['1']}"
    nan = "+callbacks.nan={_target_:faults.NanAfter,epoch:1,trials:['2']}"
    ended = shell.train(*SWEEP, bug, nan)
    assert ended.code == 0, ended.text
    states = [(row["state"], row["reason"]) for row in rows(shell.study("s"))]
    assert states == [
        ("COMPLETE", ""),
        ("FAIL", "ZeroDivisionError: a bug in a callback"),
        ("FAIL", "val/loss was nan at epoch 2"),
        ("COMPLETE", ""),
    ]
    assert 'raise ZeroDivisionError("a bug in a callback")' in (shell.study("s") / "1" / "train.log").read_text()
    assert 'raise ZeroDivisionError("a bug in a callback")' in ended.out
    assert yaml.safe_load((shell.study("s") / "2" / "result.yaml").read_text())["state"] == "FAIL"


def test_when_all_fail_a_sentence_says_so(shell: Shell) -> None:
    ended = shell.train(*SWEEP, "+callbacks.bug._target_=faults.RaiseAt")
    assert ended.code == 1
    assert ended.err == "error: all 4 trials failed, the last one with: ZeroDivisionError: a bug in a callback\n"
    assert ended.out.count("Traceback") == 1
    assert len(rows(shell.study("s"))) == 4


def test_too_many_failures_end_the_sweep_from_the_fifth_trial_on(shell: Shell) -> None:
    bug = "+callbacks.bug={_target_:faults.RaiseAt,trials:['0','2','4']}"
    ended = shell.train(*SWEEP, bug, "hydra.sweeper.n_trials=20")
    assert ended.code == 1
    assert ended.err.startswith("error: hydra.sweeper.max_failure_rate=0.5 is exceeded: 3 of 5 trials failed;")
    assert len(rows(shell.study("s"))) == 5
