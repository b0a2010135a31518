"""Names in the storage: a key keeps its name as long as Optuna can store what it varies over."""

from __future__ import annotations

import pytest
from optuna.storages import InMemoryStorage
from studies import asked, opened

from tunesmith.search.space.space import parse_space
from tunesmith.search.study.stored_dimension import stored_dimension
from tunesmith.search.study.trial import Attempt


@pytest.mark.parametrize(
    ("before", "now", "keeps_name"),
    [
        pytest.param("interval(0,1)", "interval(0,2)", True, id="a wider range of floats"),
        pytest.param("interval(0,1)", "interval(0.4,0.6)", True, id="a narrower one"),
        pytest.param("int(interval(1,3))", "int(interval(1,9))", True, id="a wider range of integers"),
        pytest.param("a,b", "a,b", True, id="the same choices"),
        pytest.param("a,b", "b,a", True, id="another order of choices"),
        pytest.param("a,b", "a,b,c", False, id="another choice"),
        pytest.param("1,0", "true,false", False, id="true is not 1"),
        pytest.param("interval(0.1,1)", "tag(log,interval(0.1,1))", False, id="a log scale"),
        pytest.param("interval(0,1)", "int(interval(0,1))", False, id="integers"),
        pytest.param("interval(0,1)", "0.1,0.2", False, id="choices"),
    ],
)
def test_a_study_goes_on_over(before: str, now: str, keeps_name: bool) -> None:
    storage = InMemoryStorage()
    for text in (before, now, before, now):
        space = parse_space({}, [f"x={text}"])
        study = opened(storage, space=space)
        trial = asked(study)
        stored_dimension(space.dimensions["x"], study.trials).suggest(trial)
    names = [list(trial.params) for trial in study.trials]
    assert names[0] == names[2] == ["x"]
    assert names[1] == names[3]
    assert (names[1] == ["x"]) is keeps_name
    assert all(list(Attempt(trial).params) == ["x"] for trial in study.trials)


def test_a_value_is_the_choice_that_was_meant_whatever_its_order() -> None:
    storage = InMemoryStorage()
    for text in ("a,b", "b,a"):
        space = parse_space({}, [f"x={text}"])
        study = opened(storage, space=space)
        study.enqueue_trial({"x": "b"})
        assert stored_dimension(space.dimensions["x"], study.trials).suggest(asked(study)) == "b"
    assert [trial.params for trial in study.trials] == [{"x": "b"}, {"x": "b"}]
