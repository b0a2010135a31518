"""A line at the foot of a terminal, and what is printed meanwhile."""

from __future__ import annotations

import io
import logging
import os
import pty
import sys

import pytest
from bar_screen import printed_to_terminal

from tunesmith.terminal import Foot, all_printed_by, is_terminal, log_printed_by


@pytest.mark.parametrize(("term", "can_redraw"), [("xterm", True), ("dumb", False), ("", False)])
def test_a_terminal_can_draw_a_line_anew(term: str, can_redraw: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    with printed_to_terminal(monkeypatch, term):
        assert is_terminal() == can_redraw


def test_a_pipe_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert not is_terminal()


def test_what_is_printed_stands_above_the_foot(monkeypatch: pytest.MonkeyPatch) -> None:
    with printed_to_terminal(monkeypatch) as screen:
        foot = Foot(sys.stdout)
        foot.draw("1 of 2")
        with all_printed_by(foot.print_above):
            print("printed", "in two", sep="\n")
            logging.getLogger("tunesmith.x").info("logged")
            sys.stderr.writelines(["of an", " error\n"])
            foot.draw("2 of 2")
    assert screen.lines == ["printed", "in two", "logged", "of an error", "2 of 2"]


def test_a_part_of_a_line_waits_for_its_end_or_a_flush(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    with printed_to_terminal(monkeypatch), all_printed_by(shown.append):
        print("a", end="")
        print("b")
        print("prompt> ", end="", flush=True)
        print("\r10 %", end="", flush=True)
        print("\r20 %")
        print("last", end="")
    assert shown == ["ab", "prompt> ", "\r10 %\r20 %", "last"]


def test_a_stream_that_is_no_terminal_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[str] = []
    piped = sys.stderr
    with printed_to_terminal(monkeypatch), monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", piped)
        with all_printed_by(shown.append):
            print("to the pipe", file=sys.stderr)
            print("to the terminal")
    assert (shown, capsys.readouterr().err) == (["to the terminal"], "to the pipe\n")


def test_the_log_alone_may_be_shown_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    with printed_to_terminal(monkeypatch) as screen, log_printed_by(shown.append):
        print("printed")
        logging.getLogger("tunesmith.x").info("logged")
    assert (shown, screen.lines) == (["logged"], ["printed", ""])


def test_an_error_leaves_nothing_redirected(monkeypatch: pytest.MonkeyPatch) -> None:
    with printed_to_terminal(monkeypatch), pytest.raises(KeyboardInterrupt), all_printed_by(lambda line: None):
        raise KeyboardInterrupt  # printed_to_terminal looks at the streams


def test_a_terminal_that_is_gone_does_not_end_what_goes_on_in_front_of_it() -> None:
    master, slave = pty.openpty()
    os.close(master)
    tty = os.fdopen(slave, "w", buffering=1, closefd=False)
    Foot(tty).draw("1 of 2")
    os.close(slave)
