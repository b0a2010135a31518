"""Tells a worker that a sweep has started from a command whose shell has a worker's variables left over."""

from __future__ import annotations

import os
from collections.abc import Mapping

from tunesmith.errors import UserError
from tunesmith.search.study.owner import JOB, STARTED, WORKER

# Environment of a worker: the pid of the sweep that is its parent, or of the job that has become the worker.
STARTED_BY = "TUNESMITH_STARTED_BY"


def started_by_this_process() -> Mapping[str, str]:
    """Return what the environment of a worker needs besides its index."""
    return {STARTED_BY: str(os.getpid())}


def check_variables() -> None:
    """Raise UserError for a worker's variables in a process that no sweep has started: it would do nothing."""
    found = [name for name in (WORKER, JOB, STARTED) if name in os.environ]
    if found and os.environ.get(STARTED_BY) not in (str(os.getpid()), str(os.getppid())):
        unset = " ".join([*found, *[STARTED_BY] * (STARTED_BY in os.environ)])
        raise UserError(
            f"{found[0]} must not be set: it is how a sweep tells its workers who they are; got "
            f"'{os.environ[found[0]]}': unset {unset}"
        )
