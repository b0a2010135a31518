"""Workers as jobs: submitit's own on this machine, by the real command line of an app without torch."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator

import psutil
import pytest
from conftest import Shell
from plain_app import app, begun, ended, processes, rows, sweep, trials, wait_until

from tunesmith.search.attribute_names import OWNER

JOBS = ("hydra/launcher=submitit_local", "hydra.sweeper.n_workers=2")
# A trial that is held until a file is there.
HELD = """
started(cfg)
while not Path("go").exists():
    tunesmith.report(0.5, 1)
    time.sleep(0.05)
return cfg.x
"""


@pytest.fixture(autouse=True)
def _nothing_left(shell: Shell) -> Iterator[None]:
    yield
    wait_until(lambda: not processes(shell))


def workers(shell: Shell) -> list[psutil.Process]:
    """Their processes; the sweep and submitit's are others."""
    return [process for process in processes(shell) if "TUNESMITH_JOB" in process.environ()]


def jobs_of(shell: Shell) -> set[str]:
    """The ids of those that have taken a trial."""
    return {trial.user_attrs[OWNER]["job"] for trial in trials(shell) if OWNER in trial.user_attrs}


def test_jobs_share_the_budget_and_a_killed_one_is_replaced(shell: Shell) -> None:
    app(shell, HELD)
    command = begun(shell, "x=range(0,7)", *JOBS)
    wait_until(lambda: len(jobs_of(shell)) == 2)
    workers(shell)[0].kill()
    wait_until(lambda: len(jobs_of(shell)) == 3)
    (shell.folder / "go").touch()
    done = ended(command)
    assert (done.code, done.err) == (0, "")
    assert sorted((row["x"], row["state"]) for row in rows(shell)) == [(str(x), "COMPLETE") for x in range(8)]
    assert re.search(r"^worker \d \(job \d+\)  ended; another one starts$", done.out, re.MULTILINE)
    assert {trial.user_attrs[OWNER]["worker"] for trial in trials(shell)} == {0, 1}
    assert len(jobs_of(shell)) == 3


def test_a_job_leaves_its_files_under_workers(shell: Shell) -> None:
    app(shell, "return cfg.x")
    done = sweep(
        shell,
        "x=0,1,2",
        "hydra/launcher=submitit_local",
        "hydra.launcher.submitit_folder=${hydra.sweep.dir}/workers/jobs/%j",
    )
    assert (done.code, done.err) == (0, "")
    folder = shell.study("s")
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == ["0", "1", "2", "workers"]
    assert "trial   0  COMPLETE" in (folder / "workers" / "0" / "output.log").read_text()
    (job,) = (folder / "workers" / "jobs").glob("[0-9]*")
    assert {path.name.removeprefix(job.name) for path in job.iterdir()} >= {"_submitted.pkl", "_0_log.out"}


def test_ctrl_c_gives_the_trials_of_jobs_back(shell: Shell) -> None:
    app(shell, HELD)
    command = begun(shell, "x=0,1", *JOBS, names=(0, 1))
    command.send_signal(signal.SIGINT)
    done = ended(command)
    assert (done.code, done.err) == (130, "")
    assert sorted(trial.state.name for trial in trials(shell)) == ["FAIL", "FAIL"]
    assert processes(shell) == []


def test_the_signal_before_a_jobs_end_gives_its_trial_back_with_its_epochs(shell: Shell) -> None:
    body = """
        is_first = started(cfg)
        while is_first:
            tunesmith.report(0.1, 1)
            time.sleep(0.05)
        for step in range(1, 6):
            tunesmith.report(step / 10, step)
        return cfg.x
    """
    app(shell, body)
    command = begun(shell, "x=0", *JOBS[:1])
    wait_until(lambda: workers(shell))
    wait_until(lambda: trials(shell)[0].intermediate_values)
    workers(shell)[0].send_signal(signal.SIGUSR2)
    done = ended(command)
    assert (done.code, done.err) == (0, "")
    first, second = trials(shell)
    assert (first.state.name, second.state.name) == ("FAIL", "COMPLETE")
    assert first.intermediate_values.keys() < second.intermediate_values.keys()
    assert first.user_attrs[OWNER]["job"] != second.user_attrs[OWNER]["job"]
    assert second.user_attrs["deaths"] == 0
    assert len(rows(shell)) == 1


def test_jobs_that_cannot_start_end_the_sweep_with_one_line(shell: Shell) -> None:
    app(shell, "return 1.0", 'import os\nif "TUNESMITH_JOB" in os.environ: raise OSError("no such library")\n')
    done = sweep(shell, "x=interval(0,1)", *JOBS)
    assert done.code == 1
    assert re.match(
        r"worker \d \(job \d+\) ended before it finished a trial, like the workers before it: "
        r"OSError: no such library\n",
        done.err,
    )


def test_a_job_that_cannot_be_is_refused_and_leaves_nothing(shell: Shell) -> None:
    app(shell, "return 1.0")
    done = sweep(shell, "x=0,1", *JOBS, "hydra.launcher.tasks_per_node=4")
    assert done.code == 1
    assert done.err.startswith("hydra.launcher.tasks_per_node must be 1, as a job is one worker and a trial")
    assert not (shell.folder / "outputs").exists()


def test_a_sweep_of_joblib_starts_workers(shell: Shell) -> None:
    app(shell, "meet_workers(2)\nreturn cfg.x")
    done = sweep(shell, "x=range(0,5)", "hydra/launcher=joblib", "hydra.sweeper.n_jobs=2")
    assert (done.code, done.err) == (0, "")
    assert len(rows(shell)) == 6
    assert {trial.user_attrs[OWNER]["worker"] for trial in trials(shell)} == {0, 1}


def test_joblibs_own_number_of_processes_is_a_limit(shell: Shell) -> None:
    app(shell, "return cfg.x")
    done = sweep(shell, "x=0,1", "hydra/launcher=joblib", "hydra.sweeper.n_jobs=2", "hydra.launcher.n_jobs=1")
    assert (done.code, done.err) == (0, "")
    assert {trial.user_attrs[OWNER]["worker"] for trial in trials(shell)} == {None}
