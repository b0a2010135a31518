"""A trial in the worker's own process: what becomes of a job's value, error or exit, and what it leaves behind."""

from __future__ import annotations

import gc
import re
import sys
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hydra.types import HydraContext, RunMode
from hydra_app import app_context, root_logger_kept
from omegaconf import DictConfig, open_dict
from optuna import TrialPruned
from optuna.trial import TrialState
from studies import asked, opened

import tunesmith
from tunesmith.errors import MAX_LINE, AttemptLost, RunFailed, UserError
from tunesmith.reporting import is_trial
from tunesmith.search.worker.executor import Assignment, Outcome
from tunesmith.search.worker.executors.in_process import InProcess
from tunesmith.search.worker.interruption import Interruption
from tunesmith.search.worker.trial_reporter import TrialReporter

APP = "{x: 2, defaults: [_self_], hydra: {job_logging: {handlers: {console: {level: ERROR}}}}}"


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HydraContext]:
    folder = tmp_path_factory.mktemp("conf")
    with app_context(folder, APP) as context:
        yield context


@pytest.fixture(autouse=True)
def _loggers_as_before() -> Iterator[None]:
    with root_logger_kept():
        yield


@pytest.fixture
def assignment(context: HydraContext, tmp_path: Path) -> Assignment:
    config = context.config_loader.load_configuration("app", [], run_mode=RunMode.MULTIRUN)
    with open_dict(config):
        config.hydra.sweep.dir, config.hydra.sweep.subdir = str(tmp_path), "0"
        config.hydra.job.id, config.hydra.job.num, config.hydra.job.name = "0", 0, "app"
    trial = asked(opened())
    reporter = TrialReporter(trial, {"x": 2}, Interruption(), lambda: False)
    return Assignment(trial, config, tmp_path / "0", reporter)


def run(context: HydraContext, assignment: Assignment, task: Callable[[DictConfig], Any]) -> Outcome:
    return InProcess(context, task).run(assignment)


def test_a_jobs_value_is_the_trials(context: HydraContext, assignment: Assignment) -> None:
    def task(cfg: DictConfig) -> float:
        assert is_trial()
        tunesmith.report(0.5, 1)
        return cfg.x / 8

    outcome = run(context, assignment, task)
    assert (outcome.assignment, outcome.state, outcome.value) == (assignment, TrialState.COMPLETE, 0.25)
    assert assignment.trial.study.trials[0].intermediate_values == {1: 0.5}
    assert (assignment.folder / ".hydra" / "config.yaml").read_text() == "x: 2\n"
    assert not is_trial()


def raising(error: BaseException) -> Callable[[DictConfig], Any]:
    def task(cfg: DictConfig) -> Any:
        raise error

    return task


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        pytest.param(raising(ZeroDivisionError("a bug")), "ZeroDivisionError: a bug", id="a bug"),
        pytest.param(raising(RunFailed("val/loss was nan")), "val/loss was nan", id="a failed run"),
        pytest.param(raising(UserError("seed must be >= 0")), "seed must be >= 0", id="a mistake in the config"),
        pytest.param(lambda cfg: sys.exit("no disk"), "the job called sys.exit('no disk')", id="an exit"),
        pytest.param(lambda cfg: None, "the job must return a number; it returned None", id="no value"),
        pytest.param(lambda cfg: 10**309, f"the job must return a number; it returned 1{'0' * 309}", id="no float"),
    ],
)
def test_a_job_that_ends_otherwise_has_failed(
    context: HydraContext, assignment: Assignment, task: Callable[[DictConfig], Any], reason: str
) -> None:
    outcome = run(context, assignment, task)
    assert (outcome.state, outcome.reason, outcome.value) == (TrialState.FAIL, reason, None)
    assert not outcome.must_restart
    log = (assignment.folder / "app.log").read_text()
    assert f"trial 0 failed: {reason}" in log
    assert ("Traceback" in log) == ("a bug" in reason)


def test_a_pruned_job_is_pruned(context: HydraContext, assignment: Assignment) -> None:
    outcome = run(context, assignment, raising(TrialPruned("pruned at step 3")))
    assert (outcome.state, outcome.reason) == (TrialState.PRUNED, None)


