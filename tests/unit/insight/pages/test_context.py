"""The sections data and space: what is recorded, and what is not."""

from __future__ import annotations

from typing import Any

import pytest
from shown import shown_study, shown_trial

from tunesmith.insight.pages.context import NOT_RECORDED, data, space
from tunesmith.insight.pages.study_facts import ParamFacts, StudyFacts

CONFIG: dict[str, Any] = {
    "seed": 3,
    "data": {"source": {"_target_": "a.Source", "_partial_": True}, "seed": "${seed}", "folds": None, "x": "${f:1}"},
    "hydra": {
        "sweeper": {
            "sampler": {"_target_": "optuna.samplers.TPESampler", "seed": None, "n_startup_trials": 5},
            "params": {"optimizer.lr": "tag(log, interval(1e-4, 1))", "width": {"sweep": "2", "when": {"a": 1}}},
            "n_trials": 30,
            "stages": [{"name": "wide", "n_trials": 20}, {"grid": 3}],
        },
        "overrides": {"task": ["model=mlp,cnn", "study_name=s"]},
    },
}


def cells(body: str, name: str) -> str:
    """What stands beside a name in a table, in its cells."""
    row = body.partition(f"<td>{name}</td>")[2].partition("</tr>")[0]
    return row.replace('<td class="number">', "|").replace("<td>", "|").replace("</td>", "").removeprefix("|")


def test_data_has_the_keys_of_the_config_and_the_record_of_the_best_trial() -> None:
    preparation = {
        "input_shape": [1, 8, 8],
        "classes": ["0", "<1>"],
        "columns": [],
        "fills": [0.0],
        "scale": [1.0, 2.0],
        "categories": {"3": ["a"]},
    }
    body = data(
        shown_study(
            [],
            config=CONFIG,
            best_result={"data_digest": "abc"},
            best_test={"samples": 360},
            preparation=preparation,
        )
    ).body
    assert cells(body, "digest of the data") == "abc"
    assert cells(body, "samples of the test part") == "360"
    assert cells(body, "shape of a sample") == "1 x 8 x 8"
    assert cells(body, "2 classes") == "0, &lt;1&gt;"
    assert cells(body, "missing values") == "filled in"
    assert cells(body, "features that are scaled") == "2"
    assert cells(body, "columns with categories") == "1"
    assert cells(body, "data.source._target_") == "a.Source"
    assert (cells(body, "data.seed"), cells(body, "data.folds"), cells(body, "data.x")) == ("3", "null", "${f:1}")
    assert "_partial_" not in body


def test_what_is_not_recorded_is_said() -> None:
    empty = StudyFacts("study")
    assert cells(data(empty).body, "digest of the data") == NOT_RECORDED
    assert cells(data(empty).body, "preparation") == NOT_RECORDED
    body = space(empty).body
    assert "No parameter varies." in body
    assert (cells(body, "hosts"), cells(body, "version of python")) == (NOT_RECORDED, NOT_RECORDED)


def test_space_has_ranges_values_and_conditions() -> None:
    params = [
        ParamFacts("optimizer.lr", True, 1e-4, 1.0),
        ParamFacts("model", choices=["mlp", "cnn"]),
        ParamFacts("width", choices=[2]),
        ParamFacts("unknown"),
    ]
    trials = [
        shown_trial(0, 1.0, params={"optimizer.lr": 0.01, "model": "mlp", "width": 2}, worker="alpha 0"),
        shown_trial(1, None, "failed", params={"optimizer.lr": 0.5}, worker="beta 1"),
        shown_trial(2, None, "running", params={"optimizer.lr": 0.9}),
    ]
    body = space(StudyFacts("study", trials=trials, params=params, config=CONFIG)).body
    assert cells(body, "optimizer.lr") == "0.0001 to 1|log|2|0.01 to 0.5|tag(log, interval(1e-4, 1))"
    assert cells(body, "model") == "mlp, cnn|choices|1|mlp|mlp,cnn"
    assert "when" in cells(body, "width")
    assert cells(body, "unknown") == f"{NOT_RECORDED}|linear|0|-|-"
    assert cells(body, "hosts") == "alpha, beta"


def test_space_names_sampler_settings_and_stages() -> None:
    facts = StudyFacts("study", config=CONFIG, results={"search": {"pruner": "MedianPruner"}})
    body = space(facts).body
    assert cells(body, "sampler") == "TPESampler(n_startup_trials=5)"
    assert cells(body, "pruner") == "MedianPruner"
    assert (cells(body, "n_trials"), cells(body, "stage wide"), cells(body, "stage 1")) == (
        "30",
        "n_trials=20",
        "grid=3",
    )


def test_versions_and_commit_are_those_of_the_best_trial() -> None:
    result = {"versions": {"torch": "2.13", "python": "3.11"}, "commit": "abc", "dirty": True, "seed": 0}
    body = space(StudyFacts("study", best_result=result)).body
    assert [cells(body, name) for name in ("version of torch", "version of python", "commit", "seed")] == [
        "2.13",
        "3.11",
        "abc",
        "0",
    ]
    assert cells(body, "files changed since the commit") == "true"


@pytest.mark.parametrize("config", [{"data": 3, "hydra": "x"}, {"hydra": {"sweeper": {"params": [], "stages": 3}}}])
def test_a_config_of_other_types_is_no_error(config: dict[str, Any]) -> None:
    facts = StudyFacts("study", config=config, params=[ParamFacts("a")], best_result={"versions": 3})
    assert "not recorded" in data(facts).body + space(facts).body


def test_the_sections_are_folded() -> None:
    assert [section(StudyFacts("study")).is_folded for section in (data, space)] == [True, True]


def test_many_choices_are_cut_and_counted() -> None:
    param = ParamFacts("a", choices=[str(number) for number in range(40)])
    assert cells(space(StudyFacts("study", params=[param])).body, "a").startswith(
        "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, "
    )
    assert "(40 choices)" in cells(space(StudyFacts("study", params=[param])).body, "a")


def test_the_data_are_those_of_the_best_trial_if_its_config_is_there() -> None:
    best = {"data": {"batch_size": 16, "seed": "${seed}"}, "seed": 3}
    config = {"data": {"batch_size": 64, "seed": "${seed}"}, "seed": 0}
    of_best = data(shown_study([], config=config, best_config=best)).body
    assert "What the best trial was trained on" in of_best
    assert (cells(of_best, "data.batch_size"), cells(of_best, "data.seed")) == ("16", "3")
    of_study = data(shown_study([], config=config)).body
    assert "the study&#x27;s config says" in of_study
    assert (cells(of_study, "data.batch_size"), cells(of_study, "data.seed")) == ("64", "0")
