"""The processes of a run on several devices: the first one speaks and writes, its followers work along.

Lightning starts the followers: the same command again, with LOCAL_RANK in the environment.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NoReturn

from tunesmith.errors import RunFailed, UserError

if TYPE_CHECKING:
    import lightning as L

# What a follower gets to end by itself once the run is over.
GRACE_SECONDS = 5.0
# How long the first process waits for news of a follower's end where its line to it broke, and how long a follower
# with an error waits for the first process, which mostly has the same one and tells it.
NEWS_SECONDS, SILENT_SECONDS = 1.0, 2.0
# What Lightning's launcher leaves in the environment: the next trainer of this process would start no followers.
VARIABLES = ("LOCAL_RANK", "NODE_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "OMP_NUM_THREADS")


def is_follower() -> bool:
    """Tell a follower from the first process, and from the only one."""
    return int(os.environ.get("LOCAL_RANK", 0)) > 0


@contextmanager
def nonzero_rank() -> Iterator[None]:
    """Let a follower say nothing but what is its own error, and end with the first process; others pass through."""
    if not is_follower():
        yield
        return
    _be_silent()
    threading.Thread(target=_exit_with_parent, args=(os.getppid(),), daemon=True).start()
    try:
        yield
    except (Exception, SystemExit) as error:
        if not _is_collective_exit(error):
            _tell(error)
        sys.exit(0)  # any other code would have the first process killed before it can tell why


@contextmanager
def cleaned_up_ranks(trainer: L.Trainer) -> Iterator[None]:
    """Leave no follower behind that a trainer started, and none of its traces in this process.

    Raises:
        RunFailed: a follower failed.
    """
    launcher = trainer.strategy.launcher
    if launcher is None or is_follower():
        yield
        return
    before = {name: os.environ.get(name) for name in VARIABLES}
    _keep_threads()
    try:
        yield
        _leave_group()
        _end(launcher, GRACE_SECONDS)
    except BaseException as error:
        failed = _end(launcher, NEWS_SECONDS if isinstance(error, RuntimeError) else 0)
        _leave_group()
        if failed is not None:
            raise RunFailed(failed) from None  # its own error says less
        raise
    finally:
        _restore(before)


def _be_silent() -> None:
    """Ctrl-C reaches followers too where the first process was started in a terminal, and that one ends them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    sys.argv.append("++hydra.job_logging.root=null")


def _exit_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _is_collective_exit(error: BaseException) -> bool:
    """Tell an end that all ranks come to together: what stops a run before they have met is a follower's own."""
    from optuna import TrialPruned
    from torch import distributed

    is_planned = isinstance(error, UserError | RunFailed | TrialPruned | SystemExit)
    return is_planned and distributed.is_available() and distributed.is_initialized()


def _tell(error: BaseException) -> NoReturn:
    """Print an error and die at once: the first process is to see the dead follower as soon as its broken line."""
    time.sleep(SILENT_SECONDS)
    if isinstance(error, SystemExit):
        print(error, file=sys.__stderr__, flush=True)
    else:
        traceback.print_exception(error, file=sys.__stderr__)
    os._exit(1)


def _keep_threads() -> None:
    """Keep Lightning from choosing the number of threads, which changes results."""
    import torch

    os.environ.setdefault("OMP_NUM_THREADS", str(torch.get_num_threads()))


def _leave_group() -> None:
    from torch import distributed

    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()


def _end(launcher: object, patience: float) -> str | None:
    """Wait for the followers, kill those that stay; return which one had failed by itself."""
    followers = list(getattr(launcher, "procs", ()))
    getattr(launcher, "procs", []).clear()  # Lightning's observer, which kills this process, looks at the same list
    _wait(followers, patience)
    codes = [process.poll() for process in followers]
    for process in followers:
        process.kill()
        process.wait()
    failed = [f"rank {place} ended with exit code {code}" for place, code in enumerate(codes, 1) if code]
    return failed[0] if failed else None


def _wait(followers: Sequence[subprocess.Popen[bytes]], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    for process in followers:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))


def _restore(environment: dict[str, str | None]) -> None:
    for name, value in environment.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
