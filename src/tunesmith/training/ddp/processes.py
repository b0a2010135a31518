"""The processes of a run on several devices: rank zero prints and writes, the other ranks only train.

Lightning starts the other ranks from rank zero: the same command again, with LOCAL_RANK in the environment.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NoReturn

from tunesmith.errors import RunFailed, UserError
from tunesmith.short_traceback import format_short

if TYPE_CHECKING:
    import lightning as L

# How long the other ranks may take to exit by themselves once the run is over.
EXIT_GRACE_S = 5.0
# How long rank zero waits for the exit code of another rank after their connection broke.
EXIT_CODE_TIMEOUT_S = 1.0
# How long another rank holds an error back: rank zero mostly has the same error, prints it, and ends all ranks.
ERROR_DELAY_S = 2.0
# What Lightning's launcher leaves in the environment: with it the next trainer of this process would start no ranks.
VARIABLES = ("LOCAL_RANK", "NODE_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "OMP_NUM_THREADS")


def is_rank_zero() -> bool:
    """Tell rank zero of this machine, or the only process of a run, from the other ranks."""
    return int(os.environ.get("LOCAL_RANK", 0)) == 0


@contextmanager
def nonzero_rank() -> Iterator[None]:
    """Silence a process that is not rank zero: it prints only errors of its own, and exits when rank zero is gone.

    Rank zero, or the only process, passes through.
    """
    if is_rank_zero():
        yield
        return
    _silence()
    threading.Thread(target=_exit_with_parent, args=(os.getppid(),), daemon=True).start()
    try:
        yield
    except (Exception, SystemExit) as error:
        if not _is_collective_exit(error):
            _print_and_exit(error)
        sys.exit(0)  # at any other code Lightning kills rank zero before it can print the reason


@contextmanager
def cleaned_up_ranks(trainer: L.Trainer) -> Iterator[None]:
    """Leave none of the ranks running that a trainer started, and nothing of its launcher in this process.

    Raises:
        RunFailed: another rank failed.
    """
    launcher = trainer.strategy.launcher
    if launcher is None or not is_rank_zero():
        yield
        return
    before = {name: os.environ.get(name) for name in VARIABLES}
    _keep_threads()
    try:
        yield
        _leave_group()
        _end_ranks(launcher, EXIT_GRACE_S)
    except BaseException as error:
        failed = _end_ranks(launcher, EXIT_CODE_TIMEOUT_S if isinstance(error, RuntimeError) else 0)
        _leave_group()
        if failed is not None:
            raise RunFailed(failed) from None  # the error here only says that a connection broke
        raise
    finally:
        _restore(before)


def _silence() -> None:
    """Print nothing and ignore signals: a terminal sends Ctrl-C to all ranks, and rank zero ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    sys.argv.append("++hydra.job_logging.root=null")


def _exit_with_parent(parent: int) -> None:
    """Exit when rank zero, the parent process, is gone."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _is_collective_exit(error: BaseException) -> bool:
    """True for errors that every rank raises once the process group exists, False for errors of this rank alone."""
    from optuna import TrialPruned
    from torch import distributed

    is_planned = isinstance(error, UserError | RunFailed | TrialPruned | SystemExit)
    return is_planned and distributed.is_available() and distributed.is_initialized()


def _print_and_exit(error: BaseException) -> NoReturn:
    """Print an error and exit at once, so that rank zero finds the exit code as soon as the connection breaks."""
    time.sleep(ERROR_DELAY_S)
    if isinstance(error, SystemExit):
        print(error, file=sys.__stderr__, flush=True)
    else:
        print(format_short(error), end="", file=sys.__stderr__, flush=True)
    os._exit(1)


def _keep_threads() -> None:
    """Keep this process's number of threads: Lightning would choose another for the ranks, which changes results."""
    import torch

    os.environ.setdefault("OMP_NUM_THREADS", str(torch.get_num_threads()))


def _leave_group() -> None:
    from torch import distributed

    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()


def _end_ranks(launcher: object, timeout_s: float) -> str | None:
    """Wait for the other ranks and kill those still running; return which rank had failed by itself."""
    ranks = list(getattr(launcher, "procs", ()))
    getattr(launcher, "procs", []).clear()  # Lightning's observer kills this process if one in the list has failed
    _wait(ranks, timeout_s)
    codes = [process.poll() for process in ranks]
    for process in ranks:
        process.kill()
        process.wait()
    failed = [f"rank {rank} ended with exit code {code}" for rank, code in enumerate(codes, 1) if code]
    return failed[0] if failed else None


def _wait(processes: Sequence[subprocess.Popen[bytes]], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))


def _restore(environment: dict[str, str | None]) -> None:
    for name, value in environment.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
