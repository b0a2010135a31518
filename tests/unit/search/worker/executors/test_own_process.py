"""A trial in a process of its own: what becomes of its reports, its end and its death."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from hydra.types import HydraContext, RunMode
from hydra_app import app_context
from listener import Listener
from omegaconf import open_dict
from optuna.trial import TrialState
from studies import asked, opened

from tunesmith.errors import AttemptLost, AttemptTaken, MachineFault, RunFailed, UserError
from tunesmith.search.worker.executor import Assignment, Outcome
from tunesmith.search.worker.executors import own_process
from tunesmith.search.worker.executors.own_process import OUTPUT_FILE, OwnProcess

APP = """
import os, signal, sys, time
import hydra
import tunesmith
from tunesmith.errors import RunFailed, UserError
from tunesmith.reporting import current_reporter

def found(names):
    current_reporter().report_findings(names)

@hydra.main(version_base="1.3", config_path=".", config_name="app")
def main(cfg):
    {body}

if __name__ == "__main__":
    main()
"""


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HydraContext]:
    folder = tmp_path_factory.mktemp("conf")
    with app_context(folder, "x: 2") as context:
        yield context


def run(context: HydraContext, folder: Path, body: str, reporter: Listener) -> Outcome:
    """Run a trial of an app with this body, as the command that its user would type."""
    (folder / "app.py").write_text(APP.format(body=body))
    (folder / "app.yaml").write_text("x: 2")
    config = context.config_loader.load_configuration("app", [], run_mode=RunMode.MULTIRUN)
    with open_dict(config):
        config.hydra.job.id, config.hydra.job.num = "0", 0
    return OwnProcess().run(Assignment(asked(opened()), config, folder / "trials" / "0", reporter))


@pytest.fixture(autouse=True)
def _typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.orig_argv", ["python", "app.py", "-m"])
    monkeypatch.setattr("sys.argv", ["app.py", "-m"])


def test_reports_reach_the_worker_and_the_value_is_the_trials(context: HydraContext, tmp_path: Path) -> None:
    body = "tunesmith.report(0.5, 1); tunesmith.report(0.4, 2); found(['shift']); found([]); return cfg.x / 8"
    outcome = run(context, tmp_path, body, listener := Listener())
    assert (outcome.state, outcome.value) == (TrialState.COMPLETE, 0.25)
    assert (listener.heard, listener.asked) == ([(1, 0.5), (2, 0.4)], 2)
    assert listener.findings == ["shift"]
    assert (tmp_path / "trials" / "0" / ".hydra" / "config.yaml").exists()


def test_the_pruners_answer_reaches_the_trial(context: HydraContext, tmp_path: Path) -> None:
    body = "[tunesmith.report(0.5, step) for step in range(1, 9)]; return 0.0"
    outcome = run(context, tmp_path, body, listener := Listener(stop_at=2))
    assert (outcome.state, outcome.reason, len(listener.heard)) == (TrialState.PRUNED, None, 2)


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        pytest.param("raise UserError('no such metric')", UserError, "no such metric", id="a mistake in the config"),
        pytest.param("raise RunFailed('val/loss was nan')", RunFailed, "val/loss was nan", id="a failed run"),
        pytest.param("1 / 0", RunFailed, "ZeroDivisionError: division by zero", id="a bug"),
        pytest.param(
            "print('so far', flush=True); os.kill(os.getpid(), signal.SIGKILL)",
            RunFailed,
            "its process ended by SIGKILL; its last words: so far",
            id="a death",
        ),
        pytest.param("os._exit(3)", RunFailed, "its process ended with exit code 3", id="an exit"),
    ],
)
def test_a_failure_has_its_reason(
    context: HydraContext, tmp_path: Path, body: str, kind: type[Exception], reason: str
) -> None:
    outcome = run(context, tmp_path, body, Listener())
    assert (outcome.state, outcome.reason, type(outcome.error)) == (TrialState.FAIL, reason, kind)


@dataclass
class Refuses(Listener):
    """A reporter of a study with other data."""

    def report_data(self, digest: str) -> None:
        if digest == "other":
            raise UserError("the data must stay the same")


@pytest.mark.parametrize(
    ("digest", "state", "reason"),
    [
        pytest.param("same", TrialState.COMPLETE, None, id="the study's data"),
        pytest.param("other", TrialState.FAIL, "the data must stay the same", id="other data"),
    ],
)
def test_the_worker_says_whether_the_data_is_the_studys(
    context: HydraContext, tmp_path: Path, digest: str, state: TrialState, reason: str | None
) -> None:
    body = f"from tunesmith.reporting import current_reporter; current_reporter().report_data('{digest}'); return 1.0"
    outcome = run(context, tmp_path, body, Refuses())
    assert (outcome.state, outcome.reason) == (state, reason)
    assert isinstance(outcome.error, UserError) is (reason is not None)


@dataclass
class Ends(Listener):
    """A reporter that ends its run at the first look at which the trial's process has printed something."""

    error: BaseException = field(default_factory=lambda: AttemptLost("interrupted"))
    output: Path = Path()

    def check(self) -> None:
        if self.output.exists() and self.output.read_text().strip():
            raise self.error


