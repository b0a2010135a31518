"""The checks of a sweep before anything is recorded, and what a dry run shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from omegaconf import DictConfig, OmegaConf
from studies import settings_of

from tunesmith.errors import UserError
from tunesmith.search.dry_run import check_sweep, show_examples
from tunesmith.search.sampling.param_sampler import ParamSampler
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
        return key == "model"


def check(space: Space, **changes: Any) -> list[dict[str, Any]]:
    composer, given = Composed(), settings(**changes)
    check_sweep(given, space, cast(Composer, composer), ParamSampler(given, space, OmegaConf.create()))
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


@pytest.mark.parametrize(
    ("typed", "number"), [("x=interval(0,1)", 5), ("x=1,2,3", 3)], ids=["an infinite space", "three points"]
)
def test_a_dry_run_shows_some_configurations(typed: str, number: int, capsys: pytest.CaptureFixture[str]) -> None:
    space, given = parse_space({}, [typed]), settings()
    show_examples(given, space, ParamSampler(given, space, OmegaConf.create()))
    shown = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  x=")]
    assert len(shown) == len(set(shown)) == number
