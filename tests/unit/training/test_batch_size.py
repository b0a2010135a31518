"""A batch larger than all there is to train on."""

from __future__ import annotations

import pytest
from tiny import composed

from tunesmith.errors import UserError
from tunesmith.reporting import NoReporter
from tunesmith.training.batch_size import LARGE_BATCH, check_batch_size
from tunesmith.training.learner_and_data import build_learner


def check(size: int, drawn: bool = False) -> None:
    data, _ = build_learner(composed("data=iris", f"data.batch_size={size}"))
    check_batch_size(data, NoReporter({"data.batch_size": size} if drawn else {}))


def test_a_batch_beyond_the_data_is_refused() -> None:
    with pytest.raises(UserError, match=r"^data\.batch_size must be at most 90, .*; got 100000: data\.batch_size=90 "):
        check(100_000)


def test_a_usual_size_or_one_that_a_sweep_drew_is_the_whole_part() -> None:
    check(LARGE_BATCH)
    check(100_000, drawn=True)
