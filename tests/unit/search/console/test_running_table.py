"""A running sweep in lines of a given width."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from rich.cells import cell_len

from tunesmith.search.console.overview import Overview, RunningTrial, TimeLeft
from tunesmith.search.console.table import short_keys, to_line, to_lines
from tunesmith.search.study.counts import Counts
from tunesmith.search.study.owner import Owner

PARAMS = {"optimizer.lr": 0.000853736, "data.batch_size": 16, "model.num_layers": 2, "model.batch_norm": True}
OWNER = Owner(host="here", machine="m", pid=1, started=0.0, worker=3)


def running(number: int = 12, **changes: Any) -> RunningTrial:
    return replace(RunningTrial(number, None, 7, 50, 0.0412345678, 0.0398, 5, PARAMS), **changes)


def overview(*trials: RunningTrial, **changes: Any) -> Overview:
    given = Overview(12, 30, Counts(7, 4, 1), 83.4, best=(0.0311693, 9), running=trials)
    return replace(given, **changes)


def plain(lines: list[str]) -> list[str]:
    return [re.sub(r"\x1b\[\d*m", "", line) for line in lines]


def test_the_table_shows_what_runs_and_the_whole() -> None:
    left = TimeLeft(130.4, 18, 14.2, 2)
    shown = to_lines(
        overview(running(), running(101, epochs=0, value=None, best=None, best_at=None), left=left), 80, 24
    )
    assert plain(shown) == [
        "trial  epoch      value  best (epoch)  parameters",
        "   12   7/50  0.0412346    0.0398 (5)  lr=0.000854 batch_size=16 num_layers=2 ..",
        "  101   0/50                           lr=0.000854 batch_size=16 num_layers=2 ..",
        "trials 12/30  4 pruned  1 failed  best 0.0311693 (trial 9)",
        "elapsed 1:23  left about 2:10 (18 trials of 14 s on average, 2 at once)",
    ]


def test_workers_have_a_column() -> None:
    shown = plain(to_lines(overview(running(owner=OWNER), running(13)), 60, 24))
    assert [line[:13] for line in shown[:3]] == ["trial  worker", "   12       3", "   13        "]


def test_the_stage_at_work_has_a_line() -> None:
    assert plain(to_lines(overview(stage=("confirm", 3, 25)), 80, 24))[0] == "stage confirm 3/25"


def test_before_anything_has_ended() -> None:
    empty = overview(done=0, counts=Counts(), best=None, elapsed=3600.0)
    assert plain(to_lines(empty, 80, 24)) == [
        "trials 0/30  0 pruned  0 failed  best none",
        "elapsed 1:00:00  left: not known yet",
    ]


def test_nothing_is_left_of_a_sweep_that_is_done() -> None:
    assert plain(to_lines(overview(done=30), 80, 24))[-1] == "elapsed 1:23"
    confirming = overview(done=30, stage=("confirm", 3, 25), left=TimeLeft(130.4, 22, 11.9, 2))
    assert plain(to_lines(confirming, 80, 24))[-1].startswith("elapsed 1:23  left about 2:10 (22 trials ")


def test_several_objectives_have_a_front() -> None:
    assert "  front 1 trial" in to_lines(overview(num_front=1), 80, 24)[0]


@pytest.mark.parametrize("width", [20, 40, 80, 140])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    wide = running(params={"a": "\u6f22\u5b57" * 40})
    lines = plain(to_lines(overview(running(), wide, left=TimeLeft(9.0, 1, 9.0, 1)), width, 24))
    assert max(map(cell_len, lines)) <= width


@pytest.mark.parametrize(("height", "num_shown"), [(24, 18), (8, 2), (3, 1)])
def test_a_low_terminal_leaves_room_for_what_is_printed(height: int, num_shown: int) -> None:
    lines = plain(to_lines(overview(*map(running, range(18))), 80, height))
    rows = lines[1:-2]
    assert len(rows) == num_shown
    assert rows[-1] == ("   17" + rows[-1][5:] if num_shown == 18 else f"and {18 - num_shown + 1} more")


def test_what_a_study_holds_cannot_steer_the_terminal() -> None:
    hostile = running(params={"x\x1b[2J": "\x1b]0;title\x07\nline"})
    lines = to_lines(overview(hostile, stage=("\x1b[H", 1, 2)), 140, 24)
    assert all(line.isprintable() for line in plain(lines))
    assert "\\x1b[2J=" in lines[1]


def test_a_number_of_epochs_that_is_exceeded_is_not_shown() -> None:
    """A job that is no training may report more steps than hydra.sweeper.max_epochs says."""
    assert plain(to_lines(overview(running(epochs=51)), 80, 24))[1].split()[:2] == ["12", "51"]


def test_keys_are_as_short_as_they_differ() -> None:
    assert short_keys(["optimizer.lr", "model.a.units", "model.b.units", "seed"]) == {
        "optimizer.lr": "lr",
        "model.a.units": "model.a.units",
        "model.b.units": "model.b.units",
        "seed": "seed",
    }


def test_a_line_for_a_pipe_says_what_runs() -> None:
    trials = [running(12), running(13, epochs=0, value=None), *map(running, range(14, 18))]
    assert to_line(overview(*trials, stage=("wide", 2, 10))) == (
        "stage wide 2/10  trials 12/30  4 pruned  1 failed  best 0.0311693 (trial 9)  running: "
        "trial 12 epoch 7/50 value 0.0412346; trial 13 epoch 0/50; trial 14 epoch 7/50 value 0.0412346; "
        "trial 15 epoch 7/50 value 0.0412346; and 2 more"
    )
    assert to_line(overview()).endswith("running: no trial yet")