@pytest.mark.parametrize(
    ("error", "state"),
    [(AttemptLost("interrupted"), None), (RunFailed("the trial took longer"), TrialState.FAIL)],
    ids=["lost", "out of time"],
)
def test_a_trial_that_has_to_end_leaves_no_process(
    context: HydraContext,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    state: TrialState | None,
) -> None:
    monkeypatch.setattr(own_process, "GRACE_S", 0.2)
    output = tmp_path / "trials" / "0" / OUTPUT_FILE
    body = "signal.signal(signal.SIGTERM, signal.SIG_IGN); print(os.getpid(), flush=True); time.sleep(600)"
    outcome = run(context, tmp_path, body, Ends(error=error, output=output))
    assert (outcome.state, outcome.reason) == (state, str(error))
    assert not psutil.pid_exists(int(output.read_text().split()[0]))


@pytest.mark.parametrize(
    ("error", "has_time"),
    [(AttemptLost("interrupted"), True), (AttemptTaken("taken away by another worker"), False)],
    ids=["interrupted", "taken away"],
)
def test_a_trial_that_was_taken_away_gets_no_time_to_save_into_its_folder(
    context: HydraContext, tmp_path: Path, error: BaseException, has_time: bool
) -> None:
    output = tmp_path / "trials" / "0" / OUTPUT_FILE
    save = "lambda *received: (open('saved', 'w').close(), os._exit(0))"
    body = f"signal.signal(signal.SIGTERM, {save}); print('ready', flush=True); time.sleep(600)"
    outcome = run(context, tmp_path, body, Ends(error=error, output=output))
    assert outcome.reason == str(error)
    assert any(tmp_path.rglob("saved")) is has_time


@pytest.mark.parametrize(
    "error", [AttemptLost("interrupted"), RunFailed("the trial took longer")], ids=["interrupted", "out of time"]
)
def test_a_trial_that_waits_for_an_answer_ends_in_order(
    context: HydraContext, tmp_path: Path, error: BaseException
) -> None:
    class Refuses(Listener):
        def report(self, step: int, value: float, epochs: int = 1) -> None:
            raise error

    body = """
    signal.signal(signal.SIGTERM, lambda *received: None)  # a run looks at it at the end of a batch
    try:
        tunesmith.report(0.5, 1)
    except SystemExit:
        open("saved", "w").close()
        raise
"""
    outcome = run(context, tmp_path, body, Refuses())
    assert outcome.reason == str(error)
    assert (tmp_path / "saved").exists()


def test_batches_of_a_trial_of_its_own_process_are_progress(context: HydraContext, tmp_path: Path) -> None:
    body = """
    from tunesmith.reporting import current_reporter
    until = time.monotonic() + 2.5
    while time.monotonic() < until: current_reporter().poll(); time.sleep(0.01)
    return 1.0
"""
    outcome = run(context, tmp_path, body, listener := Listener())
    assert outcome.state == TrialState.COMPLETE
    assert listener.polls == 2  # one a second, however many batches there are
    assert listener.checks > listener.polls


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("raise OSError(28, 'No space left on device', 'big.npy')", "disk full: 'big.npy' (No space left on device)"),
        ("import shutil; shutil.rmtree('trials'); os._exit(1)", "folder gone: "),
    ],
    ids=["told", "without a word"],
)
def test_a_fault_of_the_machine_is_no_failure_of_the_trial(
    context: HydraContext, tmp_path: Path, body: str, reason: str
) -> None:
    outcome = run(context, tmp_path, body, Listener())
    assert outcome.state is None
    assert isinstance(outcome.error, MachineFault)
    assert str(outcome.reason).startswith(reason)
