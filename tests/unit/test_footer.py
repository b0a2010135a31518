"""Lines below what is printed: seen on a screen that obeys the codes of a terminal."""

from __future__ import annotations

import logging
import os
import pty
import signal
import termios
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import TextIO

import pytest
from emulator import Screen

from tunesmith import footer as module
from tunesmith.footer import Footer, terminal_of

WIDTH, HEIGHT = 40, 8


class Terminal:
    """A terminal, and a stream that prints to it."""

    def __init__(self) -> None:
        self.screen = Screen(WIDTH, HEIGHT)
        self._ours, self.file = pty.openpty()
        os.set_blocking(self._ours, False)
        self.resize(WIDTH, HEIGHT)
        self.stream: TextIO = os.fdopen(self.file, "w", encoding="utf-8", buffering=1)

    def resize(self, width: int, height: int) -> None:
        termios.tcsetwinsize(self.file, (height, width))

    def print(self, text: str, end: str = "\n") -> None:
        print(text, end=end, file=self.stream, flush=True)

    @property
    def shown(self) -> list[str]:
        self.stream.flush()
        with suppress(BlockingIOError):
            while received := os.read(self._ours, 65536):
                self.screen.feed(received.decode())
        return self.screen.text.split("\n")

    def close(self) -> None:
        self.stream.close()
        os.close(self._ours)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal()
    yield terminal
    terminal.close()


@pytest.fixture
def footer(terminal: Terminal) -> Iterator[Footer]:
    footer = Footer(terminal.stream)
    yield footer
    footer.close()


def test_lines_stay_below_what_is_printed(terminal: Terminal, footer: Footer) -> None:
    terminal.print("first")
    footer.draw(["running", "all"])
    assert terminal.shown == ["first", "", "running", "all"]
    terminal.print("second")
    footer.restore()
    assert terminal.shown == ["first", "second", "", "running", "all"]


def test_what_is_printed_scrolls_and_the_lines_do_not(terminal: Terminal, footer: Footer) -> None:
    footer.draw(["running", "all"])
    for number in range(20):
        terminal.print(f"trial {number}")
        footer.restore()
    assert terminal.shown == [*(f"trial {number}" for number in range(20)), "", "running", "all"]
    assert terminal.screen.shown == [*(f"trial {number}" for number in range(15, 20)), "", "running", "all"]


def test_a_printed_line_puts_them_back_at_once_unless_it_follows_another_one(
    terminal: Terminal, footer: Footer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REDRAW_INTERVAL_S", 0.0)
    footer.draw(["running"])
    terminal.print("first")
    assert terminal.shown == ["first", "", "running"]
    monkeypatch.setattr(module, "REDRAW_INTERVAL_S", 60.0)
    terminal.print("second")
    assert terminal.shown == ["first", "second"]


def test_a_line_that_goes_on_is_left_alone(terminal: Terminal, footer: Footer) -> None:
    terminal.print("bar ##", end="")
    footer.draw(["running"])
    assert terminal.shown == ["bar ##", "running"]
    terminal.print("#", end="")
    footer.restore()
    assert terminal.shown == ["bar ###", "running"]
    terminal.print("\rbar done")
    footer.restore()
    assert terminal.shown == ["bar done", "", "running"]


def test_fewer_lines_leave_none_of_the_others_behind(terminal: Terminal, footer: Footer) -> None:
    footer.draw(["one", "two", "three"])
    footer.draw(["one"])
    assert terminal.shown == ["", "one"]


def test_lines_that_are_too_long_are_cut_and_those_beyond_the_height_left_out(
    terminal: Terminal, footer: Footer
) -> None:
    footer.draw(["x" * (WIDTH + 5), *map(str, range(HEIGHT))])
    assert terminal.shown == ["", "x" * WIDTH, *map(str, range(HEIGHT - 3))]
    terminal.resize(WIDTH, 3)
    footer.draw(["one", "two"])
    assert terminal.shown == ["", "one"]


def test_loggers_that_hold_the_stream_from_before_print_above(terminal: Terminal, footer: Footer) -> None:
    footer.close()
    handler = logging.StreamHandler(terminal.stream)
    later = Footer(terminal.stream)
    later.draw(["running"])
    handler.emit(logging.LogRecord("name", logging.INFO, __file__, 0, "logged", (), None))
    later.restore()
    assert terminal.shown == ["logged", "", "running"]
    later.close()
    assert terminal.shown == ["logged"]


def test_a_line_of_code_that_knows_nothing_of_them_comes_above(terminal: Terminal, footer: Footer) -> None:
    footer.draw(["running"])
    os.write(terminal.file, b"from a library in C\n")
    footer.draw(["running"])
    assert terminal.shown == ["from a library in C", "", "running"]


def test_a_fork_prints_while_a_thread_of_its_parent_does(terminal: Terminal) -> None:
    """A data loader's worker, forked while the table is drawn: the thread that holds the lock is not in it."""
    print_now, has_begun, go_on = terminal.stream.write, threading.Event(), threading.Event()

    def write(text: str) -> int:
        if text == "slow":
            has_begun.set()
            go_on.wait()
        return print_now(text)

    vars(terminal.stream)["write"] = write
    footer = Footer(terminal.stream)
    footer.draw(["running"])
    thread = threading.Thread(target=terminal.print, args=("slow",))
    thread.start()
    has_begun.wait()
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)  # ends a fork that waits for the lock
        terminal.print("from a fork")
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    go_on.set()
    thread.join()
    footer.draw(["running"])
    assert terminal.shown == ["from a fork", "slow", "", "running"]
    footer.close()


def test_the_end_leaves_what_was_printed(terminal: Terminal, footer: Footer) -> None:
    terminal.print("first")
    footer.draw(["running"])
    footer.close()
    footer.draw(["running"])
    footer.restore()
    terminal.print("last")
    assert terminal.shown == ["first", "last"]
    assert "write" not in vars(terminal.stream)


def test_the_cursor_is_never_hidden(terminal: Terminal, footer: Footer) -> None:
    footer.draw(["running"])
    assert terminal.shown == ["", "running"]
    assert not terminal.screen.is_cursor_hidden


@pytest.mark.parametrize("term", ["dumb", "unknown", None])
def test_a_terminal_that_cannot_move_its_cursor_is_none(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, term: str | None
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    assert terminal_of(terminal.stream)
    monkeypatch.delenv("TERM") if term is None else monkeypatch.setenv("TERM", term)
    assert not terminal_of(terminal.stream)
