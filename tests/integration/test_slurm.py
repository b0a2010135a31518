"""Workers as jobs of a real Slurm cluster: killed, cancelled, out of time."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator

import psutil
import pytest
import yaml
from conftest import QUICK, TRAIN, Shell
from plain_app import app, begun, ended, processes, rows, trials, wait_until
from services.postgres import Postgres
from services.slurm import Slurm

from tunesmith.run_folder import read_metrics
from tunesmith.search.attribute_names import OWNER

pytestmark = pytest.mark.slurm
JOBS = ("hydra/launcher=submitit_slurm", "hydra.sweeper.n_workers=2")
SLOW = """
started(cfg)
for step in range(1, 6):
    tunesmith.report(step / 10, step)
    time.sleep(0.2)
return cfg.x
"""


@pytest.fixture
def cluster(slurm: Slurm, shell: Shell) -> Iterator[Slurm]:
    """A cluster that the test's commands know, and whose jobs end with the test."""
    shell.env.update(slurm.env)
    yield slurm
    left = slurm.run("squeue", "--noheader")
    slurm.cancel_all()
    assert left == ""
    wait_until(lambda: not processes(shell))


def workers(shell: Shell) -> dict[str, psutil.Process]:
    """The processes of the jobs that are working."""
    found = [process for process in processes(shell) if "TUNESMITH_JOB" in process.environ()]
    return {process.environ()["TUNESMITH_JOB"]: process for process in found}


def jobs_of(shell: Shell) -> set[str]:
    return {trial.user_attrs[OWNER]["job"] for trial in trials(shell) if OWNER in trial.user_attrs}


def test_one_job_cancelled_and_one_killed_cost_no_trial(cluster: Slurm, shell: Shell) -> None:
    app(shell, SLOW)
    command = begun(shell, "x=range(0,11)", *JOBS)
    wait_until(lambda: len(workers(shell)) == len(jobs_of(shell)) == 2)
    (cancelled, _), (killed, process) = workers(shell).items()
    cluster.run("scancel", cancelled)
    wait_until(lambda: len(rows_so_far(shell)) >= 3, 60)
    process.kill()
    done = ended(command, 120)
    assert (done.code, done.err) == (0, "")
    assert sorted((int(row["x"]), row["state"]) for row in rows(shell)) == [(x, "COMPLETE") for x in range(12)]
    assert len(jobs_of(shell)) >= 3  # the last one to start may find nothing left to do
    assert [cluster.state(job) for job in (cancelled, killed)] == ["CANCELLED", "FAILED"]
    for job, how in ((cancelled, "CANCELLED"), (killed, "FAILED")):
        assert re.search(rf"^worker \d \(job {job}\)  ended \({how}\).*; another one starts$", done.out, re.MULTILINE)


def rows_so_far(shell: Shell) -> list[int]:
    return [trial.number for trial in trials(shell) if trial.state.name == "COMPLETE"]


def test_a_job_that_runs_out_of_time_lets_another_one_go_on_from_its_trials_last_epoch(
    cluster: Slurm, shell: Shell
) -> None:
    slow = ("+callbacks.slow._target_=faults.SlowEpochs", "+callbacks.slow.seconds=1.4", "trainer.max_epochs=40")
    short = ("hydra.launcher.timeout_min=1", "hydra.launcher.signal_delay_s=20", "hydra.launcher.cpus_per_task=1")
    arguments = ("-m", "study_name=s", "space=none", "hydra.sweeper.n_trials=1", JOBS[0], *QUICK, *slow, *short)
    done = ended(shell.start(TRAIN, *arguments), 240)
    assert (done.code, done.err) == (0, "")
    *given_back, last = trials(shell)  # Slurm sends the signal up to a minute earlier than it was asked to
    assert given_back
    assert [trial.state.name for trial in given_back] == ["FAIL"] * len(given_back)
    assert last.state.name == "COMPLETE"
    epochs = [len(trial.intermediate_values) for trial in (*given_back, last)]
    assert epochs == sorted(set(epochs))
    assert epochs[-1] == 40
    assert len(jobs_of(shell)) == len(epochs)
    folder = shell.study("s") / "0"
    assert [int(row["epoch"]) for row in read_metrics(folder)] == list(range(1, 41))
    result = yaml.safe_load((folder / "result.yaml").read_text())
    assert (result["state"], result["epochs"]) == ("COMPLETE", 40)
    log = (folder / "train.log").read_text()
    assert "Traceback" not in log


