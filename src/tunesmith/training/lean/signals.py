"""SIGTERM and Ctrl-C while a member trains, as Lightning's Trainer takes them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


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
def _handler(
    signum: signal.Signals, present: object, handler: Callable[..., object] | signal.Handlers
) -> Iterator[None]:
    """Set a signal's handler in the main thread, if the present one is as expected."""
    is_main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signum)
    if not is_main or before is not present:
        yield
        return
    signal.signal(signum, handler)
    try:
        yield
    finally:
        signal.signal(signum, before)
