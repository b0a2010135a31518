"""Early stopping without a Trainer decides, remembers and says what Lightning's callback does."""

from __future__ import annotations

import logging
import math
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from inspect import signature
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from lightning.pytorch.callbacks import EarlyStopping

from tunesmith.errors import UserError
from tunesmith.training.patience import Patience

MONITOR = "val/loss"
# Values that float64 and float32 order differently, ties, and what is no number.
SPECIAL = (1e8, 0.1, 0.1 + 1e-10, 0.3, 0.30000001, -0.0, 0.0, 1e39, -1e39, 1e-46, math.nan, math.inf, -math.inf)


class Lightnings:
    """Lightning's own callback, driven by the metrics of epochs alone."""

    def __init__(self, **arguments: Any) -> None:
        self.callback = EarlyStopping(MONITOR, **arguments)

    def check(self, metrics: dict[str, float], epoch: int) -> bool:
        strategy = SimpleNamespace(reduce_boolean_decision=lambda decision, all: decision)
        logged = {name: torch.tensor(value) for name, value in metrics.items()}
        trainer: Any = SimpleNamespace(
            callback_metrics=logged,
            fast_dev_run=False,
            should_stop=False,
            current_epoch=epoch,
            strategy=strategy,
            world_size=1,
        )
        self.callback._run_early_stopping_check(trainer)
        return bool(trainer.should_stop)

    def state_dict(self) -> dict[str, Any]:
        state = self.callback.state_dict()
        return {**state, "best_score": float(state["best_score"])}


@pytest.fixture
def said() -> Iterator[tuple[list[str], list[str]]]:
    """The lines that Lightning's callback and ours log."""
    names = ("lightning.pytorch.callbacks.early_stopping", "tunesmith.training.patience")
    with ExitStack() as stack:
        yield tuple(stack.enter_context(lines_of(logging.getLogger(name))) for name in names)  # type: ignore[misc]


@contextmanager
def lines_of(log: logging.Logger) -> Iterator[list[str]]:
    lines: list[str] = []
    handler, level = logging.Handler(), log.level
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    log.setLevel(logging.INFO)
    log.addHandler(handler)
    yield lines
    log.removeHandler(handler)
    log.setLevel(level)


def random_arguments(draw: random.Random) -> dict[str, Any]:
    limits = (None, None, 0, 0.1, 0.30000001, -0.2, 1e39)
    return {
        "min_delta": draw.choice((0, 0.0, 0.1, 1e-10, 0.25)),
        "patience": draw.randint(1, 4),
        "mode": draw.choice(("min", "max")),
        "check_finite": draw.random() < 0.5,
        "stopping_threshold": draw.choice(limits),
        "divergence_threshold": draw.choice(limits),
        "verbose": draw.random() < 0.3,
    }


def random_values(draw: random.Random) -> list[float]:
    kinds: tuple[Callable[[], float], ...] = (
        draw.random,
        lambda: round(draw.random(), 1),
        lambda: draw.choice(SPECIAL),
        lambda: draw.gauss(0, 1e-3),
    )
    rare = (draw.choice(kinds), draw.choice(kinds))
    return [rare[draw.random() < 0.2]() for _ in range(draw.randint(1, 12))]


def test_thousands_of_random_runs_are_stopped_where_lightning_stops_them(said: tuple[list[str], list[str]]) -> None:
    draw, reasons, num_improved = random.Random(0), set(), 0
    for run in range(2000):
        arguments = random_arguments(draw)
        theirs, ours = Lightnings(**arguments), Patience(MONITOR, **arguments)
        for epoch, value in enumerate(random_values(draw)):
            metrics = {"lr": 0.1, MONITOR: value}
            assert ours.check(metrics, epoch) == theirs.check(metrics, epoch), (run, epoch, arguments)
            assert ours.state_dict() == theirs.state_dict(), (run, epoch, arguments)
            num_improved += ours.wait_count == 0
        reasons.add(ours.stopping_reason.name)
    lines_of_lightning, lines = said
    assert lines == lines_of_lightning
    assert any("improved by" in line for line in lines)
    assert num_improved > 1000
    assert len(reasons) == 5  # each way to stop has come up


def test_a_state_of_either_goes_on_in_the_other() -> None:
    draw = random.Random(1)
    for _ in range(200):
        arguments = {**random_arguments(draw), "verbose": False}
        values = random_values(draw)
        theirs, ours = Lightnings(**arguments), Patience(MONITOR, **arguments)
        for epoch, value in enumerate(values):
            their_state, our_state = theirs.callback.state_dict(), ours.state_dict()
            theirs, ours = Lightnings(**arguments), Patience(MONITOR, **arguments)
            ours.load_state_dict(their_state)
            theirs.callback.load_state_dict({**our_state, "best_score": torch.tensor(our_state["best_score"])})
            assert ours.check({MONITOR: value}, epoch) == theirs.check({MONITOR: value}, epoch)
            assert ours.state_dict() == theirs.state_dict()


@pytest.mark.parametrize("mode", ["min", "max"])
def test_its_state_has_lightnings_key(mode: str) -> None:
    assert Patience(MONITOR, mode=mode).state_key == EarlyStopping(MONITOR, mode=mode).state_key


def test_its_arguments_are_lightnings_in_their_order_and_with_their_defaults() -> None:
    theirs, ours = (signature(each).parameters.values() for each in (EarlyStopping, Patience))
    assert [(each.name, each.default) for each in ours][:-1] == [(each.name, each.default) for each in theirs]


def test_a_state_before_the_reasons_of_lightning_2_6_loads() -> None:
    patience = Patience(MONITOR)
    patience.load_state_dict({"wait_count": 2, "stopped_epoch": 0, "best_score": torch.tensor(0.5), "patience": 7})
    assert (patience.wait_count, patience.best_score, patience.patience) == (2, 0.5, 7)


def test_a_metric_that_was_not_logged_is_a_mistake_in_one_line() -> None:
    patience = Patience("val/los", key="callbacks.stop")
    line = r"^callbacks\.stop\.monitor must be a metric that the learner logs; got 'val/los'; did you mean val/loss\?"
    with pytest.raises(UserError, match=line):
        patience.check({MONITOR: 0.5}, 0)


def test_if_it_is_not_strict_a_missing_metric_is_no_epoch_without_improvement() -> None:
    patience = Patience("mine", strict=False, patience=1)
    assert not any(patience.check({MONITOR: 0.5}, epoch) for epoch in range(3))
    assert patience.wait_count == 0


def test_a_missing_metric_is_warned_of_if_it_is_verbose() -> None:
    patience = Patience("mine", strict=False, verbose=True)
    with pytest.warns(RuntimeWarning, match=r"^callbacks\.early_stopping\.monitor: mine was not logged"):
        patience.check({MONITOR: 0.5}, 0)


def test_one_that_looks_at_the_end_of_validations_needs_one() -> None:
    patience = Patience("train/loss", check_on_train_epoch_end=False, patience=1)
    values = [{"train/loss": value} for value in (1.0, 2.0)]
    assert [patience.check(each, epoch, is_validated=False) for epoch, each in enumerate(values)] == [False, False]
    assert [patience.check(each, epoch) for epoch, each in enumerate(values)] == [False, True]
