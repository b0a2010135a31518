"""What a console and optimization_results.yaml say of a confirmation."""

from __future__ import annotations

from typing import Any

import pytest

from tunesmith.search.confirm.confirmation import Confirmation, as_rows, to_plain
from tunesmith.search.confirm.ranking import Repeats, rank


def rows_of(*candidates: Repeats, planned: int | None = None, is_maximized: bool = False) -> list[tuple[str, str]]:
    num_ended = sum(len(each.values) + each.failed for each in candidates)
    found = Confirmation(
        tuple(rank(candidates, is_maximized)), num_ended, num_ended if planned is None else planned, is_maximized
    )
    return list(as_rows(to_plain(found)))


def repeats(trial: int, first: float, *values: float) -> Repeats:
    return Repeats(trial, first, dict(enumerate(values, start=1)))


def test_the_confirmed_one_and_those_that_the_seeds_do_not_tell_apart() -> None:
    close, far = repeats(4, 0.1, 0.16, 0.19, 0.19), repeats(7, 0.05, 0.4, 0.42, 0.44)
    assert rows_of(repeats(2, 0.11, 0.15, 0.17, 0.19), close, far) == [
        (
            "confirmed",
            "trial 2: mean 0.17 of 3 other seeds, 95 % in 0.120317 to 0.219683; its first score 0.11 was 0.06 better",
        ),
        ("as good", "trial 4 (+0.01, 95 % -0.0148 to +0.0348): the seeds do not tell them apart"),
    ]


def test_a_first_score_may_have_been_unlucky() -> None:
    ((_, text),) = rows_of(repeats(2, 0.7, 0.8, 0.8), is_maximized=True)
    assert text.endswith("its first score 0.7 was 0.1 worse")


@pytest.mark.parametrize(
    ("candidates", "planned", "text"),
    [
        ([repeats(2, 0.1, 0.2)], 4, "not yet: 1 of 4 repeats have ended"),
        ([Repeats(2, 0.1, {}, failed=2)], 2, "none: every repeat failed"),
    ],
    ids=["missing", "failed"],
)
def test_nothing_is_confirmed(candidates: list[Any], planned: int, text: str) -> None:
    assert rows_of(*candidates, planned=planned) == [("confirmed", text)]
