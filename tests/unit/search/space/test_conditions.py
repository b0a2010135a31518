"""Keys that vary in some trials only: what a condition may name, which keys are active, and what is never set."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hydra_app import app_context
from omegaconf import OmegaConf

from tunesmith.errors import UserError
from tunesmith.search.space.dimension import Params
from tunesmith.search.space.space import Space, parse_space

OPTIMIZER = {
    "optimizer": "choice(adam,adamw,sgd)",
    "lr": [
        {"sweep": "tag(log, interval(1e-2, 1e-1))", "when": {"optimizer": "sgd"}},
        {"sweep": "tag(log, interval(1e-4, 1e-2))", "when": {"optimizer": ["adam", "adamw"]}},
    ],
    "momentum": {"sweep": "interval(0.8, 0.99)", "when": {"optimizer": "sgd"}},
}
CHAIN = {
    "c": {"sweep": "range(1,3)", "when": {"b": "y", "a": 3}},
    "b": {"sweep": "choice(x,y)", "when": {"a": [2, 3]}},
    "a": "choice(1,2,3)",
    "d": "choice(p,q)",
}


def config(**values: Any) -> Any:
    choices = {"optimizer": "adam", "model": "mlp"}
    return OmegaConf.create({"hydra": {"runtime": {"choices": choices}}, "kind": "${base}", "base": "b", **values})


def draw(space: Space, rng: random.Random) -> dict[str, Any]:
    """Draw a trial's values as a sampler does: each key that is active beside the values before it."""
    params: dict[str, Any] = {}
    for dimension in space.dimensions.values():
        if dimension.is_active(params):
            params[dimension.key] = rng.choice(dimension.extremes())
    return params


def shown(space: Space) -> dict[str, str]:
    return {dimension.name: dimension.describe() for dimension in space.dimensions.values()}


def test_a_key_varies_beside_some_values_of_another() -> None:
    assert shown(parse_space(OPTIMIZER, [])) == {
        "optimizer": "adam, adamw, sgd",
        "lr#optimizer=sgd": "0.01 to 0.1, log scale  if optimizer=sgd",
        "lr#optimizer=adam|adamw": "0.0001 to 0.01, log scale  if optimizer=adam|adamw",
        "momentum": "0.8 to 0.99  if optimizer=sgd",
    }


@pytest.mark.parametrize(
    ("params", "overrides"),
    [
        ({"optimizer": "sgd", "lr": 0.05, "momentum": 0.9}, ["optimizer=sgd", "lr=0.05", "momentum=0.9"]),
        ({"optimizer": "adam", "lr": 0.05, "momentum": 0.9}, ["optimizer=adam", "lr=0.05"]),
        ({"momentum": 0.9, "optimizer": "adam"}, ["optimizer=adam"]),
        ({"momentum": 0.9}, ["momentum=0.9"]),  # nothing says that it is inactive
    ],
)
def test_an_inactive_key_is_not_set(params: Params, overrides: list[str]) -> None:
    space = parse_space(OPTIMIZER, [])
    assert space.overrides(params) == overrides
    assert space.job_overrides(params) == overrides


def test_each_key_stands_behind_those_that_its_conditions_name() -> None:
    assert list(parse_space(CHAIN, []).dimensions) == ["a", "b", "c", "d"]


def test_what_is_conditional_on_an_inactive_key_is_inactive() -> None:
    space = parse_space(CHAIN, [])
    active = [[each.key for each in space.active({"a": a, "b": b})] for a in (1, 2, 3) for b in "xy"]
    assert active == [["a", "d"]] * 2 + [["a", "b", "d"]] * 3 + [["a", "b", "c", "d"]]
    assert space.job_overrides({"a": 1, "b": "y", "c": 2, "d": "p"}) == ["a=1", "d=p"]


def test_each_reachable_point_is_counted_and_listed_once() -> None:
    space = parse_space(CHAIN, [])
    points = [space.params_of(point) for point in space.points()]
    assert len(points) == space.num_points() == 14
    assert len({tuple(sorted(map(str, point.items()))) for point in points}) == 14
    assert all({each.key for each in space.active(point)} == point.keys() for point in points)


@pytest.mark.parametrize("seed", range(40))
def test_the_count_is_that_of_the_points_in_spaces_drawn_at_random(seed: int) -> None:
    rng = random.Random(seed)
    params: dict[str, Any] = {}
    for key in "abcde":
        others = rng.sample(sorted(params), min(len(params), rng.randrange(3)))
        when = {other: rng.sample([0, 1, 2], rng.randrange(1, 3)) for other in others}
        params[key] = {"sweep": "choice(0,1,2)", "when": when}
    space = parse_space(dict(rng.sample(sorted(params.items()), 5)), [])
    points = list(space.points())
    assert len(points) == len(set(points)) == space.num_points()
    reached = {tuple(draw(space, rng).items()) for _ in range(2000)}
    assert reached <= {tuple(space.params_of(point).items()) for point in points}


def test_a_space_with_one_endless_branch_is_endless() -> None:
    assert parse_space({"a": "1,2", "b": {"sweep": "interval(0,1)", "when": {"a": 2}}}, []).num_points() is None


@pytest.mark.parametrize(
    ("typed", "keys", "remark"),
    [
        (["optimizer=sgd"], ["momentum"], None),
        (["optimizer=adam"], [], "left out: momentum, which varies if optimizer=sgd; here optimizer is adam"),
    ],
)
def test_a_condition_on_a_group_that_is_fixed_is_decided_at_once(
    typed: list[str], keys: list[str], remark: str | None
) -> None:
    here = config()
    here.hydra.runtime.choices.optimizer = typed[0].partition("=")[2]
    space = parse_space({"optimizer": OPTIMIZER["optimizer"], "momentum": OPTIMIZER["momentum"]}, typed, config=here)
    assert (list(space.dimensions), space.is_conditional) == (keys, False)
    assert space.remarks == (() if remark is None else (remark,))


