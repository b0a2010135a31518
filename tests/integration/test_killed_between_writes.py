"""Workers killed behind each of their writes: nothing is lost, done twice or left standing."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from omegaconf import DictConfig, OmegaConf
from optuna import Study
from optuna.storages import BaseStorage
from optuna.trial import TrialState
from studies import opened

from tunesmith.search.space.compose import Composer
from tunesmith.search.storage.storage import open_storage
from tunesmith.search.study.counts import Counts, count, is_over
from tunesmith.search.study.owner import this_process
from tunesmith.search.study.retries import CLAIM_TIMEOUT_S, StaleTrials
from tunesmith.search.study.trial import Attempt, State
from tunesmith.search.worker.executor import Assignment, Outcome, one_at_a_time
from tunesmith.search.worker.interruption import Interruption
from tunesmith.search.worker.stage_at_work import StageAtWork
from tunesmith.search.worker.worker import Limits, Worker

KILLED = 9


class Killed:
    """A storage whose process ends right behind its n-th write."""

    def __init__(self, storage: BaseStorage, n: int | None) -> None:
        self._storage, self._left = storage, n

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._storage, name)
        return (lambda *arguments, **named: self._write(method, *arguments, **named)) if name in _WRITES else method

    def _write(self, method: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        answer = method(*arguments, **named)
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                os._exit(KILLED)
        return answer


_WRITES = {name for name in dir(BaseStorage) if name.startswith(("create_new_trial", "set_trial_"))}


class ParamsAlone:
    def compose(self, params: Mapping[str, Any], number: int, folder: str) -> DictConfig:
        return OmegaConf.create(dict(params))


def in_a_process(work: Callable[[], None]) -> int:
    """Run work in a fork of this process; return its exit code."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    try:
        this_process.cache_clear()
        work()
    except BaseException:
        os._exit(1)
    os._exit(0)


class Sweeps:
    """Sweeps in one storage, each in a process of its own."""

    def __init__(self, folder: Path, url: str | None, n_trials: int) -> None:
        self._folder, self._url, self.n_trials = folder, url, n_trials

    def study(self, killed_after: int | None = None) -> Study:
        return opened(cast(BaseStorage, Killed(open_storage(self._url, self._folder), killed_after)))

    def run(self, killed_after: int | None = None, is_interrupted: bool = False) -> int:
        """is_interrupted: the first trial gets Ctrl-C after its second report."""

        def work() -> None:
            study, interruption = self.study(killed_after), Interruption()
            StaleTrials(study).end()

            def run(assignment: Assignment) -> Outcome:
                for step in (1, 2, 3):
                    assignment.reporter.report(step, 0.5)
                    if is_interrupted and step == 2:
                        interruption.request()
                        return Outcome(assignment, None, reason="interrupted")
                return Outcome(assignment, TrialState.COMPLETE, value=0.5)

            stage = StageAtWork(
                study,
                lambda trial: {"x": trial.suggest_float("x", 0, 1)},
                cast(Composer, ParamsAlone()),
                self.n_trials,
            )
            Worker(
                study,
                lambda: stage,
                lambda: is_over(study.get_trials(deepcopy=False), self.n_trials),
                one_at_a_time(run),
                Limits(),
                interruption,
                self._folder,
            ).work()

        return in_a_process(work)


@pytest.fixture(params=["journal", "sqlite"])
def sweeps(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Sweeps]:
    """Makes a storage by a name; SQLite, which takes a hundred times as long for a write, gets one trial."""
    empty = tmp_path / "empty.db"

    def make(name: str) -> Sweeps:
        folder = tmp_path / name
        folder.mkdir()
        if request.param == "journal":
            return Sweeps(folder, None, n_trials=2)
        if not empty.exists():
            in_a_process(lambda: opened(open_storage(f"sqlite:///{empty}", folder)) and None)
        shutil.copy(empty, folder / "study.db")
        return Sweeps(folder, f"sqlite:///{folder / 'study.db'}", n_trials=1)

    return make


@pytest.mark.parametrize("is_interrupted", [False, True], ids=["killed", "killed while it gives its trial back"])
def test_sweeps_killed_behind_any_write_lose_nothing_and_wait_for_nothing(
    sweeps: Callable[[str], Sweeps], is_interrupted: bool
) -> None:
    n, codes = 0, [KILLED]
    while codes[0] == KILLED:
        n += 1
        sweep = sweeps(str(n))
        codes = [sweep.run(killed_after=n, is_interrupted=is_interrupted) for _ in range(sweep.n_trials)]
        since = time.monotonic()
        assert sweep.run() == 0
        assert time.monotonic() - since < CLAIM_TIMEOUT_S / 2
        trials = sweep.study().trials
        lost = sum(state is State.LOST for state in (Attempt(trial).state for trial in trials))
        assert count(trials) == Counts(complete=sweep.n_trials, pruned=0, failed=0, lost=lost)
        done = [trial for trial in trials if trial.state == TrialState.COMPLETE]
        assert len({trial.params["x"] for trial in done}) == sweep.n_trials
        assert {trial.state for trial in trials} <= {TrialState.COMPLETE, TrialState.FAIL}
    assert n > 5  # as many writes at least were met


def test_a_study_gets_on_although_everybody_is_killed_again_and_again(sweeps: Callable[[str], Sweeps]) -> None:
    """A trial takes six writes, and its retry fewer: so each sweep brings at least one step on."""
    sweep, num_killed = sweeps("study"), 0
    since = time.monotonic()
    while sweep.run(killed_after=4) == KILLED:
        num_killed += 1
        assert num_killed < 10
    assert time.monotonic() - since < CLAIM_TIMEOUT_S / 2
    assert count(sweep.study().trials).complete == sweep.n_trials
