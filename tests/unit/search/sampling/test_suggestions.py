"""Values that a function of the user suggests: what a study cannot keep is one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from omegaconf import OmegaConf
from optuna import Study, Trial
from studies import asked, opened

from tunesmith.errors import UserError
from tunesmith.search.sampling.suggestions import suggest_by
from tunesmith.search.storage.storage import open_storage

CONFIG = OmegaConf.create()


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """In a journal, which keeps JSON."""
    return opened(open_storage(None, tmp_path))


@pytest.mark.parametrize(
    ("suggest", "reason"),
    [
        pytest.param(lambda trial: trial.suggest_categorical("key", [(1, 2), (3, 4)]), "tuple", id="tuples"),
        pytest.param(lambda trial: trial.suggest_categorical("key", [[1], [2]]), "list", id="lists"),
        pytest.param(lambda trial: trial.suggest_categorical("key", [np.int64(1), 2]), "int64", id="numpy's choices"),
        pytest.param(lambda trial: trial.suggest_float("key", 2, 1), "low <= high", id="an empty range"),
        pytest.param(
            lambda trial: trial.suggest_categorical("key", ["a", "b"][: trial.number]),
            "dynamic value space",
            id="choices",
        ),
        pytest.param(
            lambda trial: (trial.suggest_int if trial.number > 1 else trial.suggest_float)("key", 0, 1),
            "Cannot set different distribution kind",
            id="another kind",
        ),
    ],
)
def test_a_value_that_a_study_cannot_keep_is_one_line(
    study: Study, suggest: Callable[[Trial], Any], reason: str
) -> None:
    asked(study)
    with pytest.raises(UserError, match=rf"(?s)^key must be null, .*{reason}") as refused:
        suggest_twice(study, suggest)
    assert "\n" not in str(refused.value)


def suggest_twice(study: Study, suggest: Callable[[Trial], Any]) -> None:
    for _ in range(2):
        suggest_by(lambda config, trial: suggest(trial), CONFIG, asked(study), {})


@pytest.mark.parametrize("error", [ValueError("of the user"), TypeError("of the user")], ids=repr)
def test_a_bug_of_the_function_stays_a_bug(study: Study, error: Exception) -> None:
    def broken(config: Any, trial: Trial) -> None:
        trial.suggest_float("key", 0, 1)
        raise error

    with pytest.raises(type(error), match="of the user") as raised:
        suggest_by(broken, CONFIG, asked(study), {})
    assert raised.value is error


def test_what_a_study_can_keep_is_suggested(study: Study) -> None:
    def suggest(config: Any, trial: Trial) -> None:
        trial.suggest_categorical("key", [None, True, 2, 0.5, np.float64(0.25), "a"])

    trial = asked(study)
    suggest_by(suggest, CONFIG, trial, {})
    assert list(trial.params) == ["key"]
