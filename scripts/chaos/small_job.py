"""A trial of some milliseconds that goes on from a checkpoint, and notices if another process runs it, too."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from optuna.trial import TrialState

from tunesmith.errors import AttemptLost
from tunesmith.search.worker.executor import Assignment, Outcome

EPOCHS = 8
EPOCH_SECONDS = 0.001
EPOCH_FILE = "epoch"
DOUBLED_FILE = "doubled"
DYING_SECONDS = 2.0
# Every so many trials one is pruned, after this epoch.
PRUNED_OF = 5
PRUNED_EPOCH = 3


def value_at(x: float, epoch: int) -> float:
    """Return what a trial reports of an epoch: no other trial, and no other epoch, has the same value."""
    return x + 1.0 / epoch


def is_pruned(number: int) -> bool:
    return number % PRUNED_OF == 0


def last_epoch(number: int) -> int:
    """Return the epoch after which a trial ends."""
    return PRUNED_EPOCH if is_pruned(number) else EPOCHS


def run(assignment: Assignment) -> Outcome:
    """Train the epochs that are left, with a checkpoint after each."""
    folder = assignment.folder
    folder.mkdir(parents=True, exist_ok=True)
    held = os.open(folder / "held", os.O_CREAT | os.O_RDWR)
    try:
        _hold(held, folder)
        return _train(assignment)
    except AttemptLost as error:
        return Outcome(assignment, None, reason=str(error))
    finally:
        os.close(held)


def _hold(file: int, folder: Path) -> None:
    """Note it if another process runs the trial at this moment.

    The kernel frees the lock of a process that was killed, but not before its last thread has ended.
    """
    deadline = time.monotonic() + DYING_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            time.sleep(EPOCH_SECONDS)
        if time.monotonic() > deadline:
            (folder / DOUBLED_FILE).touch()
            return


def _train(assignment: Assignment) -> Outcome:
    checkpoint = assignment.folder / EPOCH_FILE
    trained = int(checkpoint.read_text()) if checkpoint.exists() else 0
    x, number = assignment.config.x, int(assignment.folder.name)
    for epoch in range(trained + 1, last_epoch(number) + 1):
        time.sleep(EPOCH_SECONDS)
        assignment.reporter.report(epoch, value_at(x, epoch))
        written = checkpoint.with_name(f"{EPOCH_FILE}.{os.getpid()}")
        written.write_text(str(epoch))
        written.replace(checkpoint)
    if is_pruned(number):
        return Outcome(assignment, TrialState.PRUNED)
    return Outcome(assignment, TrialState.COMPLETE, value=value_at(x, EPOCHS))
