"""hydra.sweeper.confirm: its keys, their rules, and the seeds of the repeats."""

from __future__ import annotations

from typing import Any

import pytest

from tunesmith.errors import UserError
from tunesmith.search.confirm.options import Confirm, read_confirm


@pytest.mark.parametrize("given", [None, {}, {"top": None, "seeds": 5, "key": "seed", "halving": False}], ids=str)
def test_it_is_off_without_top(given: Any) -> None:
    assert read_confirm(given) is None


def test_what_is_not_given_has_a_default() -> None:
    assert read_confirm({"top": 3}) == Confirm(top=3, seeds=5, key="seed", halving=False)
    assert read_confirm({"top": 3, "seeds": 2, "key": "rng", "halving": True}) == Confirm(3, 2, "rng", True)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (5, r"confirm must be null, or \{top: 5, seeds: 5\}; got 5$"),
        ({"best": 5}, r"confirm.best: there is no such key; options: halving, key, seeds, top$"),
        ({"top": 0}, r"confirm.top must be an integer >= 1, or null; got 0$"),
        ({"top": 3, "seeds": 1}, r"confirm.seeds must be an integer >= 2; got 1$"),
        ({"top": 3, "key": ""}, r"confirm.key must be a text; got ''$"),
        ({"top": 3, "halving": 1}, r"confirm.halving must be true or false; got 1$"),
    ],
    ids=str,
)
def test_refused(given: Any, message: str) -> None:
    with pytest.raises(UserError, match=rf"^hydra\.sweeper\.{message}"):
        read_confirm(given)


@pytest.mark.parametrize(
    ("own", "seeds"), [(0, [1, 2, 3]), (2, [0, 1, 3]), (7, [0, 1, 2]), (None, [0, 1, 2]), ("a", [0, 1, 2])]
)
def test_seeds_are_others_than_that_of_the_first_scores(own: object, seeds: list[int]) -> None:
    assert Confirm(top=5, seeds=3).further_seeds(own) == seeds


def test_more_seeds_keep_those_that_have_run() -> None:
    assert Confirm(top=5, seeds=6).further_seeds(2)[:3] == Confirm(top=5, seeds=3).further_seeds(2)


@pytest.mark.parametrize(
    ("confirm", "stages"),
    [
        (Confirm(5), ("confirm",)),
        (Confirm(5, halving=True), ("confirm", "confirm_rest")),
        (Confirm(5, seeds=2, halving=True), ("confirm",)),
    ],
    ids=str,
)
def test_stages(confirm: Confirm, stages: tuple[str, ...]) -> None:
    assert confirm.stages == stages
