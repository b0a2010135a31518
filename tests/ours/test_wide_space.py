"""Our widest space over real composition: what is drawn composes, and sets no key that is inactive."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from choices import CONF
from hydra import initialize_config_dir
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import OmegaConf
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from tunesmith.checks import check_config
from tunesmith.cli import register_resolvers
from tunesmith.search.space.dimension import Dimension
from tunesmith.search.space.per_choice import find_space

NUM_DRAWS = 200


@pytest.fixture
def loader() -> Iterator[ConfigLoader]:
    register_resolvers()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        yield hydra.config_loader


def draw(dimension: Dimension, rng: random.Random) -> Any:
    match dimension.distribution:
        case CategoricalDistribution(choices=choices):
            return rng.choice(choices)
        case IntDistribution(low=low, high=high):
            return rng.randint(low, high)
        case FloatDistribution(low=low, high=high):
            return rng.uniform(low, high)
    raise AssertionError(dimension)


@pytest.mark.slow
@pytest.mark.parametrize("typed", [["space=wide"], ["model=mlp,cnn", "optimizer=adam,sgd,rmsprop"]], ids=" ".join)
def test_each_configuration_composes_and_sets_only_keys_that_it_has(loader: ConfigLoader, typed: list[str]) -> None:
    typed = [*typed, "++trainer.accelerator=cpu"]
    master = loader.load_configuration("train", typed, run_mode=RunMode.MULTIRUN)
    params = OmegaConf.to_container(master.hydra.sweeper.params)
    assert isinstance(params, dict)
    space, composer = find_space(params, typed, loader, master, is_open=False)  # type: ignore[arg-type]
    rng = random.Random(0)
    for number in range(NUM_DRAWS):
        drawn = {dimension.key: draw(dimension, rng) for dimension in space.dimensions.values()}  # inactive ones, too
        config = composer.compose(drawn, number, str(number))
        check_config(config)
        assert ("momentum" in config.optimizer and "optimizer.momentum" in str(config.hydra.overrides.task)) == (
            config.hydra.runtime.choices.optimizer == "sgd" and typed[0] == "space=wide"
        )
        assert ("kernel_size" in config.model) == (config.hydra.runtime.choices.model == "cnn")
