"""The section top: the best trials with ties, their parameters and commands."""

from __future__ import annotations

import re
from dataclasses import replace

from shown import random_trials, shown_study, shown_trial

from tunesmith.insight.pages.study_facts import StudyFacts
from tunesmith.insight.pages.top import AS_GOOD, MAX_PARAMS, top


def rows(facts: StudyFacts) -> list[list[str]]:
    """The texts of the table of the best trials, its header first."""
    table = top(facts).body.partition("<table>")[2].partition("</table>")[0]
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in table.split("<tr")[1:]]


def test_the_best_trials_stand_in_their_order_with_what_they_cost() -> None:
    trials = [
        shown_trial(0, 0.5, params={"lr": 0.1234567}, epochs=7, seconds=1.234, folder="0"),
        shown_trial(1, 0.25, params={"lr": 0.2, "name": "<a>"}, epochs=9, seconds=None, folder="elsewhere/1"),
        shown_trial(2, 0.1, "pruned", params={"lr": 0.3}),
    ]
    assert rows(shown_study(trials)) == [
        ["trial", "", "val/loss", "epochs", "seconds", "folder", "lr", "name"],
        ["1", "best", "0.25", "9", "-", "elsewhere/1", "0.2", "&lt;a&gt;"],
        ["0", "", "0.5", "7", "1.23", "0", "0.1235", "-"],
    ]


def test_findings_of_trials_have_a_column_if_there_are_any() -> None:
    trials = [shown_trial(0, 0.5, findings=["shift", "overfitting"]), shown_trial(1, 0.6)]
    header, *found = rows(shown_study(trials))
    assert [row[header.index("findings")] for row in found] == ["shift, overfitting", ""]


def test_ties_within_the_noise_are_marked() -> None:
    trials = [shown_trial(0, 0.5), shown_trial(1, 0.51), shown_trial(2, 0.53)]
    found = rows(shown_study(trials, best_se=0.01))
    assert [row[1] for row in found[1:]] == ["best", AS_GOOD, ""]


def test_ten_trials_are_listed_and_the_number_of_all_is_said() -> None:
    facts = shown_study([shown_trial(number, float(number)) for number in range(30)])
    assert "The best 10 of 30 trials that ran to their end." in top(facts).body
    assert len(rows(facts)) == 11


def test_the_most_important_parameters_have_columns() -> None:
    facts = shown_study(random_trials(60))
    assert rows(facts)[0][-3] == "lr"
    many = [shown_trial(n, float(n), params={f"key_{place}": n for place in range(40)}) for n in range(3)]
    header = rows(shown_study(many))[0]
    assert sum(name.startswith("key_") for name in header) == MAX_PARAMS
    assert "28 further parameters are in trials.csv" in top(shown_study(many)).body


def test_several_objectives_have_columns_and_no_best_one() -> None:
    trials = [shown_trial(0, 0.5), replace(shown_trial(1, 0.6), values=(0.6, 3.0))]
    found = rows(shown_study(trials, modes=("min", "max"), others=("val/acc",)))
    assert found == [
        ["trial", "val/loss", "val/acc", "epochs", "seconds"],
        ["0", "0.5", "-", "0", "-"],
        ["1", "0.6", "3", "0", "-"],
    ]


def test_stages_have_a_column() -> None:
    assert "stage" in rows(shown_study([shown_trial(0, 0.5, stage="wide")]))[0]


def test_without_a_complete_trial_it_says_so() -> None:
    body = top(shown_study([shown_trial(0, 0.5, "pruned")])).body
    assert "No trial has run to its end, so there is no best one." in body
    assert "<table>" not in body


def test_commands_are_folded_and_escaped() -> None:
    trials = [shown_trial(0, 0.5, params={"name": "<b>"})]
    body = top(shown_study(trials, resume_command="python train.py -m name=a,b")).body
    assert "<details><summary>Commands" in body
    assert "&lt;b&gt;" in body
    assert "<b>" not in body
