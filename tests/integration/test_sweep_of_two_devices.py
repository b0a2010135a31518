"""A sweep whose trials run on two devices each: two processes on a CPU, in a process group of the trial's own."""

from __future__ import annotations

import csv
from pathlib import Path

import optuna
import pytest
from conftest import QUICK, Ended, Shell
from plain_app import processes, wait_until

from tunesmith.search.storage.storage import open_journal

# The second trial is stopped after its third epoch, by a limit that no loss keeps.
SWEEP = (
    *("-m", *QUICK, "study_name=s", "trainer.accelerator=cpu", "trainer.devices=2", "trainer.max_epochs=20"),
    *("hydra.sweeper.n_trials=2", "hydra/sweeper/pruner=threshold", "hydra.sweeper.pruner.upper=0"),
    *("hydra.sweeper.pruner.n_warmup_steps=3", "+callbacks.kill={_target_:faults.KillRank,trial:'0',rank:1}"),
)


@pytest.fixture(scope="module")
def ended(module_shell: Shell) -> Ended:
    """The sweep's end; no rank outlives it."""
    ended = module_shell.train(*SWEEP)
    wait_until(lambda: not processes(module_shell), 60)
    return ended


@pytest.fixture(scope="module")
def rows(module_shell: Shell, ended: Ended) -> list[dict[str, str]]:
    assert (ended.code, ended.err) == (0, ""), ended.text
    return list(csv.DictReader((module_shell.study("s") / "trials.csv").read_text().splitlines()))


def epochs_in(folder: Path) -> list[str]:
    return [row.partition(",")[0] for row in (folder / "metrics.csv").read_text().splitlines()[1:]]


def test_a_killed_rank_fails_its_trial(module_shell: Shell, rows: list[dict[str, str]]) -> None:
    assert (rows[0]["state"], rows[0]["reason"]) == ("FAIL", "rank 1 ended with exit code -9")
    assert epochs_in(module_shell.study("s") / "0") == ["1"]


def test_the_next_trial_is_pruned_on_both_ranks(module_shell: Shell, rows: list[dict[str, str]]) -> None:
    assert (rows[1]["state"], rows[1]["epochs"]) == ("PRUNED", "3")
    assert epochs_in(module_shell.study("s") / "1") == ["1", "2", "3"]
    assert "Traceback" not in (module_shell.study("s") / "1" / "output.log").read_text()


def test_a_pruned_trial_has_ended_within_ten_seconds(module_shell: Shell, rows: list[dict[str, str]]) -> None:
    study = module_shell.study("s")
    storage = open_journal(study / "study.journal")
    ended_at = optuna.load_study(study_name="s", storage=storage).trials[1].datetime_complete
    assert ended_at is not None
    assert ended_at.timestamp() - (study / "1" / "metrics.csv").stat().st_mtime < 10.0
