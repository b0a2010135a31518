"""The checks of scripts/chaos.py and scripts/chaos_long.py find what is broken: each is handed a study that is."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from tunesmith.search.study.owner import this_process

sys.path.append(str(ROOT / "scripts"))

from chaos.damage import DAMAGE
from chaos.events import Events
from chaos.faults import broken_end
from chaos.invariants import (
    Costs,
    broken_costs,
    broken_folders,
    broken_history,
    broken_results,
    broken_study,
    ends,
)
from chaos.plan import draw_plan, vacuous
from chaos.small_job import EPOCHS, last_epoch, value_at
from chaos.small_study import broken_trial


def trial_of(number: int, state: TrialState = TrialState.COMPLETE, epochs: int = 2, **attributes: Any) -> FrozenTrial:
    """An attempt that draws its number as x, and reports 1 / epoch after each epoch."""
    trial = create_trial(
        state=state,
        value=1 / epochs if state == TrialState.COMPLETE else None,
        params={"x": attributes.pop("x", number)},
        distributions={"x": FloatDistribution(0, 1000)},
        intermediate_values={epoch: 1 / epoch for epoch in range(1, epochs + 1)},
        user_attrs=attributes,
    )
    trial.number = number
    return trial


LOST, FAIL, RUNNING = trial_of(2, TrialState.FAIL), trial_of(2, TrialState.FAIL, reason="a bug"), TrialState.RUNNING
TWO = [trial_of(0), trial_of(1)]


@pytest.mark.parametrize(
    ("trials", "broken"),
    [
        pytest.param(TWO, [], id="whole"),
        pytest.param([*TWO, LOST], [], id="a lost attempt does not count"),
        pytest.param(TWO[:1], ["1 trials count, not 2"], id="one is missing"),
        pytest.param([*TWO, FAIL], ["3 trials count, not 2"], id="one too many"),
        pytest.param([TWO[0], trial_of(1, first_attempt=0)], ["a trial counts more than once"], id="doubled"),
        pytest.param([TWO[0], trial_of(1, x=0)], ["two trials have the same parameters"], id="drawn twice"),
        pytest.param([*TWO, trial_of(2, RUNNING)], ["a trial is left running"], id="one runs"),
    ],
)
def test_a_study_of_two_trials(trials: list[FrozenTrial], broken: list[str]) -> None:
    assert list(broken_study(trials, 2)) == broken


@pytest.mark.parametrize(("records", "num_broken"), [(0, 2), (1, 2), (2, 0)])
def test_a_trial_that_has_ended_stays_as_it_ended(records: int, num_broken: int) -> None:
    seen = ends([trial_of(0), trial_of(1), trial_of(2)])
    now = [trial_of(0), trial_of(1, epochs=3), LOST]
    assert len(list(broken_history(seen, now, records))) == num_broken


@pytest.mark.parametrize(
    ("costs", "broken"),
    [
        pytest.param(Costs(lost=1, failed=1), [], id="paid for"),
        pytest.param(Costs(failed=1), ["1 attempts were lost, not 0 at most: 2"], id="lost by nobody"),
        pytest.param(Costs(lost=1), ["trial 2 failed: a bug"], id="failed for nothing"),
    ],
)
def test_no_more_is_lost_than_the_faults_cost(costs: Costs, broken: list[str]) -> None:
    assert list(broken_costs([*TWO, LOST, FAIL], costs)) == broken


# files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a study of two trainings leaves."""
    (tmp_path / "trials.csv").write_text("number\n0\n1\n")
    (tmp_path / "optimization_results.yaml").write_text("best_value: 0.5\n")
    (tmp_path / "best.yaml").write_text("x: 0\n")
    for trial in TWO:
        for name in (".hydra", "checkpoints"):
            (tmp_path / str(trial.number) / name).mkdir(parents=True)
        own = tmp_path / str(trial.number)
        (own / ".hydra" / "config.yaml").touch()
        (own / "checkpoints" / "best.ckpt").touch()
        (own / "metrics.csv").write_text("epoch,val/loss\n1,1.0\n2,0.5\n")
        (own / "result.yaml").write_text(yaml.safe_dump({"state": "COMPLETE", "value": 0.5, "epochs": 2}))
    return tmp_path


def broken_files(folder: Path, records: int = 0) -> list[str]:
    return [*broken_results(TWO, folder), *broken_folders(TWO, folder, True, records)]


def test_the_files_of_a_whole_study(folder: Path) -> None:
    assert broken_files(folder) == []


@pytest.mark.parametrize(
    ("damage", "broken"),
    [
        pytest.param({"trials.csv": "number\n0\n"}, "trials.csv has other trials than the study", id="a row"),
        pytest.param({"optimization_results.yaml": "best_value: 0.4"}, "the best value is 0.5, not 0.4", id="the best"),
        pytest.param({"best.yaml": "nothing"}, "best.yaml cannot be read", id="no config"),
        pytest.param(
            {"1/result.yaml": "{state: PRUNED, value: 0.5, epochs: 2}"},
            "1/result.yaml says PRUNED 0.5, the study ('COMPLETE', 0.5)",
            id="another end",
        ),
        pytest.param({"1/metrics.csv": "epoch,a\n1,1\n1,1\n"}, "1/metrics.csv has epochs [1, 1]", id="an epoch twice"),
        pytest.param({"1/checkpoints/a.tmp": ""}, "1/checkpoints holds ['a.tmp', 'best.ckpt']", id="half a checkpoint"),
    ],
)
def test_a_file_that_says_something_else(folder: Path, damage: dict[str, str], broken: str) -> None:
    for name, text in damage.items():
        (folder / name).write_text(text)
    assert broken in broken_files(folder)


