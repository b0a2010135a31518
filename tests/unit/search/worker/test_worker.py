"""The worker: when the failures of its trials are too many."""

from __future__ import annotations

import re

import pytest

from tunesmith.errors import UserError
from tunesmith.search.study.study import Counts
from tunesmith.search.worker.worker import check_failure_rate


def counts(complete: int, failed: int) -> Counts:
    return Counts(complete=complete, pruned=0, failed=failed, lost=9)


@pytest.mark.parametrize(
    ("complete", "failed", "rate"),
    [
        pytest.param(0, 4, 0.0, id="too few to judge"),
        pytest.param(3, 3, 0.5, id="the rate itself"),
        pytest.param(0, 9, 1.0, id="all may fail"),
        pytest.param(9, 0, 0.0, id="none has failed"),
    ],
)
def test_few_enough(complete: int, failed: int, rate: float) -> None:
    check_failure_rate(counts(complete, failed), rate)


@pytest.mark.parametrize(
    ("complete", "failed", "rate"),
    [pytest.param(2, 3, 0.5, id="from the fifth on"), pytest.param(9, 1, 0.0, id="none may fail")],
)
def test_too_many(complete: int, failed: int, rate: float) -> None:
    message = f"hydra.sweeper.max_failure_rate={rate} is exceeded: {failed} of {complete + failed} trials failed; "
    with pytest.raises(UserError, match=f"^{re.escape(message)}trials.csv has the reasons$"):
        check_failure_rate(counts(complete, failed), rate)
