"""The enumeration of a small space: each point once, whoever draws and whatever is lost."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from optuna import Study
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState
from studies import opened

from tunesmith.search.sampling.enumeration import Enumeration
from tunesmith.search.space.space import Space, parse_space
from tunesmith.search.study.budget import ask
from tunesmith.search.study.retries import requeue
from tunesmith.search.study.trial import SURPLUS

FINITE = parse_space({}, ["a=1,2", "b=range(0.1,0.3,step=0.1)"])
POINTS = [(1, 0.1), (1, 0.2), (1, 0.3), (2, 0.1), (2, 0.2), (2, 0.3)]


def study_with(sampler: Enumeration, storage: InMemoryStorage | None = None) -> Study:
    return opened(storage, sampler, space=FINITE)


def draw(study: Study, space: Space, n: int) -> list[tuple[Any, ...]]:
    """Run n trials; return their values."""
    drawn = []
    for _ in range(n):
        trial = study.ask()
        drawn.append(tuple(dimension.suggest(trial) for dimension in space.dimensions.values()))
        study.tell(trial, 0.5)
    return drawn


def test_an_enumeration_goes_on_in_another_process() -> None:
    storage = InMemoryStorage()
    drawn = [draw(study_with(Enumeration(list(FINITE.points())), storage=storage), FINITE, 3) for _ in range(2)]
    assert drawn[0] + drawn[1] == POINTS


@pytest.mark.parametrize("has_drawn", [True, False], ids=["after its draw", "before its draw"])
def test_each_point_is_given_once_where_a_trial_is_lost(has_drawn: bool) -> None:
    study = study_with(Enumeration(list(FINITE.points())))
    drawn = draw(study, FINITE, 2)
    lost = ask(study, 6)
    assert lost is not None
    if has_drawn:
        FINITE.dimensions["a"].suggest(lost)
    other = study.ask()  # another worker's, asked for meanwhile
    requeue(study, lost.number)
    drawn += draw(study, FINITE, 1)
    drawn.append(tuple(dimension.suggest(other) for dimension in FINITE.dimensions.values()))
    assert Counter(drawn + draw(study, FINITE, 2)) == Counter(POINTS)


def test_a_trial_that_was_withdrawn_takes_no_point() -> None:
    study = study_with(Enumeration(list(FINITE.points())))
    surplus = study.ask()
    surplus.set_user_attr(SURPLUS, True)
    study.tell(surplus, state=TrialState.FAIL)
    assert draw(study, FINITE, 6) == POINTS
