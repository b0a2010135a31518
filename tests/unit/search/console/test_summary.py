"""The summary that a sweep prints at its end."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from studies import X, settings_of

from tunesmith.search.console.summary import print_summary

FOUND: dict[str, Any] = {
    **{"best_trial": 7, "best_value": 0.0278319, "best_params": {"x": 0.5}, "best_dir": "7", "best_host": None},
    "trials": {"complete": 17, "pruned": 13, "failed": 0, "lost": 0},
    **{"epochs": {"run": 685, "saved": 1193}, "test": {"test/loss": 0.05792}},
}


@pytest.fixture(autouse=True)
def _typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["train.py", "-m"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "7").mkdir()
    for name in ("optimization_results.yaml", "best.yaml"):
        (tmp_path / name).touch()
    return tmp_path


def summary(
    capsys: pytest.CaptureFixture[str], folder: Path, ties: list[int] | None = None, **changes: Any
) -> dict[str, str]:
    """Return label -> text."""
    print_summary(
        {**FOUND, **changes}, ties or [], settings_of(direction="minimize"), X, folder, {"study_name": "digits"}
    )
    lines = capsys.readouterr().out.splitlines()
    rows = [(line[:12], line[12:]) for line in lines]
    return {label.strip(): text.strip() for label, text in rows}


def test_it_says_what_was_found_and_how_to_go_on(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    shown = summary(capsys, folder)
    assert shown["best value"] == "0.0278319 (minimized), trial 7"
    assert shown["parameters"] == "x=0.5"
    assert shown["trials"] == "17 complete  13 pruned  0 failed  0 lost"
    assert shown["epochs"] == "685 run, 1193 saved by pruning"
    assert shown["test"] == "test/loss 0.05792"
    assert shown["files"].endswith("/  optimization_results.yaml, best.yaml")
    assert shown["repeat best"].endswith("--config-name best")
    assert shown["resume"] == "python train.py -m study_name=digits"


@pytest.mark.parametrize(
    ("ties", "text"),
    [
        ([3], "1 more trial has the same value: 3"),
        ([1, 2, 3, 4, 5, 6], "6 more trials have the same value: 1, 2, 3, 4, 5 ..."),
    ],
    ids=["one", "six"],
)
def test_ties_are_named(capsys: pytest.CaptureFixture[str], folder: Path, ties: list[int], text: str) -> None:
    assert summary(capsys, folder, ties)["ties"] == text


def test_without_a_complete_trial_there_is_no_best(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    nothing = {"best_trial": None, "best_value": None, "best_params": None, "best_dir": None, "test": None}
    shown = summary(capsys, tmp_path, **nothing)
    assert shown["best"] == "none: no trial ran to its end"
    assert not {"best value", "test", "repeat best"} & shown.keys()


def test_a_best_trial_of_another_host_is_said_to_lie_there(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    where = {"best_dir": "/far/7", "best_host": f"not-{socket.gethostname()}"}
    shown = summary(capsys, folder, **where)
    assert shown["best lies on"] == f"{where['best_host']}, in /far/7: the same command there evaluates it"
