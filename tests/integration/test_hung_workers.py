"""Workers that hang, by the real command line of an app without torch."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import optuna
import psutil
import pytest
from conftest import Shell
from plain_app import app, begun, ended, has_started, processes, rows, sweep, trials, wait_until

from tunesmith.search.storage.storage import open_journal
from tunesmith.search.study.retries import requeue

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.mark.parametrize("n_workers", [1, 2])
def test_a_stopped_worker_is_ended_when_the_time_of_its_trial_is_over(shell: Shell, n_workers: int) -> None:
    """It cannot look at the time, no thread of it beats, and no signal but SIGKILL ends it."""
    quick = "import tunesmith.search.pool.watch\ntunesmith.search.pool.watch.TIMEOUT_GRACE_S = 1.0\n"
    app(shell, "if cfg.x == 0: os.kill(os.getpid(), signal.SIGSTOP)\nreturn cfg.x", quick)
    done = sweep(shell, "x=0,1,2", f"hydra.sweeper.n_workers={n_workers}", "hydra.sweeper.trial_timeout=1")
    assert (done.code, done.err) == (0, "")
    assert [(row["x"], row["state"], row["reason"]) for row in sorted(rows(shell), key=lambda row: row["x"])] == [
        ("0", "FAIL", "the trial took longer than hydra.sweeper.trial_timeout=1 s"),
        ("1", "COMPLETE", ""),
        ("2", "COMPLETE", ""),
    ]
    assert len(trials(shell)) == 3  # none was retried
    assert "has not ended 1 s after hydra.sweeper.trial_timeout=1 s (pid " in done.out
    assert ", stopped); its worker is killed\n" in done.out


def test_ctrl_c_twice_ends_a_sweep_whose_workers_are_stopped(shell: Shell) -> None:
    app(shell, "started(cfg)\nos.kill(os.getpid(), signal.SIGSTOP)")
    command = begun(shell, "x=0,1", "hydra.sweeper.n_workers=2", names=(0, 1))
    wait_until(lambda: [process.status() for process in processes(shell)].count(psutil.STATUS_STOPPED) == 2)
    command.send_signal(signal.SIGINT)
    time.sleep(1)
    assert command.poll() is None  # it waits for the end of the batch
    command.send_signal(signal.SIGINT)
    done = ended(command, 20)
    assert (done.code, done.err) == (130, "")


def test_a_process_that_was_stopped_writes_nothing_more_for_an_attempt_that_was_taken_away(shell: Shell) -> None:
    body = """
        from tunesmith.reporting import current_reporter
        if not started(cfg): return 1.0
        while True:
            current_reporter().poll()
            with open("steps", "a") as file: file.write(".")
            time.sleep(0.01)
    """
    quick = "import tunesmith.search.study.heartbeat\ntunesmith.search.study.heartbeat.ASK_INTERVAL_S = 0.5\n"
    app(shell, body, quick)
    command = begun(shell, "x=0")
    wait_until(lambda: (shell.folder / "steps").exists())
    process = psutil.Process(command.pid)
    process.suspend()
    wait_until(lambda: process.status() == psutil.STATUS_STOPPED)
    steps = Path(shell.folder / "steps").stat().st_size
    storage = open_journal(shell.study("s") / "study.journal")
    requeue(optuna.load_study(study_name="s", storage=storage), 0)  # as another machine does after a minute
    time.sleep(0.6)
    process.resume()
    done = ended(command)
    assert (done.code, done.err) == (0, "")
    assert (shell.folder / "steps").stat().st_size - steps <= 1  # it may have been stopped between poll and write
    assert [trial.state.name for trial in trials(shell)] == ["FAIL", "COMPLETE"]
    assert has_started(shell, 0)
