"""What a bar says of a run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from types import SimpleNamespace

import pytest
from bar_screen import printed_to_terminal
from studies import Clock
from tiny import small

from tunesmith.reporting import NoReporter, hand_over
from tunesmith.training import run_bar
from tunesmith.training.run_bar import RunBar, make_bar


@pytest.fixture(autouse=True)
def drawn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw at each call that may draw, and show batches and an estimate from the begin on."""
    for name in ("DRAW_INTERVAL_S", "LOOK_INTERVAL_S", "LEAST_SECONDS"):
        monkeypatch.setattr(run_bar, name, 0)
    monkeypatch.setattr(run_bar, "LONG_EPOCH_S", -1)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Time that goes by if a test moves it."""
    clock = Clock()
    monkeypatch.setattr(run_bar, "time", SimpleNamespace(monotonic=clock))
    return clock


class Drawn(RunBar):
    """A bar that keeps what it draws; a terminal has so many columns."""

    def __init__(self, *folds: int, encoding: str = "utf-8") -> None:
        super().__init__(lambda: self, encoding, *folds)
        self.drawn: list[str] = []
        self.columns = 80
        self.__enter__()

    @property
    def size(self) -> os.terminal_size:
        return os.terminal_size((self.columns, 24))

    def draw(self, lines: Sequence[str]) -> None:
        self.drawn += lines

    def close(self) -> None: ...

    def last(self) -> str:
        return self.drawn[-1]


def parts(bar: Drawn) -> list[str]:
    """Return what the bar says at last, without the bar itself and the time."""
    return [part for part in bar.last().split("  ") if not set(part) & set("━─:")]


def test_it_tells_epoch_batch_and_share_of_the_run() -> None:
    bar = Drawn()
    bar.start(0, 4, 2)
    assert parts(bar) == ["epoch 1/4", "batch 0/2", "0%"]
    bar.step()
    assert parts(bar) == ["epoch 1/4", "batch 1/2", "12%"]
    bar.step()
    bar.validate()
    assert parts(bar) == ["epoch 1/4", "validation", "25%"]
    bar.end_epoch()
    assert parts(bar) == ["epoch 2/4", "batch 0/2", "25%"]


def test_batches_of_short_epochs_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_bar, "LONG_EPOCH_S", 60)
    bar = Drawn()
    bar.start(0, 4, 2)
    bar.step()
    assert parts(bar) == ["epoch 1/4", "12%"]


def test_a_resumed_run_begins_where_it_goes_on() -> None:
    bar = Drawn()
    bar.start(3, 4, 2)
    assert parts(bar) == ["epoch 4/4", "batch 0/2", "75%"]


def test_a_fold_is_a_part_of_the_run() -> None:
    bar = Drawn(1, 5)
    bar.start(0, 2, 1)
    bar.step()
    assert parts(bar) == ["fold 2/5", "epoch 1/2", "batch 1/1", "30%"]


@pytest.mark.parametrize(
    ("n_epochs", "n_batches", "shown"),
    [
        (None, 3, "epoch 1  batch 1/3  0:00 so far"),
        (None, float("inf"), "epoch 1  batch 1  0:00 so far"),
    ],
    ids=["no last epoch", "no last batch"],
)
def test_no_share_of_a_run_whose_length_nobody_knows(n_epochs: int | None, n_batches: float, shown: str) -> None:
    bar = Drawn()
    bar.start(0, n_epochs, n_batches)
    bar.step()
    assert bar.last() == shown


def test_an_endless_epoch_counts_when_it_ends() -> None:
    bar = Drawn()
    bar.start(0, 2, float("inf"))
    bar.step()
    assert parts(bar) == ["epoch 1/2", "batch 1", "0%"]
    bar.end_epoch()
    assert parts(bar)[-1] == "50%"


@pytest.mark.parametrize(("ends_earlier", "said"), [(True, "at most 3:20 left"), (False, "3:20 left")])
def test_the_time_that_is_left_is_that_of_the_epochs_that_are_left(ends_earlier: bool, said: str, clock: Clock) -> None:
    bar = Drawn()
    bar.start(90, 100, 1, ends_earlier)  # of a run that goes on: its first 90 epochs took no time of this process
    for _ in range(2):
        clock.seconds += 25
        bar.end_epoch()
    assert bar.last().endswith(f"  {said}")


def test_it_is_no_wider_than_the_terminal_is_by_now() -> None:
    bar = Drawn()
    bar.start(0, 100, 1000, True)
    for columns in (140, 80, 40, 10):
        bar.columns = columns
        bar.step()
        assert 0 < len(bar.last()) <= columns


def test_the_bar_grows() -> None:
    bar = Drawn()
    bar.start(0, 2, 1)
    assert "━" not in bar.last()
    bar.end_epoch()
    assert abs(bar.last().count("━") - bar.last().count("─")) <= 1
    bar.end_epoch()
    assert "─" not in bar.last()


def test_a_terminal_without_unicode_gets_ascii() -> None:
    bar = Drawn(encoding="ascii")
    bar.start(1, 2, 1)
    assert "#########." in bar.last()
    assert "━" not in bar.last()


def test_it_is_drawn_four_times_a_second_at_most(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    monkeypatch.setattr(run_bar, "DRAW_INTERVAL_S", 0.25)
    bar, began = Drawn(), clock.seconds
    bar.start(0, 10, 2000)
    for _ in range(10):
        for _ in range(2000):
            clock.seconds += 1e-4
            bar.step()
        bar.validate()
        bar.end_epoch()
    assert 8 <= len(bar.drawn) <= 1 + (clock.seconds - began) / 0.25


def test_a_plain_run_in_a_terminal_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with printed_to_terminal(monkeypatch):
        assert make_bar(small()) is not None
        assert make_bar(small("+trainer.enable_progress_bar=false")) is None
        with hand_over(NoReporter(params={"a": 1})):
            assert make_bar(small()) is None  # a trial
    with printed_to_terminal(monkeypatch, "dumb"):
        assert make_bar(small()) is None
