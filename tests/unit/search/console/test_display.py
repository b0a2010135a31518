"""When a console shows what runs."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from studies import Clock

from tunesmith.footer import Footer
from tunesmith.search.console import display
from tunesmith.search.console.display import LiveTable, SignsOfLife, choose_display, interval_for
from tunesmith.search.console.overview import Overview
from tunesmith.search.study.counts import Counts

OVERVIEW = Overview(1, 3, Counts(1), 5.0)
LINE = "trials 1/3  0 pruned  0 failed  best none  running: no trial yet\n"


def test_a_pipe_gets_a_line_if_there_was_none_for_a_while(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    signs = SignsOfLife(25.0, clock)

    def after(seconds: float) -> str:
        clock.seconds += seconds
        signs.show(lambda: OVERVIEW)
        return capsys.readouterr().out

    assert after(24.0) == ""
    assert after(1.0) == LINE
    assert after(20.0) == ""
    signs.note_line()
    assert after(20.0) == ""
    assert after(5.0) == LINE


def test_a_table_is_drawn_once_a_second_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, looks = Clock(), []
    monkeypatch.setattr(display, "time", SimpleNamespace(monotonic=clock, thread_time=lambda: 0.0))

    def look() -> Overview:
        looks.append(clock.seconds)
        return OVERVIEW

    with (tmp_path / "out").open("w") as file:
        table = LiveTable(Footer(file))
        for clock.seconds in (10.0, 10.5, 10.9, 11.5, 12.0, 12.6):
            table.show(look)
        table.close()
    assert looks == [10.0, 11.5, 12.6]


@pytest.mark.parametrize(("cost", "interval"), [(0.0, 1.0), (0.01, 1.0), (0.02, 2.0), (1.0, 5.0)])
def test_what_is_dear_is_shown_less_often(cost: float, interval: float) -> None:
    assert interval_for(cost) == interval


def test_a_pipe_gets_no_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("TERM", "xterm")
    assert not sys.stdout.isatty()  # capsys sees to it even if pytest -s runs in a terminal
    assert not choose_display(True).is_table
