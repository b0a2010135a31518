"""The services that other tests rely on: they answer, keep their data, and end with us however we end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from conftest import ROOT
from plain_app import wait_until
from services.daemon import Daemon, ServiceError, find_program
from services.postgres import Postgres
from services.slurm import ENDED, Slurm


def connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


@pytest.fixture
def cluster(slurm: Slurm) -> Iterator[Slurm]:
    yield slurm
    slurm.cancel_all()


@pytest.mark.postgres
def test_data_outlive_a_restart(postgres: Postgres) -> None:
    url = postgres.make_database("restart")
    with connect(url) as connection:
        connection.execute("CREATE TABLE numbers AS SELECT 7 AS number")
        # in a thread that ends: the server stays
        restart = threading.Thread(target=postgres.restart)
        restart.start()
        restart.join()
        with pytest.raises(psycopg.OperationalError, match="terminating connection due to administrator command"):
            connection.execute("SELECT 1")
    with connect(url) as connection:
        assert connection.execute("SELECT number FROM numbers").fetchall() == [(7,)]


@pytest.mark.postgres
def test_a_database_is_made_empty(postgres: Postgres) -> None:
    for _ in range(2):
        with connect(postgres.make_database("fresh")) as connection:
            connection.execute("CREATE TABLE numbers ()")


@pytest.mark.postgres
def test_a_password_is_asked_for(postgres: Postgres) -> None:
    url = postgres.make_database("guarded").replace(postgres.password, "guessed")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(url)


@pytest.mark.slurm
def test_jobs_that_call_srun_run_side_by_side(cluster: Slurm, tmp_path: Path) -> None:
    # each waits for the others
    meet = f'touch {tmp_path}/$SLURM_JOB_ID; until [ "$(ls {tmp_path} | wc -l)" = 4 ]; do sleep .1; done'
    jobs = [cluster.run("sbatch", "--parsable", "--output=/dev/null", f"--wrap=srun sh -c '{meet}'") for _ in range(4)]
    assert [cluster.wait_for(job, ENDED) for job in jobs] == ["COMPLETED"] * 4


@pytest.mark.slurm
def test_accounting_tells_how_a_job_ended(cluster: Slurm) -> None:
    failing, cancelled = (
        cluster.run("sbatch", "--parsable", "--output=/dev/null", f"--wrap=srun {command}")
        for command in ("false", "sleep 60")
    )
    cluster.wait_for(cancelled, {"RUNNING"})
    cluster.run("scancel", cancelled)
    assert [cluster.wait_for(job, ENDED) for job in (failing, cancelled)] == ["FAILED", "CANCELLED"]


@pytest.mark.slurm
def test_a_task_of_srun_is_told_before_the_time_of_its_job_is_over(cluster: Slurm, tmp_path: Path) -> None:
    trap = f'trap "touch {tmp_path}/told" USR2; touch {tmp_path}/ready; while true; do sleep .1; done'
    # Slurm looks twice a minute
    options = ("--parsable", "--output=/dev/null", "--time=1", "--signal=USR2@50")
    job = cluster.run("sbatch", *options, f"--wrap=srun sh -c '{trap}'")
    wait_until((tmp_path / "ready").exists)
    assert not (tmp_path / "told").exists()
    wait_until((tmp_path / "told").exists, 50)
    assert cluster.state(job) == "RUNNING"


# A daemon that starts a process in a session of its own, which a polite end leaves alone.
DAEMON = """
import os, pathlib, subprocess, time
orphan = subprocess.check_output(["sh", "-c", "setsid nohup sleep 300 > nohup.log 2>&1 & echo $!"])
pathlib.Path("pids").write_text(f"{os.getpid()} {int(orphan)}")
time.sleep(300)
"""
HOST = f"""
import sys, time
from pathlib import Path
from services.daemon import Daemon
pids = Path("pids").resolve()
Daemon([sys.executable, "-c", {DAEMON!r}], Path("daemon.log").resolve(), pids.exists).start()
time.sleep(300)
"""


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM"])
def test_no_daemon_outlives_who_started_it(tmp_path: Path, name: str) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    with subprocess.Popen([sys.executable, "-c", HOST], cwd=tmp_path, env=env) as host:
        try:
            wait_until(lambda: (tmp_path / "pids").exists() and (tmp_path / "pids").read_text())
            family = [psutil.Process(int(pid)) for pid in (tmp_path / "pids").read_text().split()]
        finally:
            host.send_signal(signal.Signals[name])
    gone, alive = psutil.wait_procs(family, timeout=20)
    assert (len(gone), alive) == (2, [])


def test_a_daemon_that_does_not_start_shows_its_last_words(tmp_path: Path) -> None:
    daemon = Daemon(["sh", "-c", "echo no such luck >&2; exit 3"], tmp_path / "daemon.log", lambda: False)
    with pytest.raises(ServiceError, match=r"^daemon ended with code 3:\n  no such luck$"):
        daemon.start()


def test_a_daemon_is_not_waited_for_without_end(tmp_path: Path) -> None:
    daemon = Daemon(["sleep", "300"], tmp_path / "daemon.log", lambda: False)
    with pytest.raises(ServiceError, match=r"^daemon is not ready after 0.1 s:\n  daemon.log is empty$"):
        daemon.start(seconds=0.1)


def test_a_missing_program_names_its_package() -> None:
    with pytest.raises(ServiceError, match=r"^slurmctl is not installed; apt-get install slurm-wlm$"):
        find_program("slurmctl", "slurm-wlm")
