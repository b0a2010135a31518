"""The record of a run: what it keeps of each epoch, what it reports, how a run that goes on continues it."""

from __future__ import annotations

import math
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from listener import Listener

from tunesmith.errors import AttemptLost, UserError
from tunesmith.objective import Objective
from tunesmith.reporting import NoReporter, Reporter
from tunesmith.run_folder import read_metrics
from tunesmith.training.record import RunRecord

LOSS = Objective("val/loss", "min")


def begun(folder: Path, reporter: Reporter | None = None, state: Mapping[str, Any] | None = None) -> RunRecord:
    record = RunRecord(folder, LOSS, reporter or NoReporter())
    if state is not None:
        record.load_state_dict(state)
    record.start()
    record.open_table()
    return record


def after(losses: list[float], folder: Path, reporter: Reporter | None = None) -> RunRecord:
    """A record of as many epochs as there are losses."""
    record = begun(folder, reporter)
    for epoch, loss in enumerate(losses, 1):
        record.end_epoch(epoch, {"val/loss": loss})
        record.ask_to_stop(is_last=epoch == len(losses))
    return record


def without_seconds(record: RunRecord) -> dict[str, Any]:
    return {key: value for key, value in record.result_fields().items() if key != "seconds"}


# epochs


def test_each_epoch_is_a_row_and_the_best_one_is_the_result(tmp_path: Path) -> None:
    record = after([0.5, 0.3, 0.4], tmp_path)
    assert [(row["epoch"], row["val/loss"]) for row in read_metrics(tmp_path)] == [
        *(("1", "0.5"), ("2", "0.3"), ("3", "0.4"))
    ]
    assert not record.is_over
    told = ["value", "epoch", "epochs", "parameters", "seconds", "state", "reason", "checkpoint"]
    assert list(record.result_fields()) == told
    assert without_seconds(record) == {
        **{"value": 0.3, "epoch": 2, "epochs": 3, "parameters": None, "state": "COMPLETE", "reason": None},
        "checkpoint": "checkpoints/best.ckpt",
    }


def test_a_row_is_written_before_the_next_epoch(tmp_path: Path) -> None:
    record = begun(tmp_path)
    assert read_metrics(tmp_path) == []
    record.end_epoch(1, {"val/loss": 0.5, "lr": 0.1})
    assert read_metrics(tmp_path) == [{"epoch": "1", "val/loss": "0.5", "lr": "0.1"}]


def test_an_objective_that_is_not_logged_is_a_users_mistake_and_no_row(tmp_path: Path) -> None:
    record = begun(tmp_path, listener := Listener())
    message = "objective.metric must be a logged metric; got 'val/loss'; did you mean val/los? options: lr, val/los"
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        record.end_epoch(1, {"val/los": 0.5, "lr": 0.1})
    assert (read_metrics(tmp_path), listener.heard, record.epoch) == ([], [], 0)


def test_a_rank_that_only_compares_writes_and_reports_nothing(tmp_path: Path) -> None:
    record = RunRecord(tmp_path, LOSS, listener := Listener(stop_at=3))
    record.compare(3, {"val/loss": 0.5})
    assert (record.epoch, record.best.epoch, record.best.value, record.is_over) == (3, 3, 0.5, False)
    assert (list(tmp_path.iterdir()), listener.heard) == ([], [])


# the reporter


def test_the_reporter_hears_each_epoch(tmp_path: Path) -> None:
    after([0.5, 0.3], tmp_path, listener := Listener())
    assert listener.heard == [(1, 0.5), (2, 0.3)]


def test_a_run_that_its_reporter_stops(tmp_path: Path) -> None:
    record = begun(tmp_path, Listener(stop_at=2))
    over = []
    for epoch in (1, 2):
        record.end_epoch(epoch, {"val/loss": 1 / epoch})
        over.append(record.is_over)
        record.ask_to_stop()
        over.append(record.is_over)
    assert over == [False, False, False, True]
    fields = record.result_fields()
    assert (fields["state"], fields["reason"], fields["epochs"]) == ("PRUNED", "pruned", 2)


def test_after_the_last_epoch_there_is_nothing_to_stop(tmp_path: Path) -> None:
    record = after([0.5, 0.3], tmp_path, Listener(stop_at=2))
    assert (record.is_stopped, record.is_over, record.state) == (False, False, "COMPLETE")


def test_an_epoch_of_several_validations_reports_its_best(tmp_path: Path) -> None:
    record = begun(tmp_path, listener := Listener())
    for epoch, losses in enumerate([[0.5, 0.3], [0.1, 0.4]], start=1):
        for step, loss in enumerate(losses, start=10 * epoch):
            record.end_validation(epoch, {"val/loss": loss}, step)
        record.report_epoch(epoch)
    assert listener.heard == [(1, 0.3), (2, 0.1)]
    assert (record.best.value, record.best.epoch, record.best.step) == (0.1, 2, 20)
    assert [row["step"] for row in read_metrics(tmp_path)] == ["10", "11", "20", "21"]
    assert record.result_fields()["step"] == 20


def test_an_epoch_without_a_validation_reports_nothing(tmp_path: Path) -> None:
    record = begun(tmp_path, listener := Listener())
    record.end_validation(1, {"val/loss": 0.5}, 10)
    record.report_epoch(1)
    record.report_epoch(2)
    assert listener.heard == [(1, 0.5)]


def test_a_run_that_trains_on_to_its_min_epochs_stays_stopped(tmp_path: Path) -> None:
    record = begun(tmp_path, listener := Listener(stop_at=1))
    record.end_epoch(1, {"val/loss": 0.5})
    record.ask_to_stop()
    listener.stop_at = None
    record.end_epoch(2, {"val/loss": 0.25})
    record.ask_to_stop()
    assert record.state == "PRUNED"


