"""When and in which order the files of a run are written, and what is left if that is cut short."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from full_disk import files_up_to
from listener import Listener

from tunesmith.errors import AttemptLost, AttemptTaken, MachineFault
from tunesmith.objective import Objective
from tunesmith.reporting import NoReporter, Reporter
from tunesmith.training.record import RunRecord
from tunesmith.training.saving import RunFiles, SaveClock

# The objective of each epoch: epochs 1, 2 and 5 are the best so far.
LOSSES = (5.0, 4.0, 6.0, 7.0, 3.0, 8.0)
BEST_OF = (1, 2, 2, 2, 5, 5)
NEVER = 1e9


class Clock:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def after_save_of(seconds: float, interval: float) -> tuple[SaveClock, Clock]:
    time = Clock()
    clock = SaveClock(interval, time)
    with clock.measured():
        time.now += seconds
    return clock, time


@pytest.mark.parametrize(
    ("cost", "interval", "wait"),
    [(0.004, 10, 0.2), (0.1, 10, 5), (1, 10, 10), (60, 10, 10), (0.1, 3, 3)],
    ids=["a small net", "a large one", "a very large one", "a slow disk", "a shorter interval"],
)
def test_a_save_is_due_when_50_times_its_cost_or_the_interval_has_passed(
    cost: float, interval: float, wait: float
) -> None:
    clock, time = after_save_of(cost, interval)
    time.now += wait - 1e-6
    assert not clock.is_due()
    time.now += 2e-6
    assert clock.is_due()


def test_an_interval_of_zero_is_always_due() -> None:
    clock, _ = after_save_of(1, 0)
    assert clock.is_due()


@pytest.mark.parametrize(("interval", "wait"), [(10, 1.0), (0.5, 0.5)])
def test_before_the_first_save_a_second_is_waited_at_most(interval: float, wait: float) -> None:
    time = Clock()
    clock = SaveClock(interval, time)
    time.now += wait - 1e-6
    assert not clock.is_due()
    time.now += 2e-6
    assert clock.is_due()


class Run:
    """A run whose only weight is the number of its last epoch, in one tensor that each epoch changes."""

    def __init__(
        self,
        folder: Path,
        interval: float = NEVER,
        losses: Sequence[float] = LOSSES,
        reporter: Reporter | None = None,
    ) -> None:
        self.record = RunRecord(folder, Objective("val/loss", "min"), reporter or NoReporter())
        self.files = RunFiles(folder, self.record, interval)
        self.weight, self.losses, self.last = torch.zeros(()), losses, folder / "checkpoints" / "last.ckpt"

    def begin(self, path: Path | None = None) -> Run:
        """Begin, or go on from a checkpoint, last.ckpt if there is one."""
        path = path or self.last
        checkpoint = read(path) if path.exists() else None
        if checkpoint is not None:
            self.record.load_state_dict(checkpoint["callbacks"]["EpochRecord"])
        self.record.open_table()
        self.files.start(checkpoint)
        return self

    def dump(self) -> dict[str, Any]:
        states = {"EpochRecord": self.record.state_dict()}
        return {"epoch": self.record.epoch, "state_dict": {"weight": self.weight}, "callbacks": states}

    def train(self, until: int, due: Sequence[int] = ()) -> Run:
        """Train up to an epoch; due: the epochs at which a save is due."""
        for epoch in range(self.record.epoch + 1, until + 1):
            self.weight.fill_(epoch)
            self.record.end_epoch(epoch, {"val/loss": self.losses[epoch - 1]})
            self.files.clock.interval = 0 if epoch in due else NEVER
            if epoch < len(self.losses):
                self.files.end_epoch(self.dump())
        return self

    def end(self) -> None:
        self.files.end_run(self.dump)


def read(path: Path) -> dict[str, Any]:
    loaded = torch.load(path, weights_only=True)
    assert isinstance(loaded, dict)
    return loaded


def epochs_on_disk(folder: Path) -> dict[str, int]:
    """Return the epoch of each checkpoint in a folder by its weights, and with + that of the one inside it."""
    found = {path.name: read(path) for path in (folder / "checkpoints").glob("*.ckpt")}
    inside = {f"{name}+": each["best_checkpoint"] for name, each in found.items() if "best_checkpoint" in each}
    return {name: int(each["state_dict"]["weight"]) for name, each in {**found, **inside}.items()}


def test_nothing_is_written_before_a_save_is_due(tmp_path: Path) -> None:
    Run(tmp_path).begin().train(4)
    assert not (tmp_path / "checkpoints").exists()


@pytest.mark.parametrize(
    ("due", "expected"),
    [
        ([1], {"last.ckpt": 1, "best.ckpt": 1}),
        ([2], {"last.ckpt": 2, "best.ckpt": 2}),
        ([3], {"last.ckpt": 3, "last.ckpt+": 2, "best.ckpt": 2}),
        ([2, 4], {"last.ckpt": 4, "best.ckpt": 2}),
        ([1, 4], {"last.ckpt": 4, "last.ckpt+": 2, "best.ckpt": 2}),
        ([3, 4], {"last.ckpt": 4, "best.ckpt": 2}),
    ],
    ids=str,
)
def test_a_save_writes_the_last_epoch_and_the_best_one_if_no_file_has_it(
    tmp_path: Path, due: list[int], expected: dict[str, int]
) -> None:
    Run(tmp_path).begin().train(4, due)
    assert epochs_on_disk(tmp_path) == expected


def test_an_epoch_that_is_last_and_best_is_one_file(tmp_path: Path) -> None:
    run = Run(tmp_path, interval=0).begin().train(2, [1, 2])
    assert os.path.samefile(run.files.last_path, run.files.best_path)


@pytest.mark.parametrize("until", range(1, len(LOSSES) + 1))
@pytest.mark.parametrize("due", [[], [1], [3], [1, 2, 3, 4, 5]], ids=str)
def test_a_run_that_is_over_leaves_its_best_epoch_alone(tmp_path: Path, until: int, due: list[int]) -> None:
    Run(tmp_path, losses=LOSSES[:until]).begin().train(until, due).end()
    assert epochs_on_disk(tmp_path) == {"best.ckpt": BEST_OF[until - 1]}


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), AttemptLost("interrupted"), SystemExit(143), ZeroDivisionError("a bug")], ids=repr
)
@pytest.mark.parametrize("due", [[], [1], [3]], ids=str)
def test_an_error_loses_no_epoch_that_has_ended(tmp_path: Path, error: BaseException, due: list[int]) -> None:
    run = Run(tmp_path).begin().train(4, due)
    run.weight.fill_(99)  # inside an epoch
    run.files.save_held(error)
    found = epochs_on_disk(tmp_path)
    assert (found["last.ckpt"], found["best.ckpt"]) == (4, 2)


def test_an_interrupt_between_two_epochs_saves_no_mixture_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, copy = Run(tmp_path).begin().train(3, [1]), torch._foreach_copy_

    def copy_and_interrupt(*tensors: Any) -> None:
        copy(*tensors)
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "_foreach_copy_", copy_and_interrupt)
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        run.train(4)
    run.files.save_held(KeyboardInterrupt())
    assert epochs_on_disk(tmp_path) == {"last.ckpt": 1, "best.ckpt": 1}


def test_nothing_is_written_for_an_attempt_that_was_taken_away(tmp_path: Path) -> None:
    run = Run(tmp_path).begin().train(4, [1])
    run.files.save_held(AttemptTaken("taken away by another worker"))
    assert epochs_on_disk(tmp_path) == {"last.ckpt": 1, "best.ckpt": 1}


class Taken(Listener):
    """The reporter of an attempt whose process was stopped: another worker has it by the time that it asks."""

    is_taken = False

    def poll(self) -> None:
        if self.is_taken:
            raise AttemptTaken("taken away by another worker")


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), SystemExit(143), AttemptLost("no journal"), ZeroDivisionError("a bug")], ids=repr
)
def test_nothing_is_written_by_a_stopped_process_that_meets_an_error_before_it_asks(
    tmp_path: Path, error: BaseException
) -> None:
    run = Run(tmp_path, reporter=(reporter := Taken())).begin().train(4, [1])
    reporter.is_taken = True
    run.files.save_held(error)
    assert epochs_on_disk(tmp_path) == {"last.ckpt": 1, "best.ckpt": 1}


def test_a_process_stopped_within_a_save_moves_nothing_into_the_folder_of_the_next_attempt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, move = Run(tmp_path, reporter=(reporter := Taken())).begin().train(2, [1, 2]), os.replace

    def stopped(source: Path, target: Path) -> None:
        monkeypatch.setattr(os, "replace", move)
        reporter.is_taken = True
        Run(tmp_path).begin().train(4, [4])
        move(source, target)

    monkeypatch.setattr(os, "replace", stopped)
    with pytest.raises(AttemptTaken, match=r"^taken away by another worker$"):
        run.files.end_epoch(run.dump())
    assert epochs_on_disk(tmp_path) == {"last.ckpt": 4, "best.ckpt": 2}


def test_what_a_killed_process_was_writing_is_removed_by_the_next_attempt(tmp_path: Path) -> None:
    Run(tmp_path).begin().train(2, [2])
    for name in (".last.ckpt.123", ".best.ckpt.123"):
        (tmp_path / "checkpoints" / name).touch()
    Run(tmp_path).begin()
    assert {path.name for path in (tmp_path / "checkpoints").iterdir()} == {"last.ckpt", "best.ckpt"}


def test_a_run_that_goes_on_from_its_best_epoch_leaves_no_checkpoint_of_later_ones(tmp_path: Path) -> None:
    Run(tmp_path).begin().train(4, [4])
    Run(tmp_path).begin(tmp_path / "checkpoints" / "best.ckpt")  # and is killed: metrics.csv ends with epoch 2
    assert epochs_on_disk(tmp_path) == {"best.ckpt": 2}


def test_a_folder_that_is_gone_is_not_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    run = Run(folder).begin().train(2)
    (folder / "metrics.csv").unlink()
    folder.rmdir()
    run.files.save_held(KeyboardInterrupt())
    assert not folder.exists()


@pytest.mark.parametrize(
    ("error", "lines"), [(ZeroDivisionError("a bug"), 1), (MachineFault("disk full"), 0)], ids=["a bug", "a full disk"]
)
def test_a_disk_that_is_full_at_an_error_does_not_hide_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, error: Exception, lines: int
) -> None:
    run = Run(tmp_path).begin().train(3, [1])
    before = epochs_on_disk(tmp_path)
    with files_up_to(100):
        run.files.save_held(error)
    assert epochs_on_disk(tmp_path) == before
    assert [message.split(":")[0] for message in caplog.messages] == ["the last epoch is not saved"] * lines


def test_a_new_run_begins_without_the_files_of_an_earlier_one(tmp_path: Path) -> None:
    Run(tmp_path).begin().train(3, [3])
    run = Run(tmp_path)
    run.files.start(None)
    assert epochs_on_disk(tmp_path) == {}


def test_a_checkpoint_that_is_too_large_for_memory_is_saved_each_epoch(tmp_path: Path) -> None:
    run = Run(tmp_path).begin()
    run.record.end_epoch(1, {"val/loss": 1.0})
    run.files.end_epoch({**run.dump(), "large": torch.zeros(1).expand(2**26)})
    assert set(epochs_on_disk(tmp_path)) == {"last.ckpt", "best.ckpt"}


# killed between two writes


class Killed(BaseException):
    """Ends a run as kill -9 does: nothing of it runs any more."""


@contextmanager
def killed_behind(num_writes: int) -> Iterator[None]:
    """Let a process end when it has moved and removed so many files."""
    left = itertools.count(num_writes, -1)

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        def change(*arguments: Any, **named: Any) -> Any:
            if next(left) <= 0:
                raise Killed
            return call(*arguments, **named)

        return change

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "replace", counted(os.replace))
        patch.setattr(Path, "unlink", counted(Path.unlink))
        yield


def is_killed(run: Run, due: Sequence[int], num_writes: int) -> bool:
    try:
        with killed_behind(num_writes):
            run.train(len(LOSSES), due).end()
    except Killed:
        return True
    return False


@pytest.mark.parametrize("due", [[], [1], [2], [3], [1, 4], [2, 3], [1, 2, 3, 4, 5]], ids=str)
def test_a_run_killed_behind_any_write_goes_on_with_the_best_epoch_of_that_moment(
    tmp_path: Path, due: list[int]
) -> None:
    for num_writes in itertools.count():
        folder = tmp_path / str(num_writes)
        folder.mkdir()
        if not is_killed(Run(folder).begin(), due, num_writes):
            break
        resumed = Run(folder, losses=(*LOSSES, 9.0)).begin()
        resumed.train(resumed.record.epoch + 1).end()  # and ends sooner than the run that was killed
        assert epochs_on_disk(folder) == {"best.ckpt": resumed.record.best.epoch}
    assert num_writes >= 4
