"""The loop of a worker: an in-memory study, a composer and an executor that the test steers."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
from omegaconf import DictConfig, OmegaConf
from optuna import Study, Trial
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import OperationalError
from studies import OvertakenStorage, asked, opened, owned, states

from tunesmith.errors import AttemptLost, MachineFault, RunFailed, UserError
from tunesmith.search.attribute_names import CONFIG_ERROR, HEARTBEAT, REASON
from tunesmith.search.space.compose import Composer
from tunesmith.search.stopping_rules import NEVER, Stopping
from tunesmith.search.storage import reconnecting
from tunesmith.search.storage.journal import JournalDamaged
from tunesmith.search.storage.reconnecting import make_reconnecting
from tunesmith.search.study.counts import Counts, count, num_counted
from tunesmith.search.study.owner import Owner, this_process
from tunesmith.search.study.stopping import why_stopped
from tunesmith.search.study.study import tell
from tunesmith.search.study.trial import Attempt, State
from tunesmith.search.worker import worker as worker_module
from tunesmith.search.worker.executor import Assignment, Executor, More, Outcome, one_at_a_time
from tunesmith.search.worker.interruption import Interruption
from tunesmith.search.worker.stage_at_work import StageAtWork
from tunesmith.search.worker.worker import Limits, Worker, WorkerMustRestart


class FakeComposer:
    """Puts a trial's values into a config of their own."""

    def compose(self, params: Mapping[str, Any], number: int, folder: str) -> DictConfig:
        return OmegaConf.create({**params, "number": number, "folder": folder})


@pytest.fixture
def study() -> Study:
    return opened()


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "WAIT_INTERVAL_S", 0.001)
    monkeypatch.setattr(worker_module, "STALE_INTERVAL_S", 0.0)


def draw_x(trial: Trial) -> Mapping[str, Any]:
    return {"x": trial.suggest_float("x", 0, 1)}


def worker_of(
    study: Study,
    execute: Executor,
    interruption: Interruption | None = None,
    draw: Callable[[Trial], Mapping[str, Any]] = draw_x,
    started: float | None = None,
    on_start: Callable[[], object] | None = None,
    **limits: Any,
) -> Worker:
    n_trials, stopping = limits.pop("n_trials", 3), limits.pop("stopping", NEVER)

    def is_over() -> bool:
        trials = study.get_trials(deepcopy=False)
        return num_counted(trials) >= n_trials or why_stopped(trials, study.direction, stopping) is not None

    stage = StageAtWork(study, draw, cast(Composer, FakeComposer()), n_trials, stopping)
    return Worker(
        study,
        lambda: stage,
        is_over,
        execute,
        Limits(**limits),
        interruption or Interruption(),
        Path("studies/s"),
        started,
        on_start,
    )


def complete(assignment: Assignment) -> Outcome:
    return Outcome(assignment, TrialState.COMPLETE, value=assignment.config.x)


def work_with(study: Study, *ends: Callable[[Assignment], Outcome], **limits: Any) -> list[Assignment]:
    """Run a worker whose trials end like this one after the other, then complete; return its assignments."""
    assignments: list[Assignment] = []

    def run(assignment: Assignment) -> Outcome:
        assignments.append(assignment)
        return ends[len(assignments) - 1](assignment) if len(assignments) <= len(ends) else complete(assignment)

    worker_of(study, one_at_a_time(run), **limits).work()
    return assignments


# one trial after the other


