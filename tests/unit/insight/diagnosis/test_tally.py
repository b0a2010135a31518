"""The tally of a study: how many trials have which finding."""

from __future__ import annotations

import pytest

from tunesmith.insight.diagnosis.tally import known_names, tally, tally_words


def test_each_trial_counts_once_and_the_most_frequent_comes_first() -> None:
    trials = [["shift"], ["overfitting", "shift"], [], ["overfitting", "overfitting"], ["overfitting"]]
    assert list(tally(trials).items()) == [("overfitting", 3), ("shift", 2)]


@pytest.mark.parametrize(
    ("counts", "number", "words"),
    [
        ({"overfitting": 7, "shift": 4}, 30, "overfitting 7, shift 4 of 30 trials"),
        ({"overfitting": 1}, 1, "overfitting 1 of 1 trial"),
        ({f"f{place}": 1 for place in range(7)}, 9, "f0 1, f1 1, f2 1, f3 1, f4 1, 2 more kinds of 9 trials"),
    ],
    ids=["several", "one trial", "many kinds"],
)
def test_the_line_of_a_tally(counts: dict[str, int], number: int, words: str) -> None:
    assert tally_words(counts, number) == words


@pytest.mark.parametrize(
    ("stored", "names"),
    [
        (["overfitting", "<b>", 3, ["shift"], "imbalance", "overfitting"], ["overfitting", "imbalance"]),
        ("overfitting", []),
        ({"overfitting": 1}, []),
        (None, []),
    ],
    ids=["some are known", "a text", "a mapping", "nothing"],
)
def test_of_what_a_study_holds_known_names_are_read(stored: object, names: list[str]) -> None:
    assert known_names(stored) == names
