"""scripts/bench: what it reads off a training's times and a script's imports is so; each engine can be measured."""

from __future__ import annotations

import json
import logging
import sys
import time

import pytest
from conftest import ROOT, Shell

sys.path.append(str(ROOT / "scripts" / "bench"))
from bookkeeping import has_saved, summarize, watched_run
from gpu import sides
from imports import group_of
from measuring import in_turn
from nets import Net
from timed_learner import Mark, Timeline

SMALL = Net(256, 16, 1)


def marks(begins: list[float], pauses: list[float]) -> list[Mark]:
    """Epochs of two training batches, 2 ms after each other, and a validation batch of 1 ms; begins in ms."""
    found = []
    for begin, pause in zip(begins, pauses, strict=True):
        found += [Mark(True, (begin + step) / 1e3, (begin + step + 1) / 1e3) for step in (0, 2)]
        found.append(Mark(False, (begin + 9 - pause) / 1e3, (begin + 10 - pause) / 1e3))
    return found


# The first epoch is slow; the others take 10 ms, of which the pause before the next one is the last part.
TIMES = Timeline(marks([0, 100, 110, 120, 130], [1, 1, 4, 2, 1]))


def test_the_first_epoch_does_not_count() -> None:
    assert TIMES.step() == pytest.approx(2)
    assert TIMES.whole_step() == pytest.approx(5)
    assert TIMES.epoch() == pytest.approx(10)


def test_a_pause_lasts_from_the_last_validation_batch_to_the_next_epoch() -> None:
    assert TIMES.between_epochs() == pytest.approx([1, 4, 2])


def test_an_epoch_has_saved_if_last_ckpt_is_another_at_the_next_report() -> None:
    assert has_saved([0, 0, 7, 7, 9]) == [True, False, True]


def test_what_saving_takes_is_told_from_the_other_pauses() -> None:
    found = summarize(TIMES, [False, True, False])
    assert (found.usual, found.mean, found.save) == pytest.approx((1.5, 7 / 3, 2.5))
    assert (found.saves, found.share) == (1, pytest.approx(2.5 / 30))


def test_sides_are_measured_in_turn_and_the_warm_up_is_left_out() -> None:
    calls: list[str] = []

    def side(name: str) -> float:
        calls.append(name)
        return float(len(calls))

    assert in_turn({"a": lambda: side("a"), "b": lambda: side("b")}, rounds=2) == {"a": [3, 5], "b": [4, 6]}
    assert calls == ["a", "b"] * 3


@pytest.mark.parametrize(
    ("path", "group"),
    [
        (["tunesmith.cli", "hydra"], "hydra, Optuna"),
        (["tunesmith.training.run", "torch", "torch.nn", "numpy"], "numpy, pandas"),
        (["tunesmith.training.run", "torch", "torch.nn", "typing_extensions"], "torch"),
        (["torch.optim.adam", "torch._dynamo", "torch.fx"], "torch._dynamo"),
        (["torchmetrics", "torchmetrics.utilities"], "Lightning"),
        (["runpy"], "other"),
    ],
)
def test_a_module_counts_to_its_package_or_to_who_imports_it(path: list[str], group: str) -> None:
    assert group_of(path) == group


def test_the_probe_notes_imports_until_the_end(shell: Shell) -> None:
    (shell.folder / "outer.py").write_text("import inner\n")
    (shell.folder / "inner.py").write_text("")
    (shell.folder / "late.py").write_text("")
    (shell.folder / "script.py").write_text("import outer\nopen('end', 'w').close()\nimport late\nexit(3)\n")
    probe = str(ROOT / "scripts" / "bench" / "import_probe.py")
    ended = shell.python("-c", RUN, probe, "report.json", "end", "script.py")
    assert (ended.code, ended.err) == (3, "")
    paths = [path for path, _ in json.loads((shell.folder / "report.json").read_text())]
    assert [path for path in paths if {"outer", "inner", "late"} & {*path}] == [["outer", "inner"], ["outer"]]


# A Python of its own: the probe counts what is not yet imported.
RUN = "import runpy, sys; del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')"


@pytest.mark.parametrize("side", ["Lightning", "lean engine", "bare loop"])
def test_each_side_trains_on_a_cpu_and_leaves_the_log_as_it_was(side: str) -> None:
    level = logging.getLogger("tunesmith").level
    assert sides(SMALL, 3, "cpu")[side]() > 0
    assert logging.getLogger("tunesmith").level == level


def test_a_run_that_saves_each_epoch_is_seen_to() -> None:
    found = watched_run(SMALL, 6, time.perf_counter, "trainer.save_interval=0")
    assert found.saves == 4
