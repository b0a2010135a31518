"""A progress bar of the config's callbacks: lines of the log go above it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from lightning.pytorch.callbacks import ProgressBar, TQDMProgressBar
from lightning.pytorch.callbacks.progress.tqdm_progress import Tqdm


@contextmanager
def log_above(bar: ProgressBar) -> Iterator[None]:
    """Let the log print to the terminal as the bar wants it; its handlers hold the stream that they were made with.

    Rich's bar has replaced sys.stdout by the time that a line is printed.
    """
    show = Tqdm.write if isinstance(bar, TQDMProgressBar) else print
    changed = [(handler, handler.stream) for handler in _handlers() if handler.stream in (sys.stdout, sys.stderr)]
    for handler, _ in changed:
        handler.setStream(_Lines(show))
    try:
        yield
    finally:
        for handler, stream in changed:
            handler.setStream(stream)


class _Lines:
    """What a handler of the log needs of a stream; it writes whole lines, each with its end."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show

    def write(self, text: str) -> None:
        self._show(text.removesuffix("\n"))

    def flush(self) -> None:
        return


def _handlers() -> list[logging.StreamHandler[Any]]:
    loggers = [logging.root, *logging.root.manager.loggerDict.values()]
    found = {id(handler): handler for logger in loggers for handler in getattr(logger, "handlers", ())}
    return [handler for handler in found.values() if isinstance(handler, logging.StreamHandler)]
