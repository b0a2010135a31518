"""A Slurm cluster of one node, with accounting; none of the system's files is read or written.

Its addresses are loopback's. Slurm's own daemons listen on all interfaces, and refuse who has not its munge key.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from services.daemon import Daemon, ServiceError, find_program, free_port, is_listening

SLURM_CONF = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={slurmctld}
SlurmctldPidFile={folder}/slurmctld.pid
StateSaveLocation={folder}/state
SlurmUser=root
SlurmdUser=root
SlurmdPort={slurmd}
SlurmdPidFile={folder}/slurmd.pid
SlurmdSpoolDir={folder}/spool
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={slurmdbd}
# the way to slurmdbd does not know AuthInfo
AccountingStoragePass={folder}/munge.socket
MailProg=/bin/true
MpiDefault=none
# jobs start after one second, not three
SchedulerParameters=batch_sched_delay=0
# no cgroups: a container may have none, and the machine's are not ours
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
# more CPUs than the machine has, so that several jobs run side by side
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=64000
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE
ReturnToService=2
KillWait=5
OverTimeLimit=0
"""

SLURMDBD_CONF = """\
DbdHost={host}
DbdAddr=127.0.0.1
DbdPort={slurmdbd}
SlurmUser=root
PidFile={folder}/slurmdbd.pid
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={mariadbd}
StorageUser=slurm
StoragePass={password}
StorageLoc=slurm
"""

MARIADB_CNF = """\
[mariadbd]
user=root
datadir={folder}/mariadb
socket={folder}/mariadb.socket
pid-file={folder}/mariadb.pid
bind-address=127.0.0.1
port={mariadbd}
skip-name-resolve
innodb-log-file-size=8M
init-file={folder}/users.sql
"""

USERS_SQL = """\
CREATE DATABASE IF NOT EXISTS slurm;
CREATE USER IF NOT EXISTS slurm@127.0.0.1 IDENTIFIED BY '{password}';
GRANT ALL ON slurm.* TO slurm@127.0.0.1;
"""

FILES = {
    "slurm.conf": SLURM_CONF,
    "slurmdbd.conf": SLURMDBD_CONF,
    "mariadb.cnf": MARIADB_CNF,
    "users.sql": USERS_SQL,
}
MUNGE_FILES = ("key-file", "log-file", "pid-file", "seed-file", "socket")
ENDED = {"BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "TIMEOUT"}


class Slurm:
    """A cluster. Its users' commands need env; jobs are root's, and see their submitter's environment and folder."""

    def __init__(self, folder: Path, cpus: int = 8) -> None:
        if os.geteuid() != 0:
            raise ServiceError("Slurm's daemons must be started by root")
        self.env = {"SLURM_CONF": str(folder / "slurm.conf")}
        self._folder = folder
        folder.chmod(0o755)  # munged insists that everybody can reach its socket
        self._ports = {name: free_port() for name in ("slurmctld", "slurmd", "slurmdbd", "mariadbd")}
        self._install_mariadb = find_program("mariadb-install-db", "mariadb-server")
        keys = [f"--{name}={folder}/munge.{name}" for name in MUNGE_FILES]
        self.daemons = [
            self._daemon("munged", "munge", "--foreground", *keys, is_ready=(folder / "munge.socket").exists),
            self._daemon("mariadbd", "mariadb-server", f"--defaults-file={folder}/mariadb.cnf"),
            self._daemon("slurmdbd", "slurmdbd", "-D"),
            self._daemon("slurmctld", "slurm-wlm", "-D"),
            self._daemon("slurmd", "slurm-wlm", "-D", is_ready=self._is_idle),
        ]
        self._write_files(cpus)

    def _daemon(self, name: str, package: str, *arguments: str, is_ready: Callable[[], bool] | None = None) -> Daemon:
        def listens() -> bool:
            return is_listening(self._ports[name])

        command = [find_program(name, package), *arguments]
        return Daemon(command, self._folder / f"{name}.log", is_ready or listens, self.env)

    def _write_files(self, cpus: int) -> None:
        host = socket.gethostname().partition(".")[0]
        values = {"folder": self._folder, "host": host, "cpus": cpus, "password": secrets.token_hex(), **self._ports}
        for name, text in FILES.items():
            (self._folder / name).write_text(text.format(**values))
            (self._folder / name).chmod(0o600)
        (self._folder / "munge.key-file").write_bytes(secrets.token_bytes(1024))
        (self._folder / "munge.key-file").chmod(0o600)
        (self._folder / "state").mkdir()

    def start(self) -> None:
        """Start the daemons; the node is idle then."""
        if not (self._folder / "mariadb").exists():
            self._make_database()
        for daemon in self.daemons:
            daemon.start()

    def stop(self) -> None:
        """Stop the daemons, and with them the jobs."""
        for daemon in reversed(self.daemons):
            daemon.stop()

    def run(self, *command: str) -> str:
        """Run one of Slurm's commands; return what it prints."""
        env = {**os.environ, **self.env}
        return subprocess.run(command, env=env, check=True, capture_output=True, text=True, timeout=60).stdout.strip()

    def state(self, job: str) -> str:
        """Return a job's state as the accounting has it: PENDING, RUNNING, or one of ENDED; "" before it knows it."""
        return self.run("sacct", "-n", "-X", "-P", "-o", "State", "-j", job).partition(" ")[0]

    def wait_for(self, job: str, states: set[str], seconds: float = 60.0) -> str:
        """Return a job's state when it is one of these."""
        deadline = time.monotonic() + seconds
        while (state := self.state(job)) not in states:
            assert time.monotonic() < deadline, f"job {job} is {state} after {seconds:g} s"
            time.sleep(0.2)
        return state

    def cancel_all(self) -> None:
        """End all jobs, and return when their processes are gone."""
        self.run("scancel", "--me")
        while self.run("squeue", "--noheader"):
            time.sleep(0.2)

    def _is_idle(self) -> bool:
        return self.run("sinfo", "--noheader", "--format=%t") == "idle"

    def _make_database(self) -> None:
        command = [self._install_mariadb, f"--defaults-file={self._folder}/mariadb.cnf", "--skip-test-db"]
        ended = subprocess.run(command, cwd=self._folder, capture_output=True, text=True)
        if ended.returncode:
            raise ServiceError(f"mariadb-install-db ended with code {ended.returncode}:\n{ended.stdout}{ended.stderr}")
