"""Silent trials: when a line about one is due."""

from __future__ import annotations

from studies import Clock

from tunesmith.search.study.silence import SILENCE_S, Silences, in_minutes


def test_a_line_is_due_after_a_while_and_whenever_that_time_has_doubled() -> None:
    clock = Clock()
    silences = Silences(clock)
    due = []
    for _ in range(17):
        due.append(silences.worth_telling(0, "stands still") is not None)
        clock.seconds += SILENCE_S / 2
    assert [number for number, is_due in enumerate(due) if is_due] == [2, 4, 8, 16]


def test_progress_and_forgetting_begin_anew() -> None:
    clock = Clock()
    silences = Silences(clock)
    for progress in (1, 2, 2.5):
        assert silences.worth_telling(0, progress) is None
        clock.seconds += SILENCE_S + 1
    silences.forget(0)
    assert silences.worth_telling(0, 2.5) is None
    clock.seconds += SILENCE_S
    assert silences.worth_telling(0, 2.5) == SILENCE_S


def test_a_silence_is_said_in_minutes() -> None:
    assert in_minutes(601) == "10 min"
