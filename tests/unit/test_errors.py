"""Errors that a user can mend: what they suggest."""

from __future__ import annotations

import pytest
from hydra.errors import CompactHydraException

from tunesmith.errors import UserError, closest


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
