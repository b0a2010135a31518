"""Retries storage calls while a database is down, so that its restart ends no trial, worker or sweep."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage

from tunesmith.errors import MachineFault

WAIT_S = 60.0
POLL_INTERVAL_S = 0.5


class StorageLost(MachineFault):
    """A database that has not answered for WAIT_S; the sweep can be resumed."""


class ReconnectingStorage:
    """A storage whose calls are made again until the database answers.

    A call that was cut off may have been carried out all the same. A repeated ask leaves an attempt behind of
    which its worker does not know: StaleTrials gives it back. Ending a trial twice is refused; all other calls can be
    repeated.
    """

    def __init__(self, storage: BaseStorage, name: str, seconds: float = WAIT_S) -> None:
        """name: for messages."""
        self._storage = storage
        self._name = name
        self._seconds = seconds
        self._lock = threading.Lock()  # heartbeats come from a thread of their own
        self._silent_since: float | None = None
        self._silent_before = 0.0

    def __getattr__(self, name: str) -> Any:
        """Optuna asks for no more than the methods of BaseStorage."""
        return partial(self._call, getattr(self._storage, name))

    def clock(self) -> float:
        """Return seconds that stand still while the database does not answer.

        Otherwise workers on other machines would look dead after an outage, in which no heartbeat can be written.
        """
        with self._lock:
            now = time.monotonic()
            silent = 0.0 if self._silent_since is None else now - self._silent_since
            return now - self._silent_before - silent

    def _call(self, method: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        while True:
            try:
                answer = method(*arguments, **named)
            except Exception as error:
                if not is_silence(error):
                    raise
                self._note_silence(error)
            else:
                self._note_answer()
                return answer
            time.sleep(POLL_INTERVAL_S)

    def _note_silence(self, error: Exception) -> None:
        """Raises StorageLost if the database has been silent for too long: no later call waits again."""
        with self._lock:
            if self._silent_since is None:
                self._silent_since = time.monotonic()
                print(f"{self._name} does not answer; waiting for it up to {self._seconds:g} s", flush=True)
            if time.monotonic() - self._silent_since < self._seconds:
                return
        silence = f"silent for {self._seconds:g} s: {last_message(error)}"
        raise StorageLost(f"hydra.sweeper.storage must answer; got '{self._name}', {silence}") from None

    def _note_answer(self) -> None:
        if self._silent_since is None:
            return
        with self._lock:
            if self._silent_since is not None:
                seconds = time.monotonic() - self._silent_since
                self._silent_since = None
                self._silent_before += seconds
                print(f"{self._name} answers again after {seconds:.1f} s", flush=True)


def make_reconnecting(storage: BaseStorage, name: str) -> BaseStorage:
    """Return a storage whose calls are made again until the database answers."""
    return cast(BaseStorage, ReconnectingStorage(storage, name))


def clock_of(storage: BaseStorage) -> Callable[[], float]:
    """Return the clock by which to watch other processes that write to a storage."""
    return storage.clock if isinstance(storage, ReconnectingStorage) else time.monotonic


def is_silence(error: Exception) -> bool:
    """Tell a database that is down, starting, stopping or busy from one that refuses a call.

    After a broken connection Optuna asks a second time in the same transaction, and SQLAlchemy refuses that.
    """
    from sqlalchemy.exc import InterfaceError, OperationalError, PendingRollbackError  # .3 s, for databases alone

    cause = error.__cause__ if isinstance(error, StorageInternalError) else error
    return isinstance(cause, OperationalError | InterfaceError | PendingRollbackError)


def last_message(error: BaseException) -> str:
    """Return the innermost message of a database or its driver, in one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    return " ".join(str(error).split()).split(" (Background")[0]
