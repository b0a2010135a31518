"""The summary that a sweep prints at its end."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from studies import X, settings_of

from tunesmith.run_folder import write_yaml
from tunesmith.search.console.summary import print_summary

FOUND: dict[str, Any] = {
    **{"best_trial": 7, "best_value": 0.0278319, "best_params": {"x": 0.5}, "best_dir": "7", "best_host": None},
    "trials": {"complete": 17, "pruned": 13, "failed": 0, "lost": 0},
    **{"epochs": {"run": 685, "saved": 1193}, "test": {"test/loss": 0.05792}},
}


NOTHING = {"best_trial": None, "best_value": None, "best_params": None, "best_dir": None, "test": None}


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


@pytest.mark.parametrize(
    ("counts", "line"), [({"overfitting": 7, "shift": 4}, "overfitting 7, shift 4 of 30 trials"), ({}, None)]
)
def test_the_tally_of_findings_is_shown_if_there_are_any(
    capsys: pytest.CaptureFixture[str], folder: Path, counts: dict[str, int], line: str | None
) -> None:
    assert summary(capsys, folder, findings=counts).get("findings") == line


@pytest.mark.parametrize(
    ("place", "logdir"), [("outputs/sweeps/a", "outputs"), ("my studies/a", "'my studies/a'"), (".", ".")]
)
def test_the_command_for_curves_leads_to_the_study(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str, logdir: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(place).mkdir(parents=True, exist_ok=True)
    assert summary(capsys, Path(place), **NOTHING)["curves"] == f"tensorboard --logdir {logdir}"


def test_what_the_test_part_leaves_to_chance_is_read_in_the_folder_of_what_was_tested(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    (folder / "7" / "refit").mkdir()
    (folder / "7" / "test_report.txt").touch()
    for place, error in (("7", 0.02), ("7/refit", 0.01)):
        write_yaml(folder / place / "test.yaml", {"test/loss": 0.05792, "samples": 360, "loss_se": error})
    shown = summary(capsys, folder)
    assert shown["test +-"] == "test/loss 0.02  (one standard error, 360 samples)"
    assert shown["per class"] == f"{folder}/7/test_report.txt"
    shown = summary(capsys, folder, refit={"folder": "7/refit", "epochs": 3})
    assert (shown["test +-"][:14], "per class" in shown) == ("test/loss 0.01", False)
    assert "test +-" not in summary(capsys, folder, best_dir="../7")
    assert "test +-" not in summary(capsys, folder, best_dir="8")


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


def test_the_front_of_several_objectives_has_a_row_for_each_trial(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    solutions = [{"params": {"x": number / 10}, "values": [number / 10, -number], "trial": number} for number in (3, 1)]
    shown = summary(capsys, tmp_path, **NOTHING, directions=["minimize", "maximize"], solutions=solutions)
    assert shown["front"] == "2 of 17 trials, dominated by no other (minimized, maximized)"
    assert (shown["trial   3"], shown["trial   1"]) == ("0.3, -3  x=0.3", "0.1, -1  x=0.1")


def test_of_a_long_front_some_are_shown(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    solutions = [{"params": {}, "values": [0, 0], "trial": number} for number in range(25)]
    shown = summary(capsys, tmp_path, **NOTHING, directions=["minimize", "maximize"], solutions=solutions)
    assert [label for label in shown if label.startswith("trial ")] == [f"trial {n:>3}" for n in range(0, 25, 3)]
    assert shown[""] == "16 more are in optimization_results.yaml"


def test_it_says_if_no_trial_keeps_the_constraints(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    shown = summary(capsys, tmp_path, **NOTHING, infeasible=30)
    assert shown["best"] == "none: no trial keeps all constraints"
    assert shown["trials"] == "17 complete  13 pruned  0 failed  0 lost  30 infeasible"
