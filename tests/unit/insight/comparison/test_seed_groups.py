"""Which runs, studies and trials are one configuration with several seeds."""

from __future__ import annotations

from typing import Any

import pytest

from tunesmith.insight.comparison.members import Member
from tunesmith.insight.comparison.seed_groups import group, groups_in
from tunesmith.insight.pages.study_facts import StudyFacts, TrialFacts


def member(name: str, seed: int, value: float | None = 0.5, data: str | None = "d", **config: Any) -> Member:
    return Member(name, "val/loss", "min", value, seed, {"seed": seed, "lr": 0.1, **config}, data=data)


def test_members_that_differ_in_their_seeds_and_in_what_changes_no_result_are_one_group() -> None:
    members = [member("a", 1, 0.2, note="first"), member("b", 0, 0.1, study_name="b"), member("c", 2, None)]
    (found,) = group(members)
    assert (found.name, dict(found.values), list(found.values)) == ("a", {0: 0.1, 1: 0.2}, [0, 1])


@pytest.mark.parametrize(
    ("other", "names"),
    [
        pytest.param({"lr": 0.2}, ["lr=0.1", "lr=0.2"], id="a value"),
        pytest.param({"l1": 0.5}, ["a", "l1=0.5"], id="a key that one lacks"),
        pytest.param({"model": {"_target_": "x.Cnn", "width": 3}}, ["a", "model=Cnn"], id="a class, whatever it takes"),
    ],
)
def test_groups_are_named_by_what_differs(other: dict[str, Any], names: list[str]) -> None:
    members = [member("a", 0), member("a", 1), member("b", 0, **other), member("b", 1, **other)]
    assert [each.name for each in group(members)] == names


def test_a_group_of_one_has_its_members_name_and_other_data_make_another_group() -> None:
    assert [each.name for each in group([member("a", 0), member("b", 1, data="e")])] == ["a", "b"]


def test_of_two_members_with_a_seed_the_first_counts() -> None:
    (found,) = group([member("a", 0, 0.1), member("b", 0, 0.9)])
    assert found.values == {0: 0.1}


def test_members_whose_configuration_is_unknown_are_no_group() -> None:
    unknown = [Member(name, "val/loss", "min", 0.5) for name in "ab"]
    assert [each.name for each in group(unknown)] == ["a", "b"]


def trial(number: int, value: float, is_repeat: bool = False, **params: Any) -> TrialFacts:
    return TrialFacts(number, "complete", value, params=params, is_repeat=is_repeat)


def test_a_sweep_over_seed_and_another_key_has_a_group_for_each_value() -> None:
    trials = [
        trial(2 * seed + place, seed + place / 10, lr=lr, seed=seed)
        for seed in (0, 1)
        for place, lr in enumerate((1, 2))
    ]
    found = groups_in(StudyFacts("s", trials=trials))
    assert [(each.name, each.values) for each in found] == [("s lr=1", {0: 0.0, 1: 1.0}), ("s lr=2", {0: 0.1, 1: 1.1})]


def test_of_a_confirmation_the_confirmed_configuration_counts_without_its_first_score() -> None:
    first = [trial(0, 0.1, lr=1), trial(1, 0.2, lr=2)]
    repeats = [trial(2 + seed, 0.3 + seed, True, lr=lr, seed=seed) for seed in (1, 2) for lr in (1, 2)]
    study = StudyFacts("s", trials=[*first, *repeats], results={"confirm": {"trial": 1}})
    (found,) = groups_in(study)
    assert (found.name, found.values) == ("s", {1: 1.3, 2: 2.3})


def test_a_study_without_repeats_has_no_group() -> None:
    assert groups_in(StudyFacts("s", trials=[trial(0, 0.1, lr=1), trial(1, 0.2, lr=2, seed=1)])) == []
