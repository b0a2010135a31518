"""The section parameters: which figures there are, and what it says if there are none."""

from __future__ import annotations

import math
from typing import Any

import pytest
from optuna.distributions import FloatDistribution
from shown import random_trials, shown_study, shown_trial

from tunesmith.insight.pages.drawn_trials import MAX_TRIALS
from tunesmith.insight.pages.page import Section, to_html
from tunesmith.insight.pages.parameters import MAX_FIGURES, parameters
from tunesmith.insight.pages.study_facts import StudyFacts, TrialFacts


def ids(section: Section) -> list[str]:
    return [figure.id for figure in section.figures]


def test_the_most_important_parameter_comes_first_and_colours_the_second() -> None:
    section = parameters(shown_study(random_trials(60), {"lr": FloatDistribution(0.0, 1.0)}))
    assert "apart from all of them, by PED-ANOVA: lr by " in section.body
    assert ids(section) == ["importances", "contour", "value-0", "value-1", "value-2", "parallel"]
    titles = [figure.spec["layout"]["xaxis"]["title"]["text"] for figure in section.figures[2:5]]
    assert titles[0] == "lr"
    assert section.figures[3].spec["layout"]["coloraxis"]["colorbar"]["title"]["text"] == "lr"
    assert section.figures[2].spec["layout"]["coloraxis"]["colorbar"]["title"]["text"] == titles[1]


@pytest.mark.parametrize(
    ("trials", "words"),
    [
        (random_trials(9), "fewer than 10 trials say nothing, and 9 have a value"),
        ([shown_trial(n, float(n), params={"lr": n}) for n in range(20)], "fewer than two took several values"),
        ([shown_trial(n, 1.0, params={"lr": n, "a": n}) for n in range(20)], "all trials have the same value"),
    ],
    ids=["few trials", "one parameter", "equal values"],
)
def test_it_says_why_there_are_no_importances(trials: list[TrialFacts], words: str) -> None:
    section = parameters(shown_study(trials))
    assert f"There are no importances: {words}" in section.body.replace("they compare parameters, and ", "")
    assert "importances" not in ids(section)
    assert "value-0" in ids(section)


@pytest.mark.parametrize(
    "trials",
    [
        [],
        [shown_trial(0, 1.0, params={"lr": 0.1})],
        [shown_trial(n, 1.0, params={"lr": 0.1}) for n in range(20)],
        [shown_trial(n, None, "running", params={"lr": n}) for n in range(20)],
    ],
    ids=["no trial", "one trial", "one value", "none has ended"],
)
def test_if_nothing_varied_it_says_so(trials: list[TrialFacts]) -> None:
    section = parameters(shown_study(trials))
    assert "No parameter took several values in trials that ended." in section.body
    assert ids(section) == []


def test_failed_trials_alone_are_drawn() -> None:
    trials = [shown_trial(n, None, "failed", params={"lr": n / 10}, reason="a bug") for n in range(5)]
    assert ids(parameters(shown_study(trials))) == ["value-0"]


def test_of_many_parameters_the_first_have_a_figure_and_the_others_are_counted() -> None:
    trials = [
        shown_trial(n, float(n), params={f"key_{place}": (n * place) % 41 for place in range(1, 41)}) for n in range(30)
    ]
    section = parameters(shown_study(trials))
    assert sum(name.startswith("value-") for name in ids(section)) == MAX_FIGURES
    assert "28 less important parameters have no figure; they are in trials.csv." in section.body


def test_importances_are_of_all_trials_though_some_are_drawn() -> None:
    section = parameters(shown_study(random_trials(MAX_TRIALS + 100)))
    assert f"the best tenth of {MAX_TRIALS + 100} trials" in section.body
    assert f"{MAX_TRIALS} of {MAX_TRIALS + 100} ranked trials are drawn" in section.body


def test_of_several_objectives_the_first_is_shown() -> None:
    facts = shown_study(random_trials(20), modes=("min", "max"), others=("val/acc",))
    assert "Of several objectives, this section shows the first, val/loss." in parameters(facts).body


def hostile() -> StudyFacts:
    values: list[Any] = ["</script><script>alert(1)</script>", "<img src=x>", 'a "b"', [1, [2]], None, True]
    trials = [
        shown_trial(
            n, [1.0, math.nan, math.inf, 2.0][n % 4], params={"<b>key</b>": values[n % 6], "lr": n}, reason="<i>"
        )
        for n in range(40)
    ]
    return shown_study(trials)


def test_names_and_values_of_a_study_are_no_markup() -> None:
    page = to_html("page", [parameters(hostile())])
    body = page[page.index("<main>") : page.index("</main>")]
    assert all(markup not in body for markup in ("<script>alert", "<img", "<b>key", "<i>"))