@pytest.mark.parametrize(
    ("when", "is_met"),
    [
        ({"model": "mlp"}, True),
        ({"model": ["cnn", "linear"]}, False),
        ({"kind": "b"}, True),  # an interpolation comes to its value
        ({"base": "c"}, False),
        ({"fixed": 3}, True),  # a value that params set
        ({"model": "mlp", "base": "c"}, False),  # all have to hold
        ({"null_key": None}, True),
    ],
)
def test_a_condition_on_a_value_that_is_fixed_is_decided_at_once(when: dict[str, Any], is_met: bool) -> None:
    params = {"fixed": 3, "x": {"sweep": "choice(1,2)", "when": when}}
    space = parse_space(params, [], config=config(null_key=None))
    assert list(space.dimensions) == (["x"] if is_met else [])
    assert len(space.remarks) == (not is_met)


def test_a_condition_on_a_file_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "optimizer").mkdir()
    for name in ("adam", "sgd"):
        (tmp_path / "optimizer" / f"{name}.yaml").write_text("lr: 1\n")
    with app_context(tmp_path, "defaults:\n  - optimizer: adam\n") as context:
        params = {"x": {"sweep": "1,2", "when": {"optimizer": "sdg"}}}
        with pytest.raises(UserError, match=r"optimizer=sdg, but there is no such choice; did you mean sgd\?"):
            parse_space(params, [], context.config_loader, config())


def test_what_is_conditional_on_a_key_that_is_left_out_is_left_out() -> None:
    params = {
        "y": {"sweep": "1,2", "when": {"x": 1}},
        "x": {"sweep": "1,2", "when": {"model": "cnn"}},
    }
    space = parse_space(params, [], config=config())
    assert (space.dimensions, len(space.remarks)) == ({}, 2)


def test_a_fixed_value_can_have_a_condition() -> None:
    params = {"a": "1,2", "n": {"sweep": 7, "when": {"a": 2}}, "m": {"sweep": 8, "when": {"model": "mlp"}}}
    space = parse_space(params, [], config=config())
    assert [space.job_overrides(space.params_of(point)) for point in space.points()] == [
        ["a=1", "m=8"],
        ["a=2", "n=7", "m=8"],
    ]


def test_a_typed_sweep_replaces_all_sweeps_of_a_key_and_a_typed_value_takes_them_out() -> None:
    assert shown(parse_space(OPTIMIZER, ["lr=1,2"]))["lr"] == "1, 2"
    assert [key for key in parse_space(OPTIMIZER, ["lr=1"]).dimensions if key.startswith("lr")] == []


def test_a_key_that_hydra_adds_can_be_named_without_its_plus() -> None:
    space = parse_space({"+a": "1,2", "+b": {"sweep": "3,4", "when": {"a": 2}}}, [])
    assert space.job_overrides({"+a": 2, "+b": 3}) == ["+a=2", "+b=3"]
    assert space.job_overrides({"+a": 1, "+b": 3}) == ["+a=1"]


A, B = "choice(1,2)", {"a": 1}
MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "unknown key": (
        {"b": {"sweep": A, "when": {"modle": 1}}},
        r"^b has a condition on modle, but neither the space nor the config has this key; did you mean model\?",
    ),
    "a value that is never taken": (
        {"a": A, "b": {"sweep": A, "when": {"a": [1, 3]}}},
        "^b has the condition a=3, but a varies over 1, 2$",
    ),
    "a range without steps": (
        {"a": "interval(0,1)", "b": {"sweep": A, "when": B}},
        "^b has a condition on a, which is 0 to 1: a condition needs a key with choices, or a range with steps$",
    ),
    "itself": ({"a": {"sweep": A, "when": B}}, "^a has a condition on itself"),
    "a circle": (
        {"a": {"sweep": A, "when": {"b": 1}}, "b": {"sweep": A, "when": {"c": 1}}, "c": {"sweep": A, "when": B}},
        "^a, b, c: each has a condition on another of them, in a circle$",
    ),
    "two sweeps at once": (
        {"a": A, "b": [{"sweep": A, "when": B}, {"sweep": "3,4"}]},
        "^b has two sweeps at once: 1, 2  if a=1; and 3, 4: give them different values of one key in their conditions$",
    ),
    "a misspelt word": (
        {"a": A, "b": {"sweep": A, "wen": B}},
        r"^b: there is no such key as wen beside sweep; did you mean when\?",
    ),
    "no sweep": ({"a": A, "b": {"when": B}}, r"^b must be a sweep, or \{sweep: SWEEP, when: \{OTHER_KEY: VALUE\}\}"),
    "no conditions": ({"a": A, "b": {"sweep": A, "when": 1}}, "^b must be a sweep, or"),
    "a list of both": ({"a": A, "b": [A, {"sweep": A, "when": B}]}, "^b must have .* as each item of its list; got ch"),
    "a sweep that is none": ({"a": A, "b": {"sweep": "interval(2)", "when": B}}, "^b: "),
    "an interpolation without a value": (
        {"b": {"sweep": A, "when": {"lost": 1}}},
        "^b has a condition on lost, which has no value here: Interpolation key 'gone' not found",
    ),
}


@pytest.mark.parametrize(("params", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_said_in_a_line(params: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        parse_space(params, [], config=config(lost="${gone}"))
    assert "\n" not in str(error.value)
