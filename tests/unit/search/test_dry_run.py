"""The checks of a sweep before anything is recorded, and what a dry run shows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hydra.types import RunMode
from hydra_app import app_context
from omegaconf import DictConfig, OmegaConf
from optuna import Trial
from studies import prepared, settings_of

from tunesmith.errors import UserError
from tunesmith.search.dry_run import MAX_CHOICES, MAX_GROUP_COMBINATIONS, check_sweep, show_examples
from tunesmith.search.named_function import NamedEvaluation, NamedFunction
from tunesmith.search.settings import Settings
from tunesmith.search.space.compose import Composer
from tunesmith.search.space.space import Space, parse_space

SAMPLER = OmegaConf.create({"_target_": "optuna.samplers.RandomSampler", "seed": None})
PRUNER = OmegaConf.create({"_target_": "optuna.pruners.NopPruner"})


def settings(**changes: Any) -> Settings:
    values = {"sampler": SAMPLER, "pruner": PRUNER, "n_trials": 9, "seed": 0, "direction": "minimize"}
    return settings_of(**{**values, **changes})


@dataclass
class Composed:
    """A composer that keeps what it was asked for; `model` is a group."""

    params: list[dict[str, Any]] = field(default_factory=list)

    def compose(self, params: Mapping[str, Any], number: int, folder: str) -> DictConfig:
        self.params.append(dict(params))
        return OmegaConf.create(dict(params))

    def is_group(self, key: str) -> bool:
        return key in ("model", "other")


def check(space: Space, **changes: Any) -> list[dict[str, Any]]:
    composer, given = Composed(), settings(**changes)
    check_sweep(given, [prepared(space, given, composer)])
    return composer.params


def test_both_ends_of_each_dimension_are_composed() -> None:
    composed = check(parse_space({}, ["x=interval(0,1)", "n=range(1,5)", "k=a,b,c"]))
    assert {params["x"] for params in composed} == {0.0, 1.0}
    assert {params["n"] for params in composed} == {1, 5}
    assert {params["k"] for params in composed} == {"a", "b", "c"}
    assert len(composed) == 5  # all lower ends at once, then one other end each


def test_each_combination_of_groups_is_composed_with_the_ends() -> None:
    composed = check(parse_space({}, ["model=mlp,cnn", "x=interval(0,1)"]))
    pairs = {(params["model"], params["x"]) for params in composed}
    assert pairs == {(model, x) for model in ("mlp", "cnn") for x in (0.0, 1.0)}


def test_the_apps_own_check_sees_each_end() -> None:
    seen: list[float] = []

    def refuse_large(cfg: DictConfig) -> None:
        seen.append(cfg.x)
        if cfg.x > 0.5:
            raise UserError("x must be less than 0.5")

    with pytest.raises(UserError, match=r"^x must be less than 0\.5$"):
        check(parse_space({}, ["x=interval(0,1)"]), check=refuse_large)
    assert seen == [0.0, 1.0]


def test_what_the_apps_check_says_of_the_trials_is_printed_once_below_the_space(
    capsys: pytest.CaptureFixture[str],
) -> None:
    space = parse_space({}, ["x=interval(0,1)", "n=1,2"])
    given = settings(check=lambda cfg: "some are large" if cfg.x > 0.5 or cfg.n > 1 else None)
    stages = [prepared(space, given, Composed())]
    show_examples(given, stages, check_sweep(given, stages))
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(" ")[0] for line in lines[:5]] == ["space", "", "", "some", "dry"]
    assert lines[3] == "some are large"


def test_of_a_long_list_the_ends_and_a_spread_are_composed() -> None:
    composed = check(parse_space({}, [f"k={','.join(map(str, range(1500)))}"]))
    tried = sorted({params["k"] for params in composed})
    assert (len(tried), tried[0], tried[-1]) == (MAX_CHOICES, 0, 1499)
    assert max(later - earlier for earlier, later in pairwise(tried)) == 100


def test_of_many_combinations_of_groups_each_choice_is_composed() -> None:
    names = [f"c{number}" for number in range(30)]
    composed = check(parse_space({}, [f"model={','.join(names)}", "other=a,b,c"]))
    assert {params["model"] for params in composed} == set(names)
    assert {params["other"] for params in composed} == {"a", "b", "c"}
    assert len(composed) == MAX_GROUP_COMBINATIONS


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        pytest.param("val/acc", "val/loss", r"^objective\.metric must be .*; got val/acc and val/loss: ", id="metrics"),
        pytest.param("val/acc", "val/f1", r"^objective\.metric must be .*; got val/acc and val/f1: ", id="of one mode"),
    ],
)
def test_trials_of_one_study_have_one_objective(first: str, second: str, message: str) -> None:
    space = parse_space({}, [f"metric={first},{second}"])
    given, composer = settings(check=lambda cfg: None), ObjectiveComposed()
    with pytest.raises(UserError, match=message):
        check_sweep(given, [prepared(space, given, composer)])


class ObjectiveComposed(Composed):
    """A composer whose configs have an objective of the swept metric."""

    def compose(self, params: Mapping[str, Any], number: int, folder: str) -> DictConfig:
        mode = "${mode_of:${objective.metric}}"
        return OmegaConf.create({"objective": {"metric": params["metric"], "mode": mode}})


def test_a_key_that_one_choice_lacks_and_nobody_typed_is_told_with_its_space(tmp_path: Path) -> None:
    sweeps = {"units": "1,2"}
    message = (
        "units is varied by hydra.sweeper.params, but there is no such key with model=linear: leave it out, or give "
        "each choice a sweep of its own"
    )
    (tmp_path / "model").mkdir()
    for name, content in (("mlp", "units: 8"), ("linear", "bias: true")):
        (tmp_path / "model" / f"{name}.yaml").write_text(f"# @package _global_\n{content}\n")
    with app_context(tmp_path, "defaults:\n  - model: mlp\n  - override hydra/sweeper: tunesmith\n") as context:
        master = context.config_loader.load_configuration("app", [], RunMode.MULTIRUN)
        space = parse_space(sweeps, ["model=mlp,linear"], context.config_loader)
        composer, given = Composer(context.config_loader, master, space), settings(params=sweeps)
        with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
            check_sweep(given, [prepared(space, given, composer, master)])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"storage": "no url"}, r"^hydra\.sweeper\.storage must be null or a database's URL"),
        ({"pruner": OmegaConf.create({"_target_": "optuna.pruners.Foo"})}, r"^hydra\.sweeper\.pruner\._target_ must"),
        ({"sampler": OmegaConf.create({"_target_": "optuna.samplers.Foo"})}, r"^hydra\.sweeper\.sampler\._target_ "),
    ],
    ids=["storage", "pruner", "sampler"],
)
def test_settings_that_cannot_be_used_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        check(parse_space({}, ["x=interval(0,1)"]), **changes)


def test_a_stage_whose_pruner_cannot_be_used_is_named() -> None:
    given = settings()
    first = prepared(parse_space({}, ["x=interval(0,1)"]), given, Composed())
    first.stage = replace(first.stage, name="wide", pruner=OmegaConf.create({"_target_": "optuna.pruners.Foo"}))
    with pytest.raises(UserError, match=r"^stage wide: hydra\.sweeper\.pruner\._target_ must"):
        check_sweep(given, [first])


@pytest.mark.parametrize(
    ("typed", "number"), [("x=interval(0,1)", 5), ("x=1,2,3", 3)], ids=["an infinite space", "three points"]
)
def test_a_dry_run_shows_some_configurations(typed: str, number: int, capsys: pytest.CaptureFixture[str]) -> None:
    space, given = parse_space({}, [typed]), settings()
    show_examples(given, [prepared(space, given, Composed())])
    shown = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  x=")]
    assert len(shown) == len(set(shown)) == number


# functions of the user's


@pytest.mark.parametrize("key", ["on_start", "on_finish"])
def test_functions_that_are_called_later_are_looked_for(key: str) -> None:
    function = NamedEvaluation("math.sqroot") if key == "on_finish" else NamedFunction(key, "math.sqroot")
    with pytest.raises(UserError, match=rf"^hydra\.sweeper\.{key} must be the path of a function; got 'math.sqroot'"):
        check(parse_space({}, ["x=1,2"]), **{key: function})


def test_what_the_users_function_suggests_is_composed_and_checked() -> None:
    def suggest(config: DictConfig, trial: Trial) -> None:
        trial.suggest_int("depth", 3, 3)

    def refuse(config: DictConfig) -> None:
        if "depth" in config:
            raise UserError(f"depth must be less; got {config.depth}")

    space = replace(parse_space({}, ["x=1,2"]), is_open=True)
    assert check(space, custom_search_space=suggest)[-1]["depth"] == 3
    with pytest.raises(UserError, match=r"^depth must be less; got 3$"):
        check(space, custom_search_space=suggest, check=refuse)
