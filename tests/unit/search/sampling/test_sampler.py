"""Samplers and pruners: enumeration of finite spaces, draws that are never repeated, arguments that do not fit."""

from __future__ import annotations

import re
from typing import Any

import optuna
import pytest
from omegaconf import DictConfig, OmegaConf
from optuna import Study
from optuna.pruners import HyperbandPruner, MedianPruner, NopPruner, PatientPruner, ThresholdPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.storages import InMemoryStorage

from tunesmith.errors import UserError
from tunesmith.search.sampling.enumeration import Enumeration
from tunesmith.search.sampling.sampler import make_pruner, make_sampler
from tunesmith.search.space.space import Space, parse_space
from tunesmith.search.study.scope import Scope
from tunesmith.search.study.study import open_study

FINITE = parse_space({}, ["a=1,2", "b=range(0.1,0.3,step=0.1)"])
INFINITE = parse_space({}, ["a=1,2", "x=interval(0,1)", "y=interval(0,1)"])
POINTS = [(1, 0.1), (1, 0.2), (1, 0.3), (2, 0.1), (2, 0.2), (2, 0.3)]


def target(path: str, **arguments: Any) -> DictConfig:
    return OmegaConf.create({"_target_": f"optuna.{path}", **arguments})


TPE = target("samplers.TPESampler", seed=None)
GRID, BRUTE_FORCE = target("samplers.GridSampler"), target("samplers.BruteForceSampler")


def study_with(sampler: BaseSampler, space: Space = FINITE, storage: InMemoryStorage | None = None) -> Study:
    scope = Scope(space, is_enumerated=isinstance(sampler, Enumeration))
    study = open_study(storage or InMemoryStorage(), "study", "min", NopPruner(), scope)
    study.sampler = sampler
    return study


def draw(study: Study, space: Space, n: int) -> list[tuple[Any, ...]]:
    """Run n trials; return their values."""
    drawn = []
    for _ in range(n):
        trial = study.ask()
        drawn.append(tuple(dimension.suggest(trial) for dimension in space.dimensions.values()))
        study.tell(trial, 0.5)
    return drawn


def draws(seed: int | None, config: DictConfig = TPE, so_far: int = 0, n: int = 5) -> list[tuple[Any, ...]]:
    sampler = make_sampler(config, INFINITE, n_trials=100, seed=seed, first_trial=so_far)
    return draw(study_with(sampler, INFINITE), INFINITE, n)


# a finite space


@pytest.mark.parametrize(
    ("config", "n_trials"),
    [
        pytest.param(TPE, 6, id="a budget for all points"),
        pytest.param(TPE, 50, id="a budget for more"),
        pytest.param(GRID, 2, id="grid"),
        pytest.param(BRUTE_FORCE, 2, id="bruteforce"),
    ],
)
def test_a_finite_space_is_enumerated_in_order(config: DictConfig, n_trials: int) -> None:
    study = study_with(make_sampler(config, FINITE, n_trials, seed=0, first_trial=0))
    assert draw(study, FINITE, 6) == POINTS


def test_more_points_than_trials_are_drawn_from() -> None:
    sampler = make_sampler(TPE, FINITE, n_trials=5, seed=0, first_trial=0)
    assert isinstance(sampler, TPESampler)


@pytest.mark.parametrize(("config", "name"), [(GRID, "grid"), (BRUTE_FORCE, "bruteforce")], ids=["grid", "bruteforce"])
def test_an_interval_cannot_be_enumerated(config: DictConfig, name: str) -> None:
    message = f"hydra/sweeper/sampler={name} needs choices or ranges; got an interval for x, y"
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        make_sampler(config, INFINITE, n_trials=5, seed=0, first_trial=0)


# draws


def test_the_same_seed_draws_the_same() -> None:
    assert draws(seed=0) == draws(seed=0)


def test_another_seed_draws_something_else() -> None:
    assert draws(seed=0) != draws(seed=1)


def test_without_a_seed_no_draw_is_the_same() -> None:
    assert draws(seed=None) != draws(seed=None)


def test_the_samplers_own_seed_comes_first() -> None:
    assert draws(seed=3, config=target("samplers.TPESampler", seed=0)) == draws(seed=0)


def test_a_study_that_goes_on_repeats_no_draw() -> None:
    assert not set(draws(seed=0)) & set(draws(seed=0, so_far=5))


def test_a_study_goes_on_the_same_each_time() -> None:
    assert draws(seed=0, so_far=5) == draws(seed=0, so_far=5)


def test_a_quasi_random_sequence_goes_on_where_it_was() -> None:
    config, storage = target("samplers.QMCSampler", scramble=True), InMemoryStorage()
    whole = draw(study_with(make_sampler(config, INFINITE, 100, 0, 0), INFINITE), INFINITE, 8)
    halves = [
        draw(study_with(make_sampler(config, INFINITE, 100, 0, so_far), INFINITE, storage), INFINITE, 4)
        for so_far in (0, 4)
    ]
    assert halves[0] + halves[1] == whole


def test_a_sampler_that_is_built_already_is_taken_as_it_is() -> None:
    sampler = RandomSampler(seed=0)
    assert make_sampler(sampler, INFINITE, n_trials=5, seed=1, first_trial=0) is sampler


