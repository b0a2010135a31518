"""The pool: which workers it starts, whatever becomes of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import optuna
import pytest
from optuna import Study

from tunesmith.errors import MachineFault, UserError
from tunesmith.search.attribute_names import OWNER
from tunesmith.search.console.progress import ProgressPrinter
from tunesmith.search.pool import pool
from tunesmith.search.pool.pool import Pool, WorkerExit
from tunesmith.search.pool.watch import HangWatch
from tunesmith.search.study.budget import ask
from tunesmith.search.study.counts import is_over
from tunesmith.search.study.owner import Owner
from tunesmith.search.study.retries import requeue
from tunesmith.search.worker.interruption import Interruption

optuna.logging.set_verbosity(optuna.logging.WARNING)


class Worker:
    """Does its work, which is given to it by what it does when one looks after it."""

    def __init__(self, index: int, study: Study, fate: str) -> None:
        self.index, self.name = index, f"worker {index}"
        self.was: list[str] = []
        self._study, self._fate, self._has_worked = study, fate, False
        self._owner = Owner(worker=index, job=str(id(self)))

    def ended(self) -> WorkerExit | None:
        if "killed" in self.was:
            return WorkerExit("was killed", "", False)
        if self._fate in ("lives", "queued"):
            return None
        if self._fate == "full":
            return WorkerExit("ended with exit code 74", "error: disk full", True, is_machine_fault=True)
        if self._fate == "obeys":
            return WorkerExit("ended", "", False, True) if "interrupted" in self.was else None
        if not self._has_worked and self._fate != "idle":
            self._has_worked = True
            self._work()
        return WorkerExit("ended with exit code 1", "no such library", True)

    def _work(self) -> None:
        trial = ask(self._study, 100)
        assert trial is not None
        trial.set_user_attr(OWNER, self._owner.to_attribute(None))
        trial.suggest_float("x", 0, 1)
        if self._fate == "completes":
            self._study.tell(trial, 0.5)
            return
        if self._fate == "gets on":
            trial.report(0.5, len(self._study.trials[trial.number].intermediate_values) + 1)
        requeue(self._study, trial.number)

    @property
    def kill_command(self) -> str:
        return "kill -9 7"

    def condition(self) -> str:
        return "pid 7, stopped"

    def owns(self, owner: Owner | None) -> bool:
        return owner == self._owner

    def is_queued(self) -> bool:
        return self._fate == "queued"

    def interrupt(self) -> None:
        self.was.append("interrupted")

    def cancel(self) -> None:
        self.was.append("killed")

    def kill(self) -> None:
        assert "killed" in self.was


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "POLL_INTERVAL_S", 0.0)


@pytest.fixture
def study() -> Study:
    return optuna.create_study()


def pool_of(
    start: Callable[[int], Worker], study: Study, n_trials: int, interruption: Interruption | None = None
) -> Pool:
    return Pool(
        start, partial(is_over, n_trials=n_trials), interruption or Interruption(), HangWatch(lambda: study, None)
    )


def run(study: Study, *fates: str, n_workers: int = 1, n_trials: int = 3) -> list[Worker]:
    """Run a pool whose workers meet these fates one after the other, the last one for ever; return the workers."""
    started: list[Worker] = []

    def start(index: int) -> Worker:
        started.append(Worker(index, study, fates[min(len(started), len(fates) - 1)]))
        return started[-1]

    pool_of(start, study, n_trials).run(n_workers, lambda: False, ProgressPrinter(lambda: study, 1.0))
    return started


def test_a_worker_that_ends_is_replaced_until_the_trials_count(study: Study) -> None:
    started = run(study, "completes")
    assert [worker.index for worker in started] == [0] * len(started)
    assert len(study.trials) == 3


def test_a_trial_that_runs_when_the_search_is_stopped_is_waited_for(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "GRACE_S", 0.0)

    class Slow(Worker):
        looks = 0

        def ended(self) -> WorkerExit | None:
            self.looks += 1
            if self.looks == 1:
                study.ask()
            elif self.looks == 9:
                study.tell(0, 0.5)
            return None

    slow, interruption, watch = Slow(0, study, "lives"), Interruption(), HangWatch(lambda: study, None)
    workers = Pool(
        lambda index: slow,
        lambda trials: False,
        interruption,
        watch,
        lambda trials: "target reached" if trials else None,
    )
    workers.run(1, lambda: False, ProgressPrinter(lambda: study, 1.0))
    assert study.trials[0].value == 0.5
    assert slow.was == ["killed"]  # by then it has nothing left to do


def test_workers_that_do_nothing_end_the_sweep_with_what_they_said(study: Study) -> None:
    message = (
        r"^worker 0 ended with exit code 1 before it finished a trial, like the workers before it: no such library$"
    )
    with pytest.raises(UserError, match=message):
        run(study, "idle")


def test_workers_that_only_give_back_end_the_sweep(study: Study) -> None:
    with pytest.raises(UserError, match=r"before it finished a trial"):
        run(study, "gives back")
    assert len(study.trials) == pool.MAX_IDLE_EXITS


def test_workers_killed_before_their_first_trial_end_no_sweep_in_which_another_one_gets_on(study: Study) -> None:
    """As by an out-of-memory killer, while they import what trains."""

    class GetsOn(Worker):
        def ended(self) -> WorkerExit | None:
            self._trial = self._trial or study.ask()
            steps = len(study.trials[0].intermediate_values)
            if steps > 3 * pool.MAX_IDLE_EXITS:
                study.tell(self._trial, 0.5, skip_if_finished=True)
                return WorkerExit("ended with exit code 0", "", False, True)
            self._trial.report(0.5, steps)
            return None

        _trial: optuna.Trial | None = None

    started: list[Worker] = []

    def start(index: int) -> Worker:
        started.append((Worker if index else GetsOn)(index, study, "idle"))
        return started[-1]

    pool_of(start, study, 1).run(2, lambda: False, ProgressPrinter(lambda: study, 1.0))
    assert len(started) > 2 * pool.MAX_IDLE_EXITS


def test_workers_that_get_on_with_a_trial_may_be_any_number(study: Study) -> None:
    """A trial of ten hours in jobs of one."""
    fates = ["gets on"] * (3 * pool.MAX_IDLE_EXITS)
    started = run(study, *fates, "completes", n_trials=1)
    assert len(started) >= len(fates) + 1
    complete = study.get_trials(states=(optuna.trial.TrialState.COMPLETE,))
    assert next(len(trial.intermediate_values) for trial in complete) == len(fates)


def test_what_waits_in_a_queue_is_not_waited_for(study: Study) -> None:
    started = run(study, "queued", "completes", n_workers=2)
    assert set(started[0].was) == {"killed"}
    assert len([trial for trial in study.trials if trial.state.is_finished()]) == 3


def test_an_interruption_is_passed_on(study: Study) -> None:
    interruption = Interruption()
    worker = Worker(0, study, "queued")
    interruption.request()
    pool_of(lambda index: worker, study, 3, interruption).run(1, lambda: False, ProgressPrinter(lambda: study, 1.0))
    assert worker.was == ["killed", "killed"]  # before it begins to work


def test_an_interruption_is_passed_on_until_it_is_heard(study: Study) -> None:
    class Deaf(Worker):
        """Has nothing yet that could hear the first two."""

        def interrupt(self) -> None:
            self.was.append("interrupted")
            self._fate = "lives" if len(self.was) < 3 else "idle"

    interruption = Interruption()
    worker = Deaf(0, study, "lives")
    interruption.request()
    pool_of(lambda index: worker, study, 3, interruption).run(1, lambda: False, ProgressPrinter(lambda: study, 1.0))
    assert worker.was == ["interrupted", "interrupted", "interrupted", "killed"]


def test_workers_whose_time_was_over_while_they_waited_are_no_failure(study: Study) -> None:
    class OutOfTime(Worker):
        def ended(self) -> WorkerExit | None:
            return WorkerExit("ended (COMPLETED)", "waiting for trials that other workers run", False, True)

    started: list[Worker] = []

    def start(index: int) -> Worker:
        is_late = len(started) < 3 * pool.MAX_IDLE_EXITS
        started.append(OutOfTime(index, study, "") if is_late else Worker(index, study, "completes"))
        return started[-1]

    pool_of(start, study, 1).run(1, lambda: False, ProgressPrinter(lambda: study, 1.0))
    assert len(started) > 3 * pool.MAX_IDLE_EXITS


def test_a_worker_that_cannot_be_started_again_is_tried_again(
    study: Study, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pool, "RESTART_INTERVAL_S", 0.01)
    calls = []

    def start(index: int) -> Worker:
        calls.append(index)
        if len(calls) in (2, 3, 4):
            raise UserError("sbatch: error: Socket timed out")
        return Worker(index, study, "completes")

    pool_of(start, study, 3).run(1, lambda: False, ProgressPrinter(lambda: study, 1.0))
    assert capsys.readouterr().out.count("cannot be started; next try") == 3
    assert len(study.trials) == 3


def test_where_no_worker_lives_and_none_can_be_started_the_sweep_ends(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "RESTART_INTERVAL_S", 0.01)
    calls = []

    def start(index: int) -> Worker:
        calls.append(index)
        if len(calls) > 1:
            raise UserError("sbatch: error: Socket timed out")
        return Worker(index, study, "completes")

    with pytest.raises(UserError, match="Socket timed out"):
        pool_of(start, study, 3).run(1, lambda: False, ProgressPrinter(lambda: study, 1.0))


def test_a_full_disk_of_one_worker_ends_all_of_them_in_order(study: Study) -> None:
    started: list[Worker] = []

    def start(index: int) -> Worker:
        started.append(Worker(index, study, ["obeys", "full"][index]))
        return started[-1]

    progress = ProgressPrinter(lambda: study, 0.5)
    with pytest.raises(MachineFault, match=r"^disk full$"):
        pool_of(start, study, 3).run(2, lambda: False, progress)
    assert started[0].was == ["interrupted", "killed"]
    assert len(started) == 2
