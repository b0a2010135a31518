"""Owners: whether the process that runs a trial still lives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from tunesmith.search.study.owner import (
    JOB,
    STARTED,
    WORKER,
    Owner,
    command_started,
    started_in_environment,
    this_process,
    worker_index,
)
from tunesmith.search.study.process_start import start_mark


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def owner_of(process: subprocess.Popen[bytes]) -> Owner:
    pid = process.pid
    return replace(this_process(), pid=pid, started=psutil.Process(pid).create_time(), start_mark=start_mark(pid))


def of_earlier_version(owner: Owner) -> Owner:
    """The same owner as studies have it that know neither boots nor clock ticks."""
    attribute = owner.to_attribute(None)
    return Owner.from_attribute({key: attribute[key] for key in attribute if key not in ("boot", "start_mark")})


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the system clock by some seconds, as all who read it see it: time.time(), and psutil by its boot time."""

    def step(seconds: float) -> None:
        now, create_time = time.time, psutil.Process.create_time
        monkeypatch.setattr(time, "time", lambda: now() + seconds)
        monkeypatch.setattr(psutil.Process, "create_time", lambda process: create_time(process) + seconds)

    return step


def test_this_process_lives() -> None:
    assert not this_process().is_dead()


def test_an_owner_can_be_kept_in_a_study() -> None:
    attribute = json.loads(json.dumps(this_process().to_attribute(None)))
    assert Owner.from_attribute(attribute) == this_process()
    assert list(attribute) == ["host", "machine", "pid", "started", "worker", "job", "folder", "boot", "start_mark"]


def test_another_process_that_lives(child: subprocess.Popen[bytes]) -> None:
    assert not owner_of(child).is_dead()


def test_a_process_that_is_gone(child: subprocess.Popen[bytes]) -> None:
    owner = owner_of(child)
    child.kill()
    child.wait()
    assert owner.is_dead()


def test_a_killed_process_that_nobody_waited_for_is_dead(child: subprocess.Popen[bytes]) -> None:
    owner = owner_of(child)
    child.kill()
    while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE:
        pass
    assert owner.is_dead()


def test_a_pid_given_again_is_another_process() -> None:
    mark = this_process().start_mark
    assert mark is not None
    assert replace(this_process(), start_mark=mark - 1).is_dead()


STEPS_S = pytest.mark.parametrize("seconds", [-86400.0, -3.0, 3.0, 86400.0])


@STEPS_S
def test_a_step_of_the_clock_kills_nobody(
    child: subprocess.Popen[bytes], set_clock: Callable[[float], None], seconds: float
) -> None:
    owners = [this_process(), owner_of(child)]
    set_clock(seconds)
    assert [owner.lives() for owner in owners] == [True, True]
    assert this_process.__wrapped__().is_this_process()  # as a process sees itself that has replaced itself since
    assert owners[0].is_this_process()
    assert not owners[1].is_this_process()
    child.kill()
    child.wait()
    assert owners[1].is_dead()


@STEPS_S
def test_an_owner_of_an_earlier_version_is_dead_if_its_pid_is_gone_and_else_open_after_a_step(
    child: subprocess.Popen[bytes], set_clock: Callable[[float], None], seconds: float
) -> None:
    owner = of_earlier_version(owner_of(child))
    assert (owner.start_mark, owner.lives()) == (None, True)
    set_clock(seconds)
    assert owner.lives() is None  # its heartbeat tells
    child.kill()
    child.wait()
    assert owner.is_dead()


def test_a_process_of_an_earlier_boot_of_this_machine_is_dead() -> None:
    assert replace(this_process(), boot="an earlier one").is_dead()


def test_a_machine_may_get_another_name() -> None:
    host, _, rest = str(this_process().machine).partition(" ")
    owner = replace(this_process(), host="renamed", machine=f"re{host} {rest}")
    assert owner.lives()
    assert owner.is_this_process()


def test_machines_without_an_id_that_share_a_name_are_told_apart_by_their_boot(monkeypatch: pytest.MonkeyPatch) -> None:
    is_file = Path.is_file
    monkeypatch.setattr(Path, "is_file", lambda path: path != Path("/etc/machine-id") and is_file(path))
    boot = this_process().boot
    assert boot is not None
    assert boot.split()[0] in str(this_process.__wrapped__().machine).split()


def test_a_process_that_is_hidden_from_this_user_may_live(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int, signum: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    owner = replace(this_process(), pid=2**22 + 1)
    assert owner.lives() is False
    monkeypatch.setattr(os, "kill", refuse)  # what /proc mounted with hidepid=2 does to processes of others
    assert owner.lives() is None


def test_a_fork_is_a_process_of_its_own() -> None:
    this_process()
    read, write = os.pipe()
    if (pid := os.fork()) == 0:
        os.write(write, str(this_process().pid).encode())
        os._exit(0)
    os.waitpid(pid, 0)
    assert os.read(read, 100) == str(pid).encode()


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"host": "another.host", "machine": "another.host"}, id="of another host"),
        pytest.param({"machine": "another container"}, id="of a container on a host of this name"),
        pytest.param({"machine": None}, id="of an older study"),
    ],
)
def test_a_process_that_may_be_elsewhere_is_never_known_to_be_dead(other: dict[str, Any]) -> None:
    attribute = {**this_process().to_attribute(None), "pid": 2**22 + 1, "started": 0.0, **other}
    owner = Owner.from_attribute({key: value for key, value in attribute.items() if value is not None})
    assert not owner.is_here()
    assert not owner.is_dead()


def test_this_process_is_here() -> None:
    assert this_process().is_here()


@pytest.mark.parametrize(("variable", "index"), [(None, None), ("0", 0), ("3", 3)], ids=str)
def test_a_worker_knows_its_index(monkeypatch: pytest.MonkeyPatch, variable: str | None, index: int | None) -> None:
    monkeypatch.delenv(WORKER, raising=False)
    if variable is not None:
        monkeypatch.setenv(WORKER, variable)
    assert worker_index() == index


def test_a_sweep_starts_with_its_process(
    child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch, set_clock: Callable[[float], None]
) -> None:
    monkeypatch.delenv(STARTED, raising=False)
    started, mark = command_started(), this_process().start_mark
    assert started is not None
    assert mark is not None
    set_clock(3600)
    later = (start_mark(child.pid) or 0) - mark  # this process was started so many ticks before its child
    assert command_started() == pytest.approx(started, abs=0.1)
    assert time.monotonic() - started == pytest.approx(later / os.sysconf("SC_CLK_TCK"), abs=5)


def test_a_worker_of_this_machine_counts_from_its_sweeps_start(
    monkeypatch: pytest.MonkeyPatch, set_clock: Callable[[float], None]
) -> None:
    monkeypatch.setenv(STARTED, started_in_environment(1234.5)[STARTED])
    set_clock(3600)
    assert command_started() == 1234.5


def test_a_worker_of_another_machine_has_no_clock_in_common_with_its_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STARTED, "another-boot 1234.5")
    assert command_started() is None


def test_an_owner_that_is_a_job_has_its_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(JOB, "42")
    assert this_process.__wrapped__().job == "42"