def test_a_damaged_record_may_cost_one_trials_files(folder: Path) -> None:
    (folder / "1" / ".hydra" / "config.yaml").unlink()
    assert broken_files(folder) == ["1/.hydra/config.yaml is missing"]
    assert broken_files(folder, records=1) == []


# what the faults themselves find


@pytest.mark.parametrize(
    ("code", "printed", "is_broken"),
    [
        pytest.param(1, ["study a", "error: the disk is full", "resume it with: python"], False, id="one line"),
        pytest.param(1, ["Traceback (most recent call last):", "resume it with: python"], True, id="a traceback"),
        pytest.param(1, ["error: the disk is full"], True, id="no way on"),
        pytest.param(None, ["trial 1"], True, id="no end"),
        pytest.param(0, ["done"], False, id="over before"),
    ],
)
def test_how_a_sweep_ends_whose_disk_is_full(code: int | None, printed: list[str], is_broken: bool) -> None:
    assert bool(broken_end(code, printed)) == is_broken


def test_a_run_whose_kills_met_nobody_proves_nothing() -> None:
    plan = draw_plan(0, ["kills", "clock"], kills=4, each=2, epochs=(4, 20))
    assert vacuous(plan, {"kills": 2, "clock": 1}) == []
    assert sorted(vacuous(plan, {"kills": 1, "clock": 0})) == [
        "vacuous: 0 of 2 clock met a running trial, fewer than 50%",
        "vacuous: 1 of 4 kills met a running trial, fewer than 50%",
    ]


def test_a_seed_is_a_plan() -> None:
    plan = draw_plan(1, ["kills", "disk"], kills=3, each=2, epochs=(4, 20))
    assert sorted(fault.name for fault in plan) == ["disk", "disk", "kills", "kills", "kills"]
    assert draw_plan(1, ["kills", "disk"], kills=3, each=2, epochs=(4, 20)) == plan
    assert draw_plan(2, ["kills", "disk"], kills=3, each=2, epochs=(4, 20)) != plan


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_leaves_a_line_of_the_same_length_that_is_no_record(
    damage: Callable[[bytes, random.Random], bytes],
) -> None:
    line = b'{"op_code":7,"worker_id":"a-1","trial_id":3,"step":1,"intermediate_value":0.5}\n'
    for seed in range(100):
        damaged = damage(line, random.Random(seed))
        assert len(damaged) == len(line)
        with pytest.raises(ValueError, match=r"Expecting|Extra|Unterminated|Invalid|codec|delimiter"):
            json.loads(damaged + line if damaged.endswith(b" ") else damaged)


def test_who_runs_a_trial_has_reported_an_epoch_of_it(tmp_path: Path) -> None:
    journal = tmp_path / "study.journal"
    events = Events(journal)
    seen = []
    records: list[dict[str, Any]] = [
        {"op_code": 4, "user_attrs": {"owner": this_process().to_attribute(None)}},
        {"op_code": 4},
        {"op_code": 8, "trial_id": 1, "user_attr": {"owner": {"pid": 7}}},
        {"op_code": 7, "trial_id": 1, "step": 1, "intermediate_value": 0.5},
        {"op_code": 7, "trial_id": 0, "step": 1, "intermediate_value": 0.5},
        {"op_code": 6, "trial_id": 1, "state": 1},
    ]
    for record in records:
        with journal.open("a") as file:
            file.write(json.dumps(record) + "\n")
        events.look()
        seen.append(dict(events.running))
    pid = this_process().pid
    assert seen == [{}, {}, {}, {7: 1}, {7: 1, pid: 0}, {pid: 0}]
    assert events.num_epochs == 2


# a small study's trials


def small_trial(number: int, epochs: int, state: TrialState = TrialState.COMPLETE, value: float = 0.0) -> FrozenTrial:
    trial = trial_of(number, state, x=0.5)
    trial.intermediate_values = {epoch: value_at(0.5, epoch) for epoch in range(1, epochs + 1)}
    if state == TrialState.COMPLETE:
        trial.values = [value_at(0.5, epochs) + value]
    return trial


@pytest.mark.parametrize(
    ("trial", "is_broken"),
    [
        pytest.param(small_trial(1, EPOCHS), False, id="complete"),
        pytest.param(small_trial(5, last_epoch(5), TrialState.PRUNED), False, id="pruned"),
        pytest.param(small_trial(1, EPOCHS, TrialState.PRUNED), True, id="pruned, and should be complete"),
        pytest.param(small_trial(1, EPOCHS, TrialState.FAIL), True, id="failed"),
        pytest.param(small_trial(1, EPOCHS - 1), True, id="an epoch is missing"),
        pytest.param(small_trial(1, EPOCHS, value=0.1), True, id="another value"),
    ],
)
def test_a_trial_of_a_small_study(trial: FrozenTrial, is_broken: bool) -> None:
    assert bool(list(broken_trial(trial))) == is_broken
