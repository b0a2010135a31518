"""Owners: whether the process that runs a trial still lives."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psutil
import pytest

from tunesmith.search.study.owner import (
    JOB,
    STARTED,
    WORKER,
    Owner,
    command_started,
    this_process,
    worker_index,
)


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def owner_of(process: subprocess.Popen[bytes]) -> Owner:
    return replace(this_process(), pid=process.pid, started=psutil.Process(process.pid).create_time())


def test_this_process_lives() -> None:
    assert not this_process().is_dead()


def test_an_owner_can_be_kept_in_a_study() -> None:
    attribute = json.loads(json.dumps(this_process().to_attribute(None)))
    assert Owner.from_attribute(attribute) == this_process()
    assert list(attribute) == ["host", "machine", "pid", "started", "worker", "job", "folder"]


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
    started = this_process().started
    assert started is not None
    assert replace(this_process(), started=started - 60).is_dead()


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


def test_a_sweep_starts_with_its_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(STARTED, raising=False)
    assert command_started() == psutil.Process().create_time()


def test_a_workers_sweep_started_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STARTED, repr(1234.5))
    assert command_started() == 1234.5


def test_an_owner_that_is_a_job_has_its_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(JOB, "42")
    assert this_process.__wrapped__().job == "42"
