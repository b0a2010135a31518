"""Constraints on results: how they are written, how far one is broken, and what a study keeps."""

from __future__ import annotations

import re
from typing import Any

import pytest
from optuna.trial import FrozenTrial, TrialState, create_trial

from tunesmith.errors import UserError
from tunesmith.search.constraints import Constraint, check_same_constraints, read_constraints

SIZE = Constraint("size", "<=", 3.0)


@pytest.mark.parametrize(
    ("rule", "kept", "broken"),
    [
        ("<= 3", (-5, 2.9, 3), (3.0000001, 9)),
        ("<3", (-5, 2.9), (3, 9)),
        (">= 1e-3", (0.001, 5), (0, 0.00099)),
        (" > -0.5 ", (-0.4, 5), (-0.5, -9)),
        ("< 0", (-1e-300,), (0, 1e-300)),
    ],
    ids=str,
)
def test_a_constraint_is_kept_or_broken(rule: str, kept: tuple[float, ...], broken: tuple[float, ...]) -> None:
    (constraint,) = read_constraints({"size": rule})
    assert all(constraint.violation(value) <= 0 for value in kept)
    assert all(constraint.violation(value) > 0 for value in broken)


def test_a_constraint_is_known_by_all_digits_of_its_limit() -> None:
    texts = ["parameters <= 1234567", "loss < 0.1234567", "memory >= 1e-05", "acc > 0.3", "size <= 50000"]
    read = read_constraints({text.split()[0]: text.partition(" ")[2] for text in texts})
    assert list(map(str, read)) == texts


def test_none_are_none() -> None:
    assert read_constraints(None) == read_constraints({}) == ()


@pytest.mark.parametrize("rule", ["3", "== 3", "<= three", "<=", "<= 3 MB", 3, None, ["<= 3"]], ids=str)
def test_another_rule_is_refused(rule: object) -> None:
    message = f'hydra.sweeper.constraints.val/acc must be <=, <, >= or > and a number, such as "<= 50000"; got {rule!r}'
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        read_constraints({"val/acc": rule})


def test_a_rule_alone_is_refused() -> None:
    with pytest.raises(UserError, match=r"^hydra\.sweeper\.constraints must be a dict of metrics .*; got '<= 3'$"):
        read_constraints("<= 3")


def told(*names: str, **arguments: Any) -> FrozenTrial:
    system_attrs = {f"constraints:{name}": -1.0 for name in names}
    return create_trial(**{"value": 0.5, **arguments}, system_attrs=system_attrs)


def test_a_study_goes_on_with_the_constraints_of_its_trials() -> None:
    running = create_trial(state=TrialState.RUNNING)
    check_same_constraints([told("size <= 3"), told(), running], [SIZE], "s")  # one whose record was lost
    check_same_constraints([told()], [], "s")
    check_same_constraints([running], [SIZE], "s")


@pytest.mark.parametrize(
    ("trials", "constraints", "was", "now"),
    [
        ([told("size <= 4")], [SIZE], "size <= 4", "size <= 3"),
        ([told("size <= 3", "a > 1")], [SIZE], "a > 1, size <= 3", "size <= 3"),
        ([told("size <= 3")], [], "size <= 3", "none"),
        ([told(), told()], [SIZE], "empty", "size <= 3"),
    ],
    ids=["another limit", "one less", "none any more", "the first ones"],
)
def test_other_constraints_than_those_of_the_trials_are_refused(
    trials: list[FrozenTrial], constraints: list[Constraint], was: str, now: str
) -> None:
    message = f"hydra.sweeper.constraints must stay {was} in study s; got {now}; or use another study_name"
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        check_same_constraints(trials, constraints, "s")
