"""A sweep's page is written after its results; whatever goes wrong with it costs a line and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from optuna import Study
from studies import asked, opened

from tunesmith.search.report.report import report_at_end, write_report


@pytest.fixture(autouse=True)
def _typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["train.py", "-m"])


@pytest.fixture
def study() -> Study:
    study = opened()
    trial = asked(study)
    trial.suggest_float("x", 0, 1)
    study.tell(trial, 0.5)
    return study


def test_the_page_is_written_and_its_path_is_the_last_row(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report_at_end(study, tmp_path, {"study_name": "study"})
    assert capsys.readouterr().out.split() == ["report", str(tmp_path / "report.html")]
    page = (tmp_path / "report.html").read_text()
    assert "<code>python train.py -m study_name=study</code>" in page
    assert len(page) < 7_000_000


def test_a_page_that_cannot_be_written_is_a_line(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "report.html").mkdir()
    report_at_end(study, tmp_path, {"study_name": "study"})
    line, *others = capsys.readouterr().out.splitlines()
    assert line.startswith("report.html is not written: ")
    assert not others


def test_a_folder_with_nothing_but_a_folder_of_a_trial_has_a_page(tmp_path: Path) -> None:
    (tmp_path / "0").mkdir()
    (tmp_path / "0" / "train.log").touch()
    assert "cannot be read" in write_report(tmp_path).read_text()
