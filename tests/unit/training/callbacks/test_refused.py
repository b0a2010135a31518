"""Callbacks whose promise a run cannot keep: one line before the first step."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lightning.pytorch.callbacks import (
    Callback,
    EarlyStopping,
    EMAWeightAveraging,
    GradientAccumulationScheduler,
    ModelCheckpoint,
    StochasticWeightAveraging,
    Timer,
)
from tiny import small

from tunesmith.errors import UserError
from tunesmith.reporting import NoReporter
from tunesmith.training.callbacks.refused import check_callbacks
from tunesmith.training.fit import train_once


class Mine(StochasticWeightAveraging):
    """A user's own kind of it."""


@pytest.mark.parametrize(
    ("node", "line"),
    [
        (
            "{_target_: test_refused.Mine, swa_lrs: 0.01}",
            "a StochasticWeightAveraging, whose average is never validated",
        ),
        (
            "{_target_: lightning.pytorch.callbacks.StochasticWeightAveraging, swa_lrs: 0.01}",
            "a StochasticWeightAveraging, whose average is never validated",
        ),
        (
            "{_target_: lightning.pytorch.callbacks.ModelPruning, pruning_fn: l1_unstructured}",
            "a ModelPruning, whose sparsity grows",
        ),
        ("{_target_: lightning.pytorch.callbacks.BatchSizeFinder}", "a BatchSizeFinder, whose size no config holds"),
        ("{_target_: lightning.pytorch.callbacks.LearningRateFinder}", "a LearningRateFinder, whose rate no config"),
    ],
    ids=["a subclass", "averaged at the end", "pruned", "a found size", "a found rate"],
)
def test_it_is_refused_before_the_first_step(tmp_path: Path, node: str, line: str) -> None:
    cfg = small("data=iris", "trainer.max_epochs=2", f"+callbacks.a={node}")
    with pytest.raises(UserError, match=f"^callbacks must not hold {re.escape(line)}"):
        train_once(cfg, tmp_path, NoReporter())
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    "callback",
    [
        EarlyStopping("val/loss"),
        EMAWeightAveraging(),
        GradientAccumulationScheduler({0: 2}),
        ModelCheckpoint(),
        Timer("00:00:01:00"),
    ],
    ids=lambda callback: type(callback).__name__,
)
def test_others_are_allowed(callback: Callback) -> None:
    check_callbacks([callback])
