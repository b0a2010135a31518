"""One stage of a sweep: whether it trains on all data."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tunesmith.search.space.space import Space
from tunesmith.search.stages.stage import Stage, is_on_full_data


@pytest.mark.parametrize(
    ("override", "is_full"),
    [
        ("data.fraction=0.125", False),
        ("data.fraction=1.0", True),
        ("++data.fraction=1", True),
        ("data.folds=5", True),
        ("data.batch_size=8", True),
        ("data=digits", False),
        ("+data@other=digits", False),
        ("data.path=part.csv", False),
        ("database=pg", True),
        ("data/sources=csv", False),
        ("data.folds_of=2", False),
    ],
)
def test_what_a_stage_sets_may_take_data_away(override: str, is_full: bool) -> None:
    """A command may type data.fraction=0.125, which the last stage gives back."""
    stage = replace(Stage("s", Space({}, ()), None, None, 1), overrides=("epochs=3", override))
    assert is_on_full_data(stage) is is_full
