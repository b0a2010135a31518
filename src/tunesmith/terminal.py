"""The terminal that somebody watches: whether there is one, and a line at its foot, below all that is printed."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

# Terminals, by TERM, that only ever append; an editor's shell is one of them.
_APPENDING = ("", "dumb", "unknown")
# To the begin of the line, and erase it.
_ERASE = "\r\x1b[2K"


def is_terminal() -> bool:
    """Whether stdout is a terminal that can draw a line anew: no pipe, no notebook."""
    return sys.stdout.isatty() and os.environ.get("TERM", "").lower() not in _APPENDING


class Foot:
    """The last line of a terminal: drawn anew, or moved down by what is printed above it.

    It is one text that is written at once, without a lock, a thread or a hidden cursor: a process that is forked or
    killed meanwhile leaves nothing behind. It may contain no line break, nor be as wide as the terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._text = ""

    def draw(self, text: str) -> None:
        """Draw another text; a terminal that is gone is no reason to end what goes on in front of it."""
        self._text = text
        with suppress(OSError):
            self._write(_ERASE + text)

    def print_above(self, lines: str) -> None:
        self._write(f"{_ERASE}{lines}\n{self._text}")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


@contextmanager
def all_printed_by(show: Callable[[str], None]) -> Iterator[None]:
    """Hand over to `show`, in whole lines, all that this process would print to its terminal, its log too."""
    before = sys.stdout, sys.stderr
    lines = {id(stream): _Lines(stream, show) for stream in before if stream.isatty()}
    sys.stdout, sys.stderr = (lines.get(id(stream), stream) for stream in before)
    try:
        with _streams_of_log(lines):
            yield
    finally:
        sys.stdout, sys.stderr = before
        for each in lines.values():
            each.flush()


@contextmanager
def log_printed_by(show: Callable[[str], None]) -> Iterator[None]:
    """Hand over to `show`, in whole lines, what the log would print to the terminal."""
    with _streams_of_log({id(stream): _Lines(stream, show) for stream in (sys.stdout, sys.stderr) if stream.isatty()}):
        yield


class _Lines:
    """A stream of whole lines: a line of which only a part is written waits for its end, or for a flush."""

    def __init__(self, stream: TextIO, show: Callable[[str], None]) -> None:
        self._stream = stream
        self._show = show
        self._rest = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        lines, end, self._rest = (self._rest + text).rpartition("\n")
        if end:
            self._show(lines)
        return len(text)

    def writelines(self, texts: Iterable[str]) -> None:
        self.write("".join(texts))

    def flush(self) -> None:
        """Show a part of a line, such as a prompt, but not one that is about to be drawn anew."""
        if self._rest and "\r" not in self._rest:
            self.write("\n")


@contextmanager
def _streams_of_log(lines: dict[int, _Lines]) -> Iterator[None]:
    """Let the log's handlers write elsewhere: each holds the stream that it was made with, whatever sys.stdout is.

    lines: what a stream, by its id, is replaced with.
    """
    changed = [(handler, handler.stream) for handler in _handlers() if id(handler.stream) in lines]
    for handler, stream in changed:
        handler.setStream(lines[id(stream)])
    try:
        yield
    finally:
        for handler, stream in changed:
            handler.setStream(stream)


def _handlers() -> list[logging.StreamHandler[Any]]:
    loggers = [logging.root, *logging.root.manager.loggerDict.values()]
    found = {id(handler): handler for logger in loggers for handler in getattr(logger, "handlers", ())}
    return [handler for handler in found.values() if isinstance(handler, logging.StreamHandler)]
