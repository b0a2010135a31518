"""The values of a trial: drawn from the space, and by the user's own function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from omegaconf import DictConfig, OmegaConf
from optuna import Study, Trial
from optuna.samplers import RandomSampler, TPESampler
from studies import asked, opened, settings_of, stage_of

from tunesmith.errors import UserError
from tunesmith.search.sampling.enumeration import Enumeration
from tunesmith.search.sampling.param_sampler import ParamSampler
from tunesmith.search.space.space import Space, parse_space

CONFIG = OmegaConf.create({"width": 4})
RANDOM = OmegaConf.create({"_target_": "optuna.samplers.RandomSampler", "seed": None})


def sampler_of(
    space: Space, custom: Callable[..., None] | None = None, n_trials: int = 9, config: DictConfig = RANDOM
) -> ParamSampler:
    settings = settings_of(sampler=config, n_trials=n_trials, seed=0, custom_search_space=custom)
    return ParamSampler(settings, stage_of(replace(space, is_open=custom is not None), settings), CONFIG)


@pytest.fixture
def study() -> Study:
    return opened()


def test_a_trial_gets_a_value_of_each_dimension(study: Study) -> None:
    space = parse_space({}, ["x=interval(0,1)", "y=a,b", "z=3"])
    trial = asked(study)
    params = sampler_of(space).draw(trial)
    assert params == trial.params
    assert list(params) == ["x", "y"]
    assert 0 <= params["x"] <= 1
    assert params["y"] in ("a", "b")


def test_the_sampler_is_made_once_for_the_first_trials_number(study: Study) -> None:
    space = parse_space({}, ["x=interval(0,1)"])
    draws = []
    for number in (0, 3):  # another process, whose first trial is the fourth
        sampler = sampler_of(space)
        while len(study.trials) <= number:
            trial = asked(study)
        draws.append(sampler.draw(trial)["x"])
        made = study.sampler
        assert isinstance(made, RandomSampler)
        draws.append(sampler.draw(asked(study))["x"])
        assert study.sampler is made
    assert len(set(draws)) == 4


def test_a_small_space_is_enumerated() -> None:
    space = parse_space({}, ["x=1,2,3"])
    study = opened(space=space)
    sampler = sampler_of(space, n_trials=3, config=OmegaConf.create({"_target_": "optuna.samplers.TPESampler"}))
    assert [sampler.draw(asked(study))["x"] for _ in range(3)] == [1, 2, 3]
    assert isinstance(study.sampler, Enumeration)


def suggest_depth(config: DictConfig, trial: Trial) -> None:
    trial.suggest_int("depth", 1, config.width)


def test_a_function_of_the_user_suggests_further_parameters(study: Study) -> None:
    params = sampler_of(parse_space({}, ["x=1,2"]), suggest_depth).draw(asked(study))
    assert list(params) == ["x", "depth"]
    assert 1 <= params["depth"] <= CONFIG.width


def test_a_space_with_a_function_of_the_user_is_not_enumerated(study: Study) -> None:
    space = parse_space({}, ["x=1,2"])
    tpe = OmegaConf.create({"_target_": "optuna.samplers.TPESampler", "seed": None})
    sampler = sampler_of(space, suggest_depth, config=tpe)
    assert isinstance(sampler.make_sampler(first_trial=0), TPESampler)


@pytest.mark.parametrize("typed", ["depth=3", "+depth=3"])
def test_a_function_that_suggests_what_was_typed_is_refused(study: Study, typed: str) -> None:
    sampler = sampler_of(parse_space({}, [typed]), suggest_depth)
    message = rf"^{typed.replace('+', chr(92) + '+')}: hydra.sweeper.custom_search_space suggests depth too; give one"
    with pytest.raises(UserError, match=message):
        sampler.draw(asked(study))
