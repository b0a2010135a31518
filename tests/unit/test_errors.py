"""Errors that a user can mend: what they suggest."""

from __future__ import annotations

import pytest
from hydra.errors import CompactHydraException

from tunesmith.errors import UserError, closest, list_names


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        pytest.param("optimiser", "; did you mean optimizer? options: model, optimizer", id="a misspelled name"),
        pytest.param("xyz", "; options: model, optimizer", id="nothing close"),
    ],
)
def test_closest(name: str, hint: str) -> None:
    assert closest(name, ["optimizer", "model"]) == hint


def test_any_hydra_app_prints_a_user_error_as_one_line() -> None:
    assert issubclass(UserError, CompactHydraException)


@pytest.mark.parametrize(
    ("names", "text"),
    [([], ""), (["a"], "a"), (list("abcde"), "a, b, c, d, e"), (list("abcdefg"), "a, b, c, d, e and 2 more")],
    ids=["none", "one", "five", "seven"],
)
def test_many_names_are_counted_after_the_fifth(names: list[str], text: str) -> None:
    assert list_names(names) == text
