"""A run that one engine began and the other goes on with is the unbroken run, in every digit."""

from __future__ import annotations

from dataclasses import fields
from itertools import product
from pathlib import Path

import pytest
from engines import ENGINES, OWN_MODEL, Interrupting, Left, by_engine, configured, left_by, train
from listener import Listener
from omegaconf import DictConfig

from tunesmith.errors import AttemptLost
from tunesmith.run_folder import LAST_CHECKPOINT, METRICS_FILE

EPOCHS, NUM_BATCHES = 10, 3
# Every one has draws, and something that each epoch moves: a schedule, its patience, early stopping's, a momentum.
RUNS = {
    "plateau and patience": ("scheduler.patience=1", "callbacks=default", "callbacks.early_stopping.patience=3"),
    "cosine and momentum": ("optimizer=sgd", "optimizer.nesterov=true", "scheduler=cosine"),
    "warm-up and plateau": ("optimizer=adamw", "warmup_epochs=4", "scheduler.patience=0"),
    "one cycle": ("optimizer=rmsprop", "optimizer.momentum=0.5", "scheduler=onecycle"),
    "a step of one's own": ("learner._target_=engine_parts.Denoising", "scheduler=step", "scheduler.step_size=2"),
    "a model's own state": (
        *(*OWN_MODEL, "model._target_=engine_parts.ExtraState"),
        "optimizer.weight_decay=1e-3",
    ),
    "augmentation and images": (
        *("data=digits", "data.fraction=0.1", "data.batch_size=36", "model=cnn", "model.channels=[4]"),
        *("data.augmentation.rotation=20", "metrics=[f1]"),
    ),
}
# All samples right within a few epochs: nothing improves further.
AT_ONCE = ("objective.metric=val/acc", "optimizer.lr=1e-1")
WAYS = [("lightning", "lean"), ("lean", "lightning"), ("lean", "lean")]


def config_of(name: str, engine: str) -> DictConfig:
    return by_engine(engine, configured(*RUNS[name], f"trainer.max_epochs={EPOCHS}", "optimizer.lr=3e-2"))


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Left]:
    """Each run, trained by Lightning at one go, when it is first asked for."""
    return Runs(tmp_path_factory)


class Runs(dict[str, Left]):
    def __init__(self, factory: pytest.TempPathFactory) -> None:
        super().__init__()
        self._factory = factory

    def __missing__(self, name: str) -> Left:
        self[name] = left_by(self._factory.mktemp("unbroken"), config_of(name, "lightning"))
        assert self[name].error is None
        return self[name]


def broken_off(folder: Path, name: str, engine: str, epochs: int, by: type[BaseException]) -> None:
    """Train until the first batch of an epoch: a reporter is polled at each batch, and before an epoch is written."""
    reporter = Interrupting(ends_at=epochs * (NUM_BATCHES + 1) + 1, by=by)
    with pytest.raises(by, match=r"^$"):
        train(folder, config_of(name, engine), reporter)
    assert [step for step, _ in reporter.heard] == list(range(1, epochs + 1))


def check(left: Left, expected: Left, epochs: int) -> None:
    """Compare with the unbroken run; what was heard and logged is that of the epochs after the break."""
    assert left.heard == expected.heard[epochs:]
    assert left.log == expected.log[epochs:]
    for field in fields(Left):
        if field.name not in ("heard", "log"):
            assert getattr(left, field.name) == getattr(expected, field.name), field.name


def cases() -> list[object]:
    """Every run, way and epoch; the quick tests have each run in both directions, at one epoch or another."""
    found = []
    for name, way, epochs in product(RUNS, WAYS, (1, 3, 6)):
        number = list(RUNS).index(name)
        is_quick = way != ("lean", "lean") and epochs == (1, 3, 6)[(number + WAYS.index(way)) % 3]
        marks = () if is_quick else pytest.mark.slow
        found.append(pytest.param(name, *way, epochs, id=f"{name}, {' then '.join(way)}, {epochs}", marks=marks))
    return found


@pytest.mark.parametrize(("name", "first", "then", "epochs"), cases())
def test_a_lost_attempt_goes_on_to_the_same_numbers(
    tmp_path: Path, unbroken: dict[str, Left], name: str, first: str, then: str, epochs: int
) -> None:
    expected = unbroken[name]
    assert expected.result["epochs"] > epochs
    broken_off(tmp_path, name, first, epochs, AttemptLost)
    assert (tmp_path / LAST_CHECKPOINT).exists()
    check(left_by(tmp_path, config_of(name, then), Listener(is_retry=True)), expected, epochs)


@pytest.mark.parametrize(("first", "then"), WAYS)
def test_a_run_that_has_ended_is_made_longer(tmp_path: Path, first: str, then: str) -> None:
    """Each way is that of Lightning alone: early stopping and the cosine go on from where they were."""
    left = []
    for name, engines in (("ours", (first, then)), ("lightning", ("lightning", "lightning"))):
        typed = ("scheduler=cosine", "callbacks=default", "callbacks.early_stopping.patience=2", *AT_ONCE)
        train(tmp_path / name, by_engine(engines[0], configured(*typed, "trainer.max_epochs=3")))
        longer = configured(*typed, "trainer.max_epochs=9", f"ckpt_path={tmp_path / name}/checkpoints/best.ckpt")
        left.append(left_by(tmp_path / name, by_engine(engines[1], longer)))
    assert left[0] == left[1]
    assert 3 < left[0].result["epochs"] < 9


@pytest.mark.parametrize("engine", ENGINES)
def test_a_schedule_of_known_length_is_not_made_longer(tmp_path: Path, engine: str) -> None:
    train(tmp_path, by_engine("lean", configured("scheduler=onecycle", "trainer.max_epochs=3")))
    before = (tmp_path / METRICS_FILE).read_text()
    checkpoint = f"ckpt_path={tmp_path}/checkpoints/best.ckpt"
    left = left_by(tmp_path, by_engine(engine, configured("scheduler=onecycle", "trainer.max_epochs=7", checkpoint)))
    rule = (
        "scheduler.total_steps must be at least the 21 steps of the run; got 9: total_steps=total_steps stands for them"
    )
    assert left.error == f"UserError: {rule}"
    assert (tmp_path / METRICS_FILE).read_text() == before
