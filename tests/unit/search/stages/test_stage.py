"""A stage of a sweep: whether its own overrides leave it the data of a run."""

from __future__ import annotations

import pytest

from tunesmith.search.space.space import Space
from tunesmith.search.stages.stage import Stage, is_on_full_data


@pytest.mark.parametrize(
    ("overrides", "is_full"),
    [
        ((), True),
        (("trainer.max_epochs=3", "database.fraction=0.1"), True),
        (("data.folds=5", "++data.batch_size=64"), True),
        (("data.fraction=0.125",), False),
        (("data.folds=5", "+data.fraction=0.5"), False),
        (("data=digits",), False),
        (("data@extra=digits",), False),
        (("data/sources=csv",), False),
        (("data.folds_of=2",), False),
    ],
    ids=str,
)
def test_which_overrides_leave_a_stage_all_data(overrides: tuple[str, ...], is_full: bool) -> None:
    assert is_on_full_data(Stage("s", Space({}, overrides), None, None, 1, overrides=overrides)) is is_full