def test_a_job_that_heeds_no_signal_is_ended_by_its_time_limit(cluster: Slurm, shell: Shell) -> None:
    body = """
        is_first = started(cfg)
        tunesmith.report(0.5, 1)
        if is_first:
            while True:
                try:
                    time.sleep(300)
                except SystemExit:
                    pass
        return cfg.x
    """
    app(shell, body)
    short = ("hydra.launcher.timeout_min=1", "hydra.launcher.signal_delay_s=10")
    done = ended(begun(shell, "x=0", JOBS[0], *short), 240)
    assert (done.code, done.err) == (0, "")
    first, second = trials(shell)
    assert (first.state.name, second.state.name) == ("FAIL", "COMPLETE")
    assert second.user_attrs["deaths"] == 1
    assert cluster.state(first.user_attrs[OWNER]["job"]) == "TIMEOUT"
    assert "ended (TIMEOUT); another one starts" in done.out


def test_ctrl_c_ends_all_jobs_and_gives_their_trials_back(cluster: Slurm, shell: Shell) -> None:
    app(shell, "started(cfg)\nfor step in range(1, 600):\n    tunesmith.report(0.5, step)\n    time.sleep(0.1)")
    command = begun(shell, "x=0,1", *JOBS, names=(0, 1))
    command.send_signal(signal.SIGINT)
    done = ended(command, 60)
    assert (done.code, done.err) == (130, "")
    assert sorted(trial.state.name for trial in trials(shell)) == ["FAIL", "FAIL"]
    assert cluster.run("squeue", "--noheader") == ""


def test_jobs_outlive_a_killed_sweep_and_the_same_command_joins_them(cluster: Slurm, shell: Shell) -> None:
    app(shell, SLOW)
    command = begun(shell, "x=range(0,11)", *JOBS)
    wait_until(lambda: len(workers(shell)) == 2)
    command.kill()
    ended(command)
    so_far = len(rows_so_far(shell))
    wait_until(lambda: len(rows_so_far(shell)) > so_far)
    done = ended(shell.start("app.py", "-m", "x=range(0,11)", *JOBS), 60)
    assert (done.code, done.err) == (0, "")
    assert re.search(r"^joined the study: \d+ of \d+ trials counted, 2 running on \S+$", done.out, re.MULTILINE)
    assert len(rows(shell)) == 12
    wait_until(lambda: cluster.run("squeue", "--noheader") == "")


def test_a_job_that_slurm_refuses_is_one_line(cluster: Slurm, shell: Shell) -> None:
    app(shell, "return cfg.x")
    done = ended(shell.start("app.py", "-m", "x=0,1", *JOBS, "hydra.launcher.partition=nowhere"), 60)
    assert done.code == 1
    ours = next(line for line in done.err.splitlines() if not line.startswith("sbatch: "))
    assert ours.startswith(
        "hydra.launcher must describe a job that the cluster takes: sbatch: error: invalid partition specified: nowhere"
    )


def test_a_trial_on_two_devices_starts_its_own_processes_in_its_job(cluster: Slurm, shell: Shell) -> None:
    two = ("trainer.accelerator=cpu", "trainer.devices=2", "trainer.max_epochs=2")
    arguments = ("-m", "study_name=s", "space=none", "seed=0,1", JOBS[0], *QUICK, *two)
    done = ended(shell.start(TRAIN, *arguments), 120)
    assert (done.code, done.err) == (0, "")
    assert [(row["state"], row["epochs"]) for row in rows(shell)] == [("COMPLETE", "2")] * 2


@pytest.mark.postgres
def test_the_storages_password_is_in_no_pickle_process_or_log(cluster: Slurm, shell: Shell, postgres: Postgres) -> None:
    app(shell, SLOW)
    shell.env["TUNESMITH_STORAGE"] = postgres.make_database("password_of_jobs")
    folder = "hydra.launcher.submitit_folder=${hydra.sweep.dir}/workers/jobs/%j"
    command = begun(shell, "x=range(0,5)", folder, *JOBS)
    wait_until(lambda: len(workers(shell)) == 2)
    lines = [process.cmdline() for process in psutil.process_iter(["cmdline"])]
    assert not any(postgres.password in part for line in lines for part in line)
    done = ended(command, 120)
    assert (done.code, done.err) == (0, "")
    assert len(rows(shell)) == 6
    assert postgres.password not in done.text
    files = [path for path in shell.folder.rglob("*") if path.is_file()]
    assert any(path.name.endswith("_submitted.pkl") for path in files)
    assert [path for path in files if postgres.password.encode() in path.read_bytes()] == []