def test_a_lost_attempt_is_an_outcome_without_a_state(context: HydraContext, assignment: Assignment) -> None:
    outcome = run(context, assignment, raising(AttemptLost("interrupted")))
    assert (outcome.state, outcome.reason) == (None, "interrupted")
    assert not is_trial()


def test_an_exit_of_an_interrupted_sweep_is_a_lost_attempt(context: HydraContext, assignment: Assignment) -> None:
    def task(cfg: DictConfig) -> None:
        assignment.reporter._interruption.request()  # type: ignore[attr-defined]
        sys.exit(1)  # what Lightning makes of Ctrl-C

    assert run(context, assignment, task).state is None


@pytest.mark.parametrize("error", [KeyboardInterrupt(), MemoryError("9 GiB")], ids=repr)
def test_a_second_ctrl_c_leaves_and_too_little_memory_does_not(
    context: HydraContext, assignment: Assignment, error: BaseException
) -> None:
    if isinstance(error, KeyboardInterrupt):
        with pytest.raises(KeyboardInterrupt):
            run(context, assignment, raising(error))
    else:
        assert run(context, assignment, raising(error)).reason == "MemoryError: 9 GiB"


def test_a_broken_cuda_context_asks_for_a_fresh_process(context: HydraContext, assignment: Assignment) -> None:
    outcome = run(context, assignment, raising(RuntimeError("CUDA error: device-side assert triggered")))
    assert (outcome.state, outcome.must_restart) == (TrialState.FAIL, True)


def test_an_error_that_is_raised_again_while_its_wrapper_is_handled_ends_the_trial(
    context: HydraContext, assignment: Assignment
) -> None:
    def task(cfg: DictConfig) -> float:
        mistake = UserError("data must be float32")
        try:
            raise RuntimeError("wrapped") from mistake
        except RuntimeError as wrapper:
            raise wrapper.__cause__ or wrapper from None

    outcome = run(context, assignment, task)
    assert (outcome.state, outcome.reason) == (TrialState.FAIL, "data must be float32")


def test_the_same_failure_is_shown_on_the_console_once(
    context: HydraContext, assignment: Assignment, capfd: pytest.CaptureFixture[str]
) -> None:
    execute = InProcess(context, raising(RunFailed("val/loss was nan")))
    for _ in range(3):
        execute.run(assignment)
    shown = capfd.readouterr()
    assert (shown.out + shown.err).count("val/loss was nan") == 1
    assert (assignment.folder / "app.log").read_text().count("val/loss was nan") == 3


def test_a_long_failure_is_whole_in_the_log_alone(
    context: HydraContext, assignment: Assignment, capsys: pytest.CaptureFixture[str]
) -> None:
    def task(cfg: DictConfig) -> None:
        raise ValueError(100_000 * "abc")

    run(context, assignment, task)
    shown = capsys.readouterr()
    assert len(shown.out + shown.err) < 2 * MAX_LINE
    assert 100_000 * "abc" in (assignment.folder / "app.log").read_text()


def test_an_outcome_keeps_nothing_of_the_job_alive(context: HydraContext, assignment: Assignment) -> None:
    class Tensor:
        pass

    references = []

    def task(cfg: DictConfig) -> None:
        tensor = Tensor()
        references.append(weakref.ref(tensor))
        try:
            raise KeyError("cause")
        except KeyError as cause:
            raise RuntimeError("a bug") from cause

    outcome = run(context, assignment, task)
    gc.collect()
    assert outcome.error is not None
    assert references[0]() is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(
            {"job": {"env_set": {"KEY": "${oc.env:NOWHERE}"}}},
            r"InterpolationResolutionError: .*'NOWHERE' not found.* hydra\.job\.env_set\.KEY",
            id="a variable",
        ),
        pytest.param(
            {"job_logging": {"handlers": {"file": {"filename": "/nowhere/x.log"}}}},
            "ValueError: Unable to configure handler 'file'",
            id="a log",
        ),
    ],
)
def test_a_job_that_hydra_cannot_begin_is_a_mistake_in_its_config(
    context: HydraContext, assignment: Assignment, change: dict[str, Any], reason: str
) -> None:
    with open_dict(assignment.config):
        assignment.config.merge_with({"hydra": change})
    outcome = run(context, assignment, lambda cfg: 1.0)
    assert outcome.state == TrialState.FAIL
    assert isinstance(outcome.error, UserError)
    assert re.match(f"the job cannot begin: {reason}", outcome.reason or "")
