"""A sampler or pruner that would fail in a study fails before there is one, whoever wrote it."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from omegaconf import DictConfig, OmegaConf
from optuna import Study
from optuna.pruners import MedianPruner, NopPruner
from optuna.samplers import RandomSampler, TPESampler
from optuna.trial import FrozenTrial
from studies import settings_of, stage_of

from tunesmith.errors import UserError
from tunesmith.search.sampling.tryout import try_search
from tunesmith.search.space.space import Space, parse_space

SPACE = parse_space({}, ["x=interval(0,1)", "n=range(1,9)", "k=a,b"])
NUMBERS = parse_space({}, ["x=interval(0,1)", "y=interval(0,1)"])


class OfTheThirdTrial(RandomSampler):
    """Works as long as there is nothing to learn from."""

    def sample_relative(self, study: Study, trial: FrozenTrial, search_space: dict[str, Any]) -> dict[str, Any]:
        if len(study.get_trials(deepcopy=False)) > 3:
            raise KeyError("x")
        return {}


class Forgetful(RandomSampler):
    def after_trial(self, study: Study, trial: FrozenTrial, state: Any, values: Any) -> None:
        raise RuntimeError("no room")


class Divides(MedianPruner):
    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        return 1 / 0 > 1


class Patient(TPESampler):
    """Begins to learn after many trials, as its argument says."""

    def __init__(self, seed: int | None = None, n_startup_trials: int = 1000) -> None:
        super().__init__(seed=seed, n_startup_trials=n_startup_trials, gamma=lambda n: "many")  # type: ignore[arg-type, return-value]


def node(target: type | str, **arguments: Any) -> DictConfig:
    path = target if isinstance(target, str) else f"{target.__module__}.{target.__qualname__}"
    return OmegaConf.create({"_target_": path, **arguments})


NOP, RANDOM = node(NopPruner), node(RandomSampler)


def try_both(sampler: Any = RANDOM, pruner: Any = NOP, space: Space = SPACE, **settings: Any) -> None:
    given = {"n_trials": 50, "seed": 0, "direction": "minimize", **settings}
    settings = settings_of(sampler=sampler, pruner=pruner, **given)
    try_search(settings, stage_of(space, settings))


@pytest.mark.parametrize(
    ("sampler", "pruner", "message"),
    [
        pytest.param(
            OfTheThirdTrial, NopPruner, r"sampler must work in a trial; got .*KeyError: 'x' \(test_tryout", id="a draw"
        ),
        pytest.param(
            Forgetful, NopPruner, r"sampler must work in a trial; got .*RuntimeError: no room \(", id="a tell"
        ),
        pytest.param(
            Patient, NopPruner, r"sampler must work in a trial; got .*TypeError: ", id="after its first trials"
        ),
        pytest.param(RandomSampler, Divides, r"pruner must work in a trial; got .*ZeroDivisionError: ", id="a report"),
    ],
)
def test_what_raises_is_named_with_its_line(sampler: type, pruner: type, message: str) -> None:
    with pytest.raises(UserError, match=rf"^hydra\.sweeper\.{message}"):
        try_both(node(sampler), node(pruner))


@pytest.mark.parametrize(
    "sampler", ["TPESampler", "NSGAIISampler", "NSGAIIISampler", "QMCSampler", "GPSampler", "RandomSampler"]
)
@pytest.mark.parametrize("space", [SPACE, NUMBERS, parse_space({}, [])], ids=["mixed", "numbers", "a function's"])
def test_optunas_samplers_pass(sampler: str, space: Space) -> None:
    try_both(node(f"optuna.samplers.{sampler}"), space=space if space.dimensions else Space({}, (), is_open=True))


def test_what_needs_numbers_is_tried_past_a_generation() -> None:
    try_both(node("optuna.samplers.CmaEsSampler", popsize=50), space=NUMBERS)


@pytest.mark.parametrize(
    "pruner",
    [
        node("optuna.pruners.MedianPruner", n_startup_trials=500),
        node("optuna.pruners.SuccessiveHalvingPruner"),
        node("optuna.pruners.HyperbandPruner", max_resource="auto", bootstrap_count=3),
        node("optuna.pruners.PatientPruner", wrapped_pruner=None, patience=2),
        node("optuna.pruners.PatientPruner", wrapped_pruner={"_target_": "optuna.pruners.MedianPruner"}, patience=0),
        node("optuna.pruners.ThresholdPruner", upper=0.1),
        node("optuna.pruners.WilcoxonPruner"),
        node("optuna.pruners.PercentilePruner", percentile=25.0),
    ],
    ids=lambda config: str(config["_target_"]).rpartition(".")[2],
)
@pytest.mark.parametrize("direction", ["minimize", "max"])
def test_optunas_pruners_pass(pruner: DictConfig, direction: str) -> None:
    try_both(node("optuna.samplers.TPESampler"), pruner, direction=direction)


def test_a_space_that_is_enumerated_needs_no_sampler() -> None:
    try_both(node(Forgetful), space=parse_space({}, ["k=a,b"]))
    with pytest.raises(UserError, match=r"^hydra\.sweeper\.pruner must work in a trial; "):
        try_both(node(Forgetful), node(Divides), space=parse_space({}, ["k=a,b"]))


class Counting(RandomSampler):
    def __init__(self) -> None:
        super().__init__(seed=0)
        self.seen: list[str] = []

    def sample_independent(self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: Any) -> Any:
        self.seen.append(param_name)
        return super().sample_independent(study, trial, param_name, param_distribution)


def test_an_object_keeps_its_draws() -> None:
    sampler = Counting()
    try_both(sampler, MedianPruner())
    assert sampler.seen == []


def test_what_optuna_says_of_the_trials_is_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("optuna")
    level = logger.level
    try_both(node("optuna.samplers.CmaEsSampler"))  # warns of a choice, which it cannot search
    assert caplog.records == []
    assert logger.level == level
