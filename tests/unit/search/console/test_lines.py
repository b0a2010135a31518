"""What a sweep prints: the space, a line per trial, the command that goes on."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from tunesmith.search.attribute_names import EPOCHS, OWNER, REASON
from tunesmith.search.console.lines import (
    rows,
    say,
    show_joined,
    show_lost,
    show_planned,
    show_space,
    show_stage,
    show_trial,
)
from tunesmith.search.space.space import parse_space
from tunesmith.search.stages.stage import Stage


def trial_of(state: TrialState, *reported: float, number: int = 0, **arguments: Any) -> FrozenTrial:
    trial = create_trial(state=state, intermediate_values=dict(enumerate(reported, start=1)), **arguments)
    trial.number = number
    trial.datetime_start = datetime(2026, 1, 1)
    trial.datetime_complete = trial.datetime_start + timedelta(seconds=12.34)
    return trial


COMPLETE = trial_of(TrialState.COMPLETE, 0.5, 0.25, value=0.25)


@pytest.mark.parametrize(
    ("trial", "earlier", "line"),
    [
        pytest.param(
            COMPLETE,
            [],
            "trial   0  COMPLETE  value 0.25  best 0.25 (trial 0)  epochs 2  12.3 s",
            id="complete",
        ),
        pytest.param(
            trial_of(TrialState.PRUNED, 0.9, number=12),
            [COMPLETE],
            "trial  12  PRUNED    value 0.9  best 0.25 (trial 0)  epochs 1  12.3 s",
            id="pruned",
        ),
        pytest.param(
            trial_of(TrialState.COMPLETE, 0.5, 0.25, value=0.25, user_attrs={EPOCHS: 40}),
            [],
            "trial   0  COMPLETE  value 0.25  best 0.25 (trial 0)  epochs 40  12.3 s",
            id="of two folds",
        ),
        pytest.param(
            trial_of(TrialState.FAIL, number=1, user_attrs={REASON: "val/loss was nan at epoch 1"}),
            [],
            "trial   1  FAIL      value none  best none  epochs 0  12.3 s  val/loss was nan at epoch 1",
            id="failed",
        ),
        pytest.param(
            trial_of(TrialState.FAIL, number=1),
            [COMPLETE],
            "trial   1  FAIL      value none  best 0.25 (trial 0)  epochs 0  12.3 s  lost",
            id="lost",
        ),
    ],
)
def test_a_line_per_trial(
    capsys: pytest.CaptureFixture[str], trial: FrozenTrial, earlier: list[FrozenTrial], line: str
) -> None:
    show_trial(trial, [*earlier, trial], [StudyDirection.MINIMIZE])
    assert capsys.readouterr().out == f"{line}\n"


@pytest.mark.parametrize(
    ("typed", "lines"),
    [
        pytest.param(
            [],
            ["space: nothing varies; one trial; a typed KEY=1,2 or KEY=interval(0,1) makes a key vary"],
            id="nothing varies",
        ),
        pytest.param(["a=1,2"], ["space (2 configurations)", "  a  1, 2"], id="finite"),
        pytest.param(
            ["a=1,2", "long.key=interval(0,1)"],
            ["space", "  a         1, 2", "  long.key  0 to 1"],
            id="infinite",
        ),
    ],
)
def test_the_space(capsys: pytest.CaptureFixture[str], typed: list[str], lines: list[str]) -> None:
    show_space(parse_space({}, typed))
    assert capsys.readouterr().out.splitlines() == lines


X = parse_space({}, ["x=interval(0,1)"])
BEST = {"x": 0.123456789, "c": "b"}


@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        pytest.param({}, ["stage s: 2 trials", "  x  0 to 1"], id="ranges"),
        pytest.param(
            {"held": {"units": 32, "long.key": BEST["x"]}},
            ["stage s: 2 trials", "  x         0 to 1", "  units     32, held", "  long.key  0.123457, held"],
            id="held keys",
        ),
        pytest.param(
            {"points": ({"x": 0.5}, BEST, {"x": 0.5, "c": "a"}), "only_points": True},
            ["stage s: 2 trials at given points", "  x  0.123457, 0.5", "  c  b, a"],
            id="points",
        ),
        pytest.param(
            {"points": ({},), "only_points": True, "n_trials": 1},
            ["stage s: 1 trial, the configuration as it stands"],
            id="baseline",
        ),
        pytest.param(
            {"points": (BEST,), "only_points": True, "is_rerun": True, "overrides": ("data.folds=5",)},
            ["stage s: 2 trials, the best before it once more, with data.folds=5"],
            id="a rerun",
        ),
        pytest.param(
            {"points": (BEST,), "only_points": True, "is_counted": False, "remarks": ("trial 3 again",)},
            ["stage s: 2 trials", "trial 3 again"],
            id="repeats on other seeds",
        ),
    ],
)
def test_a_stage_that_begins(capsys: pytest.CaptureFixture[str], keys: dict[str, Any], shown: list[str]) -> None:
    stage = replace(Stage("s", X, None, None, 2), **keys)
    show_stage(stage, stage.n_trials)
    assert capsys.readouterr().out.splitlines() == shown


@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        ({}, "stage s: 2 trials"),
        ({"remarks": ("no trial before this one",), "points": (BEST,)}, "stage s: 2 trials, around the best before it"),
        ({"n_trials": 0, "is_rerun": True}, "stage s: trials, the best before it once more"),
        ({"n_trials": 0, "is_counted": False}, "stage s: trials, the best before it once more"),
    ],
    ids=["a sampler's", "neighbours", "a rerun", "repeats"],
)
def test_a_stage_of_which_no_point_is_known_yet(
    capsys: pytest.CaptureFixture[str], keys: dict[str, Any], shown: str
) -> None:
    stage = replace(Stage("s", X, None, None, 2), **keys)
    show_planned(stage, stage.n_trials)
    assert capsys.readouterr().out.splitlines() == [shown]


def test_what_a_function_of_the_user_suggests_is_no_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    show_space(replace(parse_space({}, []), is_open=True))
    show_space(replace(parse_space({}, ["x=1,2"]), is_open=True))
    suggested = "what hydra.sweeper.custom_search_space suggests"
    assert capsys.readouterr().out.splitlines() == [f"space: {suggested}", "space", "  x  1, 2", f"  and {suggested}"]


def test_a_character_that_the_console_cannot_show_is_an_escape(monkeypatch: pytest.MonkeyPatch) -> None:
    console = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", console)
    say("x=\u03b1\udcff")
    assert console.buffer.getvalue() == b"x=\\u03b1\\udcff\n"  # type: ignore[attr-defined]


def test_rows_have_two_columns(capsys: pytest.CaptureFixture[str]) -> None:
    rows([("best value", "0.1"), ("files", "a b")])
    assert capsys.readouterr().out == "best value   0.1\nfiles        a b\n"


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        pytest.param({"worker": 3}, "worker 3  trial   7", id="a worker of a sweep"),
        pytest.param({"worker": None}, "trial   7", id="the sweep itself"),
    ],
)
def test_a_line_names_the_worker(capsys: pytest.CaptureFixture[str], owner: dict[str, Any], name: str) -> None:
    ran = trial_of(TrialState.COMPLETE, 0.5, value=0.5, number=7, user_attrs={OWNER: owner})
    lost = trial_of(TrialState.FAIL, 0.5, 0.4, number=7, user_attrs={OWNER: owner})
    show_trial(ran, [ran], [StudyDirection.MINIMIZE])
    show_lost(lost)
    assert capsys.readouterr().out.splitlines() == [
        f"{name}  COMPLETE  value 0.5  best 0.5 (trial 7)  epochs 1  12.3 s",
        f"{name}  lost after 2 epochs; queued again",
    ]


def running_on(host: str) -> FrozenTrial:
    return trial_of(TrialState.RUNNING, user_attrs={OWNER: {"host": host}})


@pytest.mark.parametrize(
    ("trials", "line"),
    [
        pytest.param([], "", id="a new study"),
        pytest.param([COMPLETE], "going on with the study: 1 of 30 trials counted\n", id="nobody works on it"),
        pytest.param(
            [COMPLETE, running_on("alpha"), running_on("beta"), running_on("alpha")],
            "joined the study: 1 of 30 trials counted, 2 running on alpha, 1 running on beta\n",
            id="others work on it",
        ),
    ],
)
def test_what_a_study_holds_when_a_sweep_comes_in(
    trials: list[FrozenTrial], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    show_joined(trials, 30)
    assert capsys.readouterr().out == line


def test_a_trial_of_several_objectives_is_shown_with_the_front(capsys: pytest.CaptureFixture[str]) -> None:
    directions = [StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE]
    trials = [trial_of(TrialState.COMPLETE, values=[x, y], number=n) for n, (x, y) in enumerate([(1, 2), (0, 3)])]
    failed = trial_of(TrialState.FAIL, number=2, user_attrs={REASON: "a bug"})
    for trial in (*trials, failed):
        show_trial(trial, [*trials, failed], directions)
    assert capsys.readouterr().out.splitlines() == [
        "trial   0  COMPLETE  values 1, 2  front 1 trial  epochs 0  12.3 s",
        "trial   1  COMPLETE  values 0, 3  front 1 trial, this one too  epochs 0  12.3 s",
        "trial   2  FAIL      values none  front 1 trial  epochs 0  12.3 s  a bug",
    ]


def test_a_trial_that_breaks_a_constraint_is_not_the_best(capsys: pytest.CaptureFixture[str]) -> None:
    broken = trial_of(TrialState.COMPLETE, value=0.5, system_attrs={"constraints:size <= 3": 1.0})
    show_trial(broken, [broken], [StudyDirection.MINIMIZE])
    line = "trial   0  COMPLETE  value 0.5  best none  epochs 0  12.3 s  infeasible: not size <= 3"
    assert capsys.readouterr().out == f"{line}\n"


def test_a_line_names_no_best_trial_but_itself_if_the_console_shows_it_anyway(
    capsys: pytest.CaptureFixture[str],
) -> None:
    worse = trial_of(TrialState.COMPLETE, value=0.5, number=7)
    better = trial_of(TrialState.COMPLETE, value=0.4, number=8)
    for trial in (worse, better):
        show_trial(trial, [worse, better], [StudyDirection.MINIMIZE], is_best_shown=True)
    assert capsys.readouterr().out.splitlines() == [
        "trial   7  COMPLETE  value 0.5  epochs 0  12.3 s",
        "trial   8  COMPLETE  value 0.4  best so far  epochs 0  12.3 s",
    ]