def test_exactly_n_trials_are_run_and_told(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    assignments = work_with(study)
    assert states(study) == ["COMPLETE"] * 3
    assert [trial.value for trial in study.trials] == [trial.params["x"] for trial in study.trials]
    assert [line.split()[1:3] for line in capsys.readouterr().out.splitlines()] == [
        [str(number), "COMPLETE"] for number in range(3)
    ]
    assert [assignment.folder for assignment in assignments] == [Path("studies/s") / str(number) for number in range(3)]
    assert assignments[2].config == {"x": study.trials[2].params["x"], "number": 2, "folder": "2"}
    assert assignments[2].reporter.params == {"x": study.trials[2].params["x"]}
    assert study.trials[0].user_attrs["owner"]["folder"] == str(Path("studies/s").absolute())


@pytest.mark.parametrize(
    ("labels", "kept"),
    [
        pytest.param({"note": "why", "tags": ["a", "b"]}, {"note": "why", "tags": ["a", "b"]}, id="both"),
        pytest.param({"note": None, "tags": []}, {}, id="empty ones cost no write"),
        pytest.param({}, {}, id="none"),
        pytest.param({"note": {"a": 1}, "tags": {"a": 1}}, {}, id="another app's nodes"),
        pytest.param({"note": ["a"], "tags": "a"}, {}, id="another app's texts"),
        pytest.param({"note": 3, "tags": [1, None]}, {}, id="another app's numbers"),
        pytest.param({"note": "${nowhere:x}", "tags": ["${hydra:job.num}"]}, {}, id="what only a job can resolve"),
        pytest.param({"note": "x is ${x}", "tags": []}, {"note": "x is 0.0"}, id="an interpolation"),
    ],
)
def test_a_trials_note_and_tags_are_kept_in_the_study(
    study: Study, monkeypatch: pytest.MonkeyPatch, labels: dict[str, Any], kept: dict[str, Any]
) -> None:
    monkeypatch.setattr(FakeComposer, "compose", lambda *_: OmegaConf.create({"x": 0.0, **labels}))
    work_with(study, n_trials=1)
    attributes = study.trials[0].user_attrs
    assert {key: attributes[key] for key in ("note", "tags") if key in attributes} == kept


def test_a_stopped_search_begins_no_further_trial(study: Study) -> None:
    ends = [partial(end_with, value) for value in (0.5, 0.1, 0.2, 0.3)]
    assert len(work_with(study, *ends, n_trials=9, stopping=Stopping(no_improvement=2))) == 4
    assert work_with(study, n_trials=9, stopping=Stopping(target=0.1)) == []


def end_with(value: float, assignment: Assignment) -> Outcome:
    return Outcome(assignment, TrialState.COMPLETE, value=value)


def test_a_study_that_is_over_gets_no_further_trial(study: Study) -> None:
    work_with(study)
    assert work_with(study) == []
    assert len(study.trials) == 3


def test_pruned_and_failed_trials_count(study: Study) -> None:
    def prune(assignment: Assignment) -> Outcome:
        assignment.reporter.report(1, 0.5)
        return Outcome(assignment, TrialState.PRUNED)

    def fail(assignment: Assignment) -> Outcome:
        return Outcome(assignment, TrialState.FAIL, reason="val/loss was nan", error=RunFailed("val/loss was nan"))

    work_with(study, prune, fail)
    assert states(study) == ["PRUNED", "FAIL", "COMPLETE"]
    assert study.trials[1].user_attrs[REASON] == "val/loss was nan"


def lose(assignment: Assignment) -> Outcome:
    assignment.reporter.report(1, 0.5)
    return Outcome(assignment, None, reason="its socket broke")


def test_a_lost_attempt_is_retried_in_its_folder_with_its_values_and_does_not_count(study: Study) -> None:
    assignments = work_with(study, lose)
    assert count(study.trials) == Counts(complete=3, pruned=0, failed=0, lost=1)
    lost, retry = assignments[:2]
    assert (retry.trial.number, retry.folder, retry.config.x) == (1, lost.folder, lost.config.x)
    assert (lost.reporter.is_retry, retry.reporter.is_retry) == (False, True)
    assert study.trials[1].intermediate_values == {1: 0.5}


def test_too_many_failures_end_the_sweep(study: Study) -> None:
    def fail(assignment: Assignment) -> Outcome:
        return Outcome(assignment, TrialState.FAIL, reason="a bug", error=ZeroDivisionError())

    with pytest.raises(UserError, match=r"^hydra\.sweeper\.max_failure_rate=0\.5 is exceeded: 5 of 5 trials failed"):
        work_with(study, *[fail] * 9, n_trials=9)
    assert states(study) == ["FAIL"] * 5


def test_a_mistake_in_the_first_trials_config_ends_the_sweep(study: Study) -> None:
    def mistake(assignment: Assignment) -> Outcome:
        error = UserError("objective.metric must be a logged metric")
        return Outcome(assignment, TrialState.FAIL, reason=str(error), error=error)

    with pytest.raises(UserError, match=r"^objective\.metric must be a logged metric$"):
        work_with(study, mistake)
    assert [Attempt(trial).state for trial in study.trials] == [State.LOST]
    assert study.trials[0].user_attrs[CONFIG_ERROR] == "objective.metric must be a logged metric"
    work_with(study, complete, mistake)
    assert count(study.trials) == Counts(complete=2, pruned=0, failed=1, lost=1)  # a later one is its trial's alone


def train_on(digest: str) -> Callable[[Assignment], Outcome]:
    def run(assignment: Assignment) -> Outcome:
        try:
            assignment.reporter.report_data(digest)
        except UserError as error:
            return Outcome(assignment, TrialState.FAIL, reason=str(error), error=error)
        return complete(assignment)

    return run


def test_other_data_than_that_of_earlier_trials_ends_the_sweep_and_counts_for_nothing(study: Study) -> None:
    with pytest.raises(
        UserError, match=r"^the data must stay the same in study study: trial 0 trained on one; got two"
    ):
        work_with(study, train_on("one"), train_on("two"))
    assert count(study.trials) == Counts(complete=1, pruned=0, failed=0, lost=0)
    assert states(study) == ["COMPLETE", "FAIL"]
    work_with(study, train_on("one"), train_on("one"))
    assert count(study.trials) == Counts(complete=3, pruned=0, failed=0, lost=0)


def test_the_reporter_hands_values_to_the_study(study: Study) -> None:
    def run(assignment: Assignment) -> Outcome:
        assignment.reporter.report(1, 0.9)
        assert not assignment.reporter.should_stop()
        return complete(assignment)

    work_with(study, run, n_trials=1)
    assert study.trials[0].intermediate_values == {1: 0.9}


def test_a_value_that_cannot_be_drawn_requeues_the_trial_and_leaves(study: Study) -> None:
    def draw(trial: Trial) -> Mapping[str, Any]:
        raise UserError("a key that is not there")

    with pytest.raises(UserError, match=r"^a key that is not there$"):
        worker_of(study, one_at_a_time(complete), draw=draw).work()
    assert [Attempt(trial).state for trial in study.trials] == [State.LOST]


# what takes long before the first trial


def test_what_trials_need_is_loaded_before_the_first_ask(study: Study) -> None:
    seen: list[list[str]] = []
    worker_of(study, one_at_a_time(complete), on_start=lambda: seen.append(states(study))).work()
    assert seen == [[]]
    worker_of(study, one_at_a_time(complete), on_start=lambda: seen.append(states(study))).work()
    worker_of(
        study, one_at_a_time(complete), started=time.monotonic() - 6, timeout=5.0, on_start=lambda: seen.append([])
    ).work()
    assert len(seen) == 1  # nor by a worker that has nothing to run, or no time


# attempts that another worker takes away


class TakesAway(InMemoryStorage):
    """Ends the first attempt, as a worker does that takes it for stale, when an attribute or a value is written."""

    when: str | None = None

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        self._take(trial_id, key)
        super().set_trial_user_attr(trial_id, key, value)

    def set_trial_param(self, trial_id: int, param_name: str, *rest: Any) -> None:
        self._take(trial_id, "value")
        super().set_trial_param(trial_id, param_name, *rest)

    def _take(self, trial_id: int, key: str) -> None:
        if key == self.when and trial_id == 0:
            self.when = None
            self.set_trial_state_values(trial_id, TrialState.FAIL)


@pytest.mark.parametrize("when", ["value", "reason"])
def test_an_attempt_that_was_taken_away_is_nobodys_result(when: str, capsys: pytest.CaptureFixture[str]) -> None:
    storage = TakesAway()
    study = opened(storage)
    storage.when = when

    def fail(assignment: Assignment) -> Outcome:
        return Outcome(assignment, TrialState.FAIL, reason="a bug", error=ZeroDivisionError())

    work_with(study, *([fail] if when == "reason" else []))
    assert states(study) == ["FAIL", "COMPLETE", "COMPLETE", "COMPLETE"]
    assert REASON not in study.trials[0].user_attrs
    assert "trial   0" not in capsys.readouterr().out


def test_an_outcome_that_comes_too_late_is_not_shown(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    def take_away(assignment: Assignment) -> Outcome:
        assert tell(study, assignment.trial.number, TrialState.FAIL)
        return complete(assignment)

    work_with(study, take_away)
    assert states(study) == ["FAIL", "COMPLETE", "COMPLETE", "COMPLETE"]
    assert "trial   0" not in capsys.readouterr().out


# other workers' trials


def test_a_worker_without_a_place_waits_for_the_trials_of_others(
    study: Study, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = owned(study, Owner(machine="another"), n_trials=1)
    waited = 0

    def sleep(seconds: float) -> None:
        nonlocal waited
        waited += 1
        if waited == 3:
            study.tell(other, 0.5)

    monkeypatch.setattr("tunesmith.search.worker.worker.time.sleep", sleep)
    assert work_with(study, n_trials=1) == []
    assert capsys.readouterr().out == "waiting for trials that other workers run\n"
    assert waited == 3


def test_a_worker_retries_the_trial_of_a_killed_worker(study: Study) -> None:
    owned(study, replace(this_process(), start_mark=0))  # its pid is another's now
    assignments = work_with(study, n_trials=1)
    assert [assignment.trial.number for assignment in assignments] == [1]
    assert count(study.trials) == Counts(complete=1, pruned=0, failed=0, lost=1)


def test_a_surplus_trial_is_not_run() -> None:
    storage = OvertakenStorage()
    study = opened(storage)
    storage.overtake = lambda: study.tell(asked(study, 1), 0.5)
    assert work_with(study, n_trials=1) == []
    assert states(study) == ["COMPLETE", "FAIL"]


@pytest.mark.parametrize("cut_off", [1, 2, 3])
def test_an_ask_that_was_carried_out_and_cut_off_leaves_nothing_running(
    cut_off: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A database that breaks the connection behind its work is asked again; its first answer is lost."""

    class CutsOff(InMemoryStorage):
        num_asks = 0

        def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
            answer = super().create_new_trial(study_id, template_trial)
            self.num_asks += 1
            if self.num_asks == cut_off:
                raise OperationalError("INSERT", {}, Exception("server closed the connection"))
            return answer

    monkeypatch.setattr(reconnecting, "POLL_INTERVAL_S", 0.0)
    study = opened(make_reconnecting(CutsOff(), "postgresql"))
    work_with(study, lose, n_trials=2)
    assert count(study.trials).complete == 2
    assert not study.get_trials(states=(TrialState.RUNNING,))
    complete_ones = [Attempt(trial) for trial in study.trials if trial.state == TrialState.COMPLETE]
    assert len({attempt.first_attempt for attempt in complete_ones}) == 2


# several trials in flight


class Several:
    """Runs up to n trials at once; `end` chooses, of those in flight, whose outcome is yielded next."""

    def __init__(self, n: int, end: Callable[[dict[int, Assignment]], Outcome]) -> None:
        self.n, self.end = n, end
        self.most = 0
        self.is_closed = False

    def __call__(self, more: More) -> Generator[Outcome, None, None]:
        running: dict[int, Assignment] = {}
        try:
            while True:
                if len(running) < self.n:
                    running |= {one.trial.number: one for one in more(self.n - len(running))}
                if not running:
                    return
                self.most = max(self.most, len(running))
                outcome = self.end(running)
                del running[outcome.assignment.trial.number]
                yield outcome
        finally:
            self.is_closed = True


def last_completes(running: dict[int, Assignment]) -> Outcome:
    return complete(running[max(running)])


def test_several_trials_run_at_once_within_the_budget(study: Study) -> None:
    execute = Several(4, last_completes)
    worker_of(study, execute, n_trials=10).work()
    assert (execute.most, states(study)) == (4, ["COMPLETE"] * 10)


def test_one_that_runs_the_last_trials_does_not_wait_for_more(study: Study) -> None:
    execute = Several(8, last_completes)
    worker_of(study, execute, n_trials=3).work()
    assert (execute.most, states(study)) == (3, ["COMPLETE"] * 3)


def test_lost_ones_of_several_are_retried(study: Study) -> None:
    def end(running: dict[int, Assignment]) -> Outcome:
        number = min(running)
        return Outcome(running[number], None, reason="gone") if number in (1, 2) else complete(running[number])

    worker_of(study, Several(3, end), n_trials=4).work()
    assert count(study.trials) == Counts(complete=4, pruned=0, failed=0, lost=2)
    assert {Attempt(trial).first_attempt for trial in study.trials if trial.value is not None} == {0, 1, 2, 3}


def test_each_of_several_has_heartbeats(study: Study) -> None:
    def end(running: dict[int, Assignment]) -> Outcome:
        until = time.monotonic() + 20
        while not all(HEARTBEAT in study.trials[number].user_attrs for number in running):
            assert time.monotonic() < until
            time.sleep(0.005)
        return last_completes(running)

    worker = worker_of(study, Several(3, end))
    worker._heartbeats._interval_s = 0.01
    worker.work()
    assert states(study) == ["COMPLETE"] * 3


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), SystemExit(130), UserError("no such key"), ZeroDivisionError("a bug")], ids=repr
)
def test_an_error_out_of_the_executor_requeues_all_that_run(study: Study, error: BaseException) -> None:
    def end(running: dict[int, Assignment]) -> Outcome:
        if len(study.trials) == 3:
            return complete(running[0])
        raise error

    execute = Several(3, end)
    with pytest.raises(type(error)):
        worker_of(study, execute, n_trials=9).work()
    assert execute.is_closed
    assert count(study.trials) == Counts(complete=1, pruned=0, failed=0, lost=3)
    assert states(study) == ["COMPLETE"] + ["FAIL"] * 3


def test_a_process_that_cannot_go_on_requeues_the_others(study: Study) -> None:
    def end(running: dict[int, Assignment]) -> Outcome:
        return Outcome(running[0], TrialState.FAIL, reason="CUDA error", error=RuntimeError(), must_restart=True)

    execute = Several(3, end)
    with pytest.raises(WorkerMustRestart, match=r"^CUDA error$"):
        worker_of(study, execute, n_trials=9).work()
    assert execute.is_closed
    assert count(study.trials) == Counts(complete=0, pruned=0, failed=1, lost=2)


def test_a_damaged_journal_asks_for_a_fresh_process(study: Study) -> None:
    def end(running: dict[int, Assignment]) -> Outcome:
        raise JournalDamaged("study.journal lost records")

    with pytest.raises(WorkerMustRestart, match=r"^study\.journal lost records$"):
        worker_of(study, Several(1, end)).work()


# what ends a worker before its budget


def test_an_interrupted_worker_starts_no_trial(study: Study) -> None:
    interruption = Interruption()

    def run(assignment: Assignment) -> Outcome:
        interruption.request()
        try:
            assignment.reporter.poll()
        except AttemptLost as lost:
            return Outcome(assignment, None, reason=str(lost))
        raise AssertionError("an interrupted trial goes on")

    worker = worker_of(study, one_at_a_time(run), interruption)
    worker.work()
    assert worker.is_ending()
    assert [Attempt(trial).state for trial in study.trials] == [State.LOST]


def test_several_that_are_interrupted_are_all_requeued(study: Study) -> None:
    interruption = Interruption()

    def end(running: dict[int, Assignment]) -> Outcome:
        interruption.request()
        return Outcome(running[min(running)], None, reason="interrupted")

    worker_of(study, Several(3, end), interruption, n_trials=9).work()
    assert [Attempt(trial).state for trial in study.trials] == [State.LOST] * 3


def test_after_the_timeout_no_trial_is_started(study: Study) -> None:
    worker_of(study, one_at_a_time(complete), started=time.monotonic() - 6, timeout=5.0).work()
    assert study.trials == []


def test_a_trial_that_takes_too_long_is_told_so(study: Study) -> None:
    def run(assignment: Assignment) -> Outcome:
        time.sleep(0.02)
        with pytest.raises(RunFailed, match=r"trial_timeout=0\.01 s$"):
            assignment.reporter.poll()
        return complete(assignment)

    work_with(study, run, n_trials=1, trial_timeout=0.01)


def test_updates_of_a_finished_trial_are_optunas_error() -> None:
    """What the worker catches, in the version of Optuna that is installed."""
    study = opened()
    trial = asked(study)
    study.tell(trial.number, 0.5)
    with pytest.raises(UpdateFinishedTrialError, match="can not be updated"):
        trial.set_user_attr(REASON, "too late")


def test_a_fault_of_the_machine_ends_the_worker_and_gives_the_trial_back(study: Study) -> None:
    def fill(assignment: Assignment) -> Outcome:
        return Outcome(assignment, None, reason="disk full", error=MachineFault("disk full"))

    with pytest.raises(MachineFault, match=r"^disk full$"):
        work_with(study, complete, fill)
    assert states(study) == ["COMPLETE", "FAIL"]
    assert Attempt(study.trials[1]).is_requeued
    assert Attempt(asked(study)).crashes == 0
