"""SIGTERM and Ctrl-C while a member trains, as Lightning's Trainer takes them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def hear_sigterm() -> Iterator[Callable[[], None]]:
    """Yield a function that ends the process by SystemExit once SIGTERM has come: at the end of a batch, not in it.

    A handler that is there already, as a worker's of a sweep, stays.
    """
    heard: list[int] = []

    def check() -> None:
        if heard:
            raise SystemExit(128 + signal.SIGTERM)

    with _handler(signal.SIGTERM, signal.SIG_DFL, lambda signum, frame: heard.append(signum)):
        yield check


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ignore a second Ctrl-C while the work of a run is saved."""
    with _handler(signal.SIGINT, signal.default_int_handler, signal.SIG_IGN):
        yield


@contextmanager
def _handler(signum: signal.Signals, default: object, handler: Any) -> Iterator[None]:
    """Set a signal's handler in the main thread, unless there is another one than the default."""
    before = signal.getsignal(signum)
    if threading.current_thread() is not threading.main_thread() or before is not default:
        yield
        return
    signal.signal(signum, handler)
    try:
        yield
    finally:
        signal.signal(signum, before)
