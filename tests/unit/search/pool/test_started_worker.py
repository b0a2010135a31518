"""A worker's variables that a shell has left over make no worker of a user's command."""

from __future__ import annotations

import os

import pytest

from tunesmith.errors import UserError
from tunesmith.search.pool.started_worker import STARTED_BY, check_variables, started_by_this_process
from tunesmith.search.study.owner import JOB, STARTED, WORKER


@pytest.mark.parametrize("name", [WORKER, JOB, STARTED])
@pytest.mark.parametrize("others", [{}, {STARTED_BY: "1"}], ids=["alone", "of another sweep"])
def test_a_left_over_variable_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, others: dict[str, str]) -> None:
    for key, value in {name: "0", **others}.items():
        monkeypatch.setenv(key, value)
    with pytest.raises(UserError, match=rf"^{name} must not be set: .*; got '0': unset {name}"):
        check_variables()


def test_a_child_and_a_job_that_becomes_the_worker_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WORKER, "0")
    monkeypatch.setenv(STARTED_BY, str(os.getppid()))
    check_variables()
    monkeypatch.setenv(STARTED_BY, started_by_this_process()[STARTED_BY])
    check_variables()


def test_a_users_shell_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (WORKER, JOB, STARTED, STARTED_BY):
        monkeypatch.delenv(name, raising=False)
    check_variables()
