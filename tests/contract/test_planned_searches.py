"""Each search of conf/search with stages plans over each space of conf/space, and over what is typed alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from choices import CHOICES, CONF, needed
from hydra import initialize_config_dir
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from optuna.pruners import BasePruner
from optuna.trial import FrozenTrial, create_trial

from tunesmith.cli import register_resolvers
from tunesmith.search.attribute_names import STAGE
from tunesmith.search.sampling.buildable import check_arguments
from tunesmith.search.settings import read_settings
from tunesmith.search.space.dimension import Params
from tunesmith.search.space.space import Space, parse_space
from tunesmith.search.stages.best import has_value
from tunesmith.search.stages.key_scale import levels
from tunesmith.search.stages.stage import Stage
from tunesmith.search.stages.staged_plan import StagedPlan, make_plan
from tunesmith.search.stages.varied import to_params

RECIPES = [
    choice
    for group, choice in CHOICES
    if group == "search" and "stages:" in (CONF / f"search/{choice}.yaml").read_text()
]
# A plain space, and one with conditions.
QUICK = ("mlp", "optimizer")
TYPED_ALONE = "what is typed"
SPACES = [choice for group, choice in CHOICES if group == "space" and choice not in ("none", "supervised")]
MODELS = {choice for group, choice in CHOICES if group == "model"}
TYPED = ["space=none", "optimizer.lr=tag(log,interval(1e-4,1))", "data.batch_size=8,64,512"]


@pytest.fixture(scope="module")
def sweep() -> Iterator[Sweep]:
    """Composes the config of a sweep, and its plan over a space, each once."""
    register_resolvers()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        yield Sweep(hydra.config_loader)


class Sweep:
    def __init__(self, loader: ConfigLoader) -> None:
        self._loader = loader
        self.config = cache(self._config)
        self.space = cache(self._space)
        self.plan = cache(self._plan)

    def _config(self, *typed: str) -> DictConfig:
        return self._loader.load_configuration("train", list(typed), run_mode=RunMode.MULTIRUN)

    def _space(self, *typed: str) -> Space:
        config = self.config(*typed)
        swept = [text for text in typed if not text.startswith("space=")]
        params = OmegaConf.to_container(config.hydra.sweeper.params)
        assert isinstance(params, dict)
        return parse_space({str(key): each for key, each in params.items()}, swept, self._loader, config)

    def _plan(self, *typed: str) -> StagedPlan:
        config = self.config(*typed)
        given = {str(key): value for key, value in config.hydra.sweeper.items() if not str(key).startswith("_")}
        return make_plan(read_settings(given, config), self.space(), self._loader, config)

    def plan_over(self, space: Space, *typed: str) -> StagedPlan:
        """Return a plan over another space, with the configs of the one over the default space."""
        plan = self.plan(*typed)
        config = self.config(*typed)
        return replace(make_plan(plan.settings, space, self._loader, config), configs=plan.configs)


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize(
    "space",
    [*(space if space in QUICK else pytest.param(space, marks=pytest.mark.slow) for space in SPACES), TYPED_ALONE],
)
def test_each_stage_is_planned_from_the_trials_before_it(sweep: Sweep, recipe: str, space: str, tmp_path: Path) -> None:
    plan = sweep.plan_over(sweep.space(*beside(space, tmp_path)), f"search={recipe}")
    assert sum(plan.shares.values()) <= plan.settings.n_trials
    trials: list[FrozenTrial] = []
    for index, name in enumerate(plan.names):
        stage = plan.stage(index, trials)
        assert stage.name == name
        assert stage.remarks == ()
        assert 1 <= stage.n_trials <= plan.shares[name]
        check_arguments("pruner", BasePruner, stage.pruner)
        points = run(stage)
        assert all(lies_in(plan.space, {**stage.held, **point}) for point in points)
        for point in points:
            trials.append(ended(stage, {**stage.held, **point}, plan.space, number=len(trials)))


def beside(space: str, folder: Path) -> list[str]:
    """Return what is typed for a space: the model or learner of its name, or what its file says."""
    if space not in SPACES:
        return TYPED
    named = [f"{group}={choice}" for group, choice in CHOICES if group in ("learner", "model") and choice == space]
    return [f"space={space}", *(needed("space", space, folder) or named)]


def run(stage: Stage) -> list[Params]:
    """Return points that the stage's trials may have: its own, and some of what its sampler draws from."""
    dimensions = stage.space.dimensions
    values = {name: levels(each, 3) for name, each in dimensions.items()}
    drawn = [{name: each[-1 - place % len(each)] for name, each in values.items()} for place in range(2)]
    return [*stage.points, *([] if stage.only_points else (to_params(point, dimensions) for point in drawn))]


def lies_in(space: Space, params: Params) -> bool:
    return all(any(has_value(each, params) for each in space.dimensions.values() if each.key == key) for key in params)


def ended(stage: Stage, params: Params, space: Space, number: int) -> FrozenTrial:
    own = {name: each for name, each in space.dimensions.items() if has_value(each, params)}
    trial = create_trial(
        value=1 + (number * 7 % 5),
        params={name: params[each.key] for name, each in own.items()},
        distributions={name: each.distribution for name, each in own.items()},
        user_attrs={STAGE: stage.name},
    )
    trial.number = number
    return trial


def test_every_recipe_says_what_it_does_and_what_it_costs() -> None:
    for recipe in RECIPES:
        header = (CONF / f"search/{recipe}.yaml").read_text().partition("defaults:")[0]
        assert f"# python train.py -m search={recipe}" in header
        assert "# Source: " in header
        assert "# cost: " in header


def test_the_nodes_of_stages_are_those_of_their_files(sweep: Sweep) -> None:
    plan = sweep.plan("search=workflow", "hydra/sweeper/pruner=hyperband", "trainer.max_epochs=7")
    pruners = {name: plan.stage(index, ()).pruner for index, name in enumerate(plan.names)}
    assert isinstance(pruners["final"], DictConfig)
    assert pruners["final"]._target_ == "optuna.pruners.NopPruner"
    assert pruners["random"].max_resource == 7