def test_a_chosen_experimental_sampler_is_not_warned_of() -> None:
    config = target("samplers.QMCSampler")
    assert isinstance(make_sampler(config, INFINITE, 5, 0, 0), optuna.samplers.QMCSampler)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        pytest.param(
            target("samplers.TPESampler", n_startup_trial=3),
            "hydra.sweeper.sampler.n_startup_trial: there is no such key; did you mean n_startup_trials? options: ",
            id="an unknown argument",
        ),
        pytest.param(
            target("samplers.TPESampler", seed=-1),
            "hydra.sweeper.sampler.seed must be an integer in [0, 2**32), or null; got -1",
            id="a seed below zero",
        ),
        pytest.param(
            target("samplers.Foo"), "hydra.sweeper.sampler._target_ must be the path of a class; ", id="a typo"
        ),
        pytest.param(
            target("pruners.NopPruner"),
            "hydra.sweeper.sampler._target_ must be one of Optuna's samplers; got 'optuna.pruners.NopPruner'",
            id="a pruner",
        ),
    ],
)
def test_a_sampler_that_cannot_be_built_is_refused(config: DictConfig, message: str) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(message)}"):
        make_sampler(config, INFINITE, n_trials=5, seed=0, first_trial=0)


# pruners


@pytest.mark.parametrize(
    ("config", "pruner"),
    [
        pytest.param(target("pruners.MedianPruner"), MedianPruner, id="no argument"),
        pytest.param(target("pruners.MedianPruner", n_warmup_steps=5), MedianPruner, id="an argument"),
        pytest.param(
            target("pruners.ThresholdPruner", lower=None, upper=1.0), ThresholdPruner, id="null for an option"
        ),
        pytest.param(target("pruners.MedianPruner", n_min_trials=None), MedianPruner, id="null for Optuna's default"),
        pytest.param(
            target("pruners.PatientPruner", patience=1, wrapped_pruner=target("pruners.MedianPruner")),
            PatientPruner,
            id="one in another",
        ),
    ],
)
def test_a_pruner_is_built(config: DictConfig, pruner: type) -> None:
    assert type(make_pruner(config)) is pruner


def test_a_pruners_arguments_arrive() -> None:
    study = optuna.create_study(pruner=make_pruner(target("pruners.ThresholdPruner", lower=None, upper=1.0)))
    trial = study.ask()
    trial.report(2.0, 1)
    assert trial.should_prune()


def test_a_value_of_the_config_can_be_referred_to() -> None:
    config = OmegaConf.create({"epochs": 9, "pruner": target("pruners.HyperbandPruner", max_resource="${epochs}")})
    pruner = make_pruner(config.pruner)
    assert isinstance(pruner, HyperbandPruner)
    assert pruner._max_resource == 9


def test_a_pruner_that_is_built_already_is_taken_as_it_is() -> None:
    pruner = NopPruner()
    assert make_pruner(pruner) is pruner


@pytest.mark.parametrize(
    ("config", "message"),
    [
        pytest.param(
            target("pruners.MedianPruner", n_warmup=5),
            "hydra.sweeper.pruner.n_warmup: there is no such key; did you mean n_warmup_steps? "
            "options: interval_steps, n_min_trials, n_startup_trials, n_warmup_steps",
            id="an unknown argument",
        ),
        pytest.param(
            target("pruners.MedianPruner", n_startup_trials=-1),
            "hydra.sweeper.pruner.n_startup_trials must be an integer >= 0, or null; got -1",
            id="a value that does not fit",
        ),
        pytest.param(
            target("pruners.ThresholdPruner", lower=None, upper=None),
            "hydra.sweeper.pruner must be buildable; got {'_target_': 'optuna.pruners.ThresholdPruner', 'lower': None",
            id="an argument that is missing",
        ),
    ],
)
def test_a_pruner_that_cannot_be_built_is_refused(config: DictConfig, message: str) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(message)}"):
        make_pruner(config)


OFFICIAL_TPE = {
    "consider_prior": True,
    "prior_weight": 1.0,
    "consider_magic_clip": True,
    "consider_endpoints": False,
    "n_startup_trials": 10,
    "n_ei_candidates": 24,
    "multivariate": False,
    "warn_independent_sampling": True,
}
OFFICIAL_CMAES = {
    "x0": None,
    "sigma0": None,
    "restart_strategy": None,
    "inc_popsize": 2,
    "consider_pruned_trials": False,
}


@pytest.mark.parametrize(
    "config",
    [target("samplers.TPESampler", **OFFICIAL_TPE), target("samplers.CmaEsSampler", **OFFICIAL_CMAES)],
    ids=["tpe", "cmaes"],
)
def test_what_the_official_plugin_spells_out_is_no_warning(config: DictConfig) -> None:
    make_sampler(config, INFINITE, n_trials=5, seed=0, first_trial=0)


def test_another_value_than_the_official_plugins_reaches_optuna() -> None:
    with pytest.warns(FutureWarning, match="prior_weight"):
        make_sampler(target("samplers.TPESampler", prior_weight=2.0), INFINITE, n_trials=5, seed=0, first_trial=0)
