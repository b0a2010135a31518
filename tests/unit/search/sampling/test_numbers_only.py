"""What CMA-ES leaves to random draws."""

from __future__ import annotations

import pytest
from omegaconf import OmegaConf

from tunesmith.errors import UserError
from tunesmith.search.sampling.numbers_only import NUMBERS_ONLY, describe_random_keys
from tunesmith.search.space.space import parse_space

CMAES = OmegaConf.create({"_target_": NUMBERS_ONLY})
NUMBERS = ["x=interval(0,1)", "n=int(interval(1,9))", "s=range(1,9,2)"]


def test_numbers_alone_need_no_line() -> None:
    assert describe_random_keys(CMAES, parse_space({}, NUMBERS)) is None


def test_keys_with_choices_are_named() -> None:
    line = describe_random_keys(CMAES, parse_space({}, [*NUMBERS, "a=1,2", "b=u,v"]))
    assert line is not None
    assert line.startswith("cmaes draws a, b at random, as CMA-ES takes numbers and no choices")


def test_a_space_of_choices_alone_is_refused() -> None:
    with pytest.raises(UserError, match=r"^hydra/sweeper/sampler=cmaes needs numbers; got choices for a, b: write"):
        describe_random_keys(CMAES, parse_space({}, ["a=1,2", "b=u,v"]))


def test_other_samplers_take_choices() -> None:
    tpe = OmegaConf.create({"_target_": "optuna.samplers.TPESampler"})
    assert describe_random_keys(tpe, parse_space({}, ["a=1,2"])) is None