def test_the_best_is_saved_when_whoever_saves_it_says_so(tmp_path: Path) -> None:
    record = begun(tmp_path)
    saved = []
    for epoch, loss in enumerate([0.5, 0.25, 0.75], start=1):
        record.end_epoch(epoch, {"val/loss": loss})
        saved.append(record.is_best_saved)
        record.is_best_saved = True
    assert saved == [False, False, True]


# failures


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf], ids=str)
def test_an_objective_that_is_no_number_fails_the_run_and_is_not_reported(tmp_path: Path, value: float) -> None:
    record = begun(tmp_path, listener := Listener(stop_at=2))
    record.end_epoch(1, {"val/loss": 0.5})
    record.end_epoch(2, {"val/loss": value})
    assert record.is_over
    assert record.failure == f"val/loss was {value} at epoch 2"
    fields = record.result_fields()
    assert (fields["state"], fields["reason"], fields["epochs"]) == ("FAIL", record.failure, 2)
    assert listener.heard == [(1, 0.5)]
    assert [row["val/loss"] for row in read_metrics(tmp_path)] == ["0.5", repr(value)]


def test_the_first_failure_stays(tmp_path: Path) -> None:
    record = after([math.nan], tmp_path)
    record.fail("what came of it")
    assert record.failure == "val/loss was nan at epoch 1"


def test_a_loss_of_minus_infinity_is_not_the_best(tmp_path: Path) -> None:
    assert after([0.5, -math.inf], tmp_path).best.value == 0.5


def test_without_a_good_epoch_there_is_no_value_and_no_checkpoint(tmp_path: Path) -> None:
    assert without_seconds(after([math.nan], tmp_path)) == {
        **{"value": None, "epoch": None, "epochs": 1, "state": "FAIL", "reason": "val/loss was nan at epoch 1"},
        **{"parameters": None, "checkpoint": None},
    }


def test_an_error_from_outside_fails_the_run_too(tmp_path: Path) -> None:
    record = after([0.5], tmp_path)
    record.fail("out of memory")
    assert (record.is_over, record.state, record.result_fields()["reason"]) == (True, "FAIL", "out of memory")


# a run that goes on


def test_a_resumed_run_keeps_its_best_and_drops_rows_that_it_trains_again(tmp_path: Path) -> None:
    first = begun(tmp_path)
    first.end_epoch(1, {"val/loss": 0.3})
    state = first.state_dict()
    first.end_epoch(2, {"val/loss": 0.1})
    record = begun(tmp_path, state=state)
    assert [row["epoch"] for row in read_metrics(tmp_path)] == ["1"]
    record.end_epoch(2, {"val/loss": 0.4})
    assert [row["val/loss"] for row in read_metrics(tmp_path)] == ["0.3", "0.4"]
    assert (record.best.value, record.best.epoch, record.epoch) == (0.3, 1, 2)


def test_the_state_has_the_keys_of_version_0_1_0(tmp_path: Path) -> None:
    """Keys of "EpochRecord" in an old last.ckpt; other ones would lose the best epoch of every run that goes on."""
    old = {"epoch": 4, "seconds": 12.5, "best": {"value": 0.25, "epoch": 3}}
    record = RunRecord(tmp_path, LOSS, NoReporter(), data_digest="1a")
    record.load_state_dict(old)
    record.stop()
    assert record.state_dict() == {**old, "seconds": pytest.approx(12.5, abs=0.5), "data_digest": "1a"}


def test_the_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    state = after([0.5, 0.3, 0.4], tmp_path).state_dict()
    begun(tmp_path, state=state)
    other = {**state, "best": {"value": 0.2, "epoch": 2}}
    message = "ckpt_path must be a checkpoint of the run in its folder; got one whose epoch 2 had val/loss 0.2, where "
    with pytest.raises(UserError, match=f"^{re.escape(message)}.*metrics.csv has 0.3: another run's checkpoint"):
        begun(tmp_path, state=other)
    assert len(read_metrics(tmp_path)) == 3


def test_seconds_count_all_attempts_from_start_to_stop(tmp_path: Path) -> None:
    record = RunRecord(tmp_path, LOSS, NoReporter())
    record.load_state_dict({"epoch": 1, "seconds": 100.0, "best": {"value": 0.25, "epoch": 1}})
    time.sleep(0.03)
    started = time.monotonic()
    record.start()
    time.sleep(0.01)
    record.stop()
    passed = time.monotonic() - started
    assert 100.01 <= record.seconds <= 100 + passed
    time.sleep(0.01)
    assert record.seconds <= 100 + passed
    assert record.result_fields()["seconds"] == round(record.seconds, 3)


# what it stands on


def test_a_record_needs_neither_torch_nor_lightning() -> None:
    loaded = "import sys, tunesmith.training.record; print({'torch', 'lightning', 'optuna'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


class TakenAway(Listener):
    """A reporter whose attempt another worker has taken away, with its folder."""

    def poll(self) -> None:
        if self.heard:
            raise AttemptLost("taken away by another worker")


def test_an_attempt_that_was_taken_away_writes_no_further_epoch(tmp_path: Path) -> None:
    with pytest.raises(AttemptLost, match=r"^taken away by another worker$"):
        after([0.5, 0.4], tmp_path, listener := TakenAway())
    assert [row["epoch"] for row in read_metrics(tmp_path)] == ["1"]
    assert listener.heard == [(1, 0.5)]
