"""A pruner that stops what would have ended best."""

from __future__ import annotations

import pytest
from checked import complete, pruned

from tunesmith.insight.study_checks.pruning import late_bloomers
from tunesmith.insight.study_checks.trials import CheckedStudy, CheckedTrial


def crossing(number: int) -> CheckedTrial:
    """A trial that ends the better, the worse it begins."""
    return complete(number, 1 - number / 10, 1 + number / 10, 1 + number / 20, 1.0, 1 - number / 10)


def parallel(number: int) -> CheckedTrial:
    return complete(number, number / 10, 1 + number / 10, 0.9 + number / 10, 0.5 + number / 10, number / 10)


def test_early_values_that_say_the_opposite_are_found() -> None:
    trials = [*map(crossing, range(6)), pruned(6, 1.7, 1.6), pruned(7, 1.8, 1.7)]
    (finding,) = late_bloomers(CheckedStudy(trials, {}))
    assert finding.override == "hydra/sweeper/pruner=none"
    assert (finding.numbers["step"], finding.numbers["spearman"]) == (2, -1.0)


@pytest.mark.parametrize(
    "trials",
    [
        [*map(parallel, range(6)), pruned(6, 1.9, 1.8)],
        [*map(crossing, range(6))],
        [*map(crossing, range(5)), pruned(6, 1.9)],
    ],
    ids=["parallel curves", "nothing was pruned", "five trials"],
)
def test_otherwise_the_pruner_is_left_alone(trials: list[CheckedTrial]) -> None:
    assert list(late_bloomers(CheckedStudy(trials, {}))) == []
