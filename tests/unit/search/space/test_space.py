"""The space: sweeps as Hydra writes them, the distributions they become, the overrides they give."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from typing import Any

import optuna
import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.utils import create_config_search_path
from hydra.core.override_parser.overrides_parser import OverridesParser
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from tunesmith.errors import UserError
from tunesmith.search.space.dimension import Dimension
from tunesmith.search.space.space import Space, parse_space


def points(space: Space) -> list[dict[str, Any]]:
    """All configurations of a finite space."""
    values = [dimension.values() or () for dimension in space.dimensions.values()]
    return [dict(zip(space.dimensions, point, strict=True)) for point in itertools.product(*values)]


def dimension(sweep: str) -> Dimension:
    return parse_space({}, [f"x={sweep}"]).dimensions["x"]


def value_of(override: str) -> Any:
    return OverridesParser.create().parse_override(override).value()


def keys(space: Space) -> tuple[list[str], tuple[str, ...]]:
    return list(space.dimensions), space.fixed


DISTRIBUTIONS: dict[str, BaseDistribution] = {
    "choice(a,b)": CategoricalDistribution(("a", "b")),
    "a,b": CategoricalDistribution(("a", "b")),
    "choice(2,2.5,true)": CategoricalDistribution((2, 2.5, True)),
    "null,1": CategoricalDistribution((None, 1)),
    "'a b','x,y'": CategoricalDistribution(("a b", "x,y")),
    "[1,2],[3]": CategoricalDistribution(("[1,2]", "[3]")),
    "sort(3,1,2)": CategoricalDistribution((1, 2, 3)),
    "range(1,3)": IntDistribution(1, 3),
    "range(3)": IntDistribution(0, 3),
    "range(1,6,2)": IntDistribution(1, 5, step=2),
    "range(0.1,0.3,step=0.1)": FloatDistribution(0.1, 0.3, step=0.1),
    "range(0.1,0.35,0.1)": FloatDistribution(0.1, 0.3, step=0.1),
    "range(0,1,0.25)": FloatDistribution(0.0, 1.0, step=0.25),
    "interval(1,5)": FloatDistribution(1.0, 5.0),
    "int(interval(1,5))": IntDistribution(1, 5),
    "tag(log,interval(1e-4,1e-1))": FloatDistribution(1e-4, 1e-1, log=True),
    "tag(log,int(interval(32,512)))": IntDistribution(32, 512, log=True),
    "int(tag(log,interval(32,512)))": IntDistribution(32, 512, log=True),
}


@pytest.mark.parametrize(("sweep", "distribution"), DISTRIBUTIONS.items(), ids=DISTRIBUTIONS)
def test_a_sweep_becomes_a_distribution(sweep: str, distribution: BaseDistribution) -> None:
    assert dimension(sweep).distribution == distribution


VALUES: dict[str, tuple[Any, ...] | None] = {
    "a,b": ("a", "b"),
    "range(1,3)": (1, 2, 3),
    "range(1,6,2)": (1, 3, 5),
    "range(0.1,0.3,step=0.1)": (0.1, 0.2, 0.3),
    "range(1e-5,3e-5,1e-5)": (1e-5, 2e-5, 3e-5),
    "int(interval(1,3))": (1, 2, 3),
    "interval(1,3)": None,
    "tag(log,int(interval(1,3)))": None,
}


@pytest.mark.parametrize(("sweep", "values"), VALUES.items(), ids=VALUES)
def test_all_values_of_a_sweep(sweep: str, values: tuple[Any, ...] | None) -> None:
    assert dimension(sweep).values() == values


EXTREMES: dict[str, tuple[Any, ...]] = {
    "a,b,c": ("a", "b", "c"),
    "interval(1,3)": (1.0, 3.0),
    "range(1,6,2)": (1, 5),
    "interval(1,1)": (1.0,),
}


@pytest.mark.parametrize(("sweep", "extremes"), EXTREMES.items(), ids=EXTREMES)
def test_the_ends_that_a_check_tries(sweep: str, extremes: tuple[Any, ...]) -> None:
    assert dimension(sweep).extremes() == extremes


@pytest.mark.parametrize("sweep", ["shuffle(1,2,3,4,5,6)", "shuffle(range(1,6))", "shuffle(choice(a,b,c,d,e))"])
def test_shuffled_choices_have_the_same_order_each_time(sweep: str) -> None:
    orders = {dimension(sweep).values() for _ in range(5)}
    assert len(orders) == 1
    assert orders != {tuple(sorted(dimension(sweep).values() or ()))}


ROUND_TRIPS: dict[str, list[Any]] = {
    "a,b/c,d.e": ["a", "b/c", "d.e"],
    "'a b','x,y'": ["a b", "x,y"],
    "choice('a b','x,y')": ["a b", "x,y"],
    r"'it\'s','${a}','{b}'": ["it's", "${a}", "{b}"],
    "'1','null','true'": ["1", "null", "true"],
    "'',' a'": ["", " a"],
    "null,true,false": [None, True, False],
    "[1,2],[],['a b',null]": [[1, 2], [], ["a b", None]],
    "{a:1},{b:[2]}": [{"a": 1}, {"b": [2]}],
    "1,2.5,1e-7,-3": [1, 2.5, 1e-7, -3],
    "range(0.1,0.3,step=0.1)": [0.1, 0.2, 0.3],
    "int(interval(1,2))": [1, 2],
}


@pytest.mark.parametrize(("sweep", "values"), ROUND_TRIPS.items(), ids=ROUND_TRIPS)
def test_an_override_gives_its_value_back(sweep: str, values: list[Any]) -> None:
    space = parse_space({}, [f"x={sweep}"])
    parsed = [value_of(text) for point in points(space) for text in space.overrides(point)]
    assert repr(parsed) == repr(values)  # 1 is not True here


@pytest.mark.parametrize(
    "sweep", ["interval(0,1)", "tag(log,interval(1e-12,1e12))", "tag(log,int(interval(1,1000000000)))"]
)
def test_a_drawn_number_comes_back_exactly(sweep: str) -> None:
    varied = dimension(sweep)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    drawn = [varied.suggest(study.ask()) for _ in range(20)]
    assert [value_of(varied.override(value)) for value in drawn] == drawn


@pytest.mark.parametrize(
    "sweep",
    [
        *("a,b", "interval(0,1)", "tag(log,interval(1e-4,1e-1))", "range(0.1,0.3,step=0.1)"),
        *("int(interval(1,5))", "tag(log,int(interval(32,512)))", "range(1,6,2)"),
    ],
)
def test_a_trial_draws_from_the_distribution(sweep: str) -> None:
    trial = optuna.create_study().ask()
    dimension(sweep).suggest(trial)
    assert trial.distributions == {"x": dimension(sweep).distribution}


@pytest.mark.parametrize("prefix", ["+", "++"])
def test_a_prefix_stays_part_of_the_key(prefix: str) -> None:
    space = parse_space({}, [f"{prefix}x=1,2"])
    assert space.overrides({f"{prefix}x": 2}) == [f"{prefix}x=2"]


def test_a_package_stays_part_of_the_key() -> None:
    assert list(parse_space({}, ["model@student=a,b"]).dimensions) == ["model@student"]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        pytest.param([], (["lr", "size"], ()), id="nothing typed"),
        pytest.param(["epochs=3"], (["lr", "size"], ("epochs=3",)), id="a fixed key is passed on"),
        pytest.param(["lr=0.1"], (["size"], ("lr=0.1",)), id="a fixed value takes its key out"),
        pytest.param(["~lr"], (["size"], ("~lr",)), id="a deletion takes its key out"),
        pytest.param(["++lr=0.1"], (["size"], ("++lr=0.1",)), id="a prefix does not make another key"),
        pytest.param(["depth=1,2"], (["lr", "size", "depth"], ()), id="a sweep adds its key"),
        pytest.param(["lr=1,2", "lr=3"], (["size"], ("lr=3",)), id="the last one typed counts"),
        pytest.param(["lr=3", "lr=1,2"], (["size", "lr"], ()), id="a sweep typed last counts"),
        pytest.param(["seed=1,2,3"], (["seed"], ()), id="a sweep of the seed stands alone"),
        pytest.param(["seed=1,2", "lr=3,4"], (["seed", "lr"], ()), id="but for other sweeps typed"),
        pytest.param(["seed=1"], (["lr", "size"], ("seed=1",)), id="one seed is no sweep"),
    ],
)
def test_what_is_typed_changes_the_configured_space(
    typed: list[str], expected: tuple[list[str], tuple[str, ...]]
) -> None:
    params = {"lr": "tag(log,interval(1e-4,1e-1))", "size": "8,16"}
    assert keys(parse_space(params, typed)) == expected


def test_a_typed_sweep_replaces_the_configured_one() -> None:
    space = parse_space({"lr": "interval(0,1)"}, ["lr=interval(2,3)"])
    assert space.dimensions["lr"].distribution == FloatDistribution(2.0, 3.0)


def test_a_configured_fixed_value_is_passed_on() -> None:
    assert keys(parse_space({"lr": "interval(0,1)", "epochs": 3}, [])) == (["lr"], ("epochs=3",))


def test_fixed_values_stay_as_they_were_typed() -> None:
    typed = ["name='a b'", "~model", "+note=[1, 2]"]
    assert parse_space({}, typed).fixed == tuple(typed)


@pytest.mark.parametrize(
    ("typed", "num_points"),
    [
        pytest.param([], 1, id="nothing varies"),
        pytest.param(["a=1,2", "b=range(1,3)"], 6, id="finite"),
        pytest.param(["a=1,2", "b=interval(1,3)"], None, id="infinite"),
    ],
)
def test_num_points(typed: list[str], num_points: int | None) -> None:
    assert parse_space({}, typed).num_points() == num_points


def test_points_come_in_the_order_of_hydras_own_sweeper() -> None:
    space = parse_space({}, ["a=1,2", "b=x,y"])
    assert [tuple(point.values()) for point in points(space)] == [(1, "x"), (1, "y"), (2, "x"), (2, "y")]


IN_WORDS: dict[str, str] = {
    "a,null,'x,y'": "a, null, 'x,y'",
    "interval(0,1)": "0 to 1",
    "tag(log,interval(1e-4,1e-1))": "0.0001 to 0.1, log scale",
    "int(interval(1,3))": "integer 1 to 3",
    "range(2,8,step=2)": "integer 2 to 8, step 2",
    "range(0.1,0.3,step=0.1)": "0.1 to 0.3, step 0.1",
    "tag(log,int(interval(32,512)))": "integer 32 to 512, log scale",
}


@pytest.mark.parametrize(("sweep", "text"), IN_WORDS.items(), ids=IN_WORDS)
def test_a_dimension_in_words(sweep: str, text: str) -> None:
    assert dimension(sweep).describe() == text


CAUSES: dict[str, str] = {
    "interval(5,1)": "low <= high",
    "tag(log,interval(0,1))": "low > 0 must hold for log=True",
    "range(5,1)": "low <= high",
    "range(0,1,0)": "the step must be > 0",
    "range(5,1,-1)": "the step must be > 0",
    "choice()": "empty choice",
    "choice(1,true)": "1 and True are the same value to Optuna",
    "choice(1,2,1.0)": "1 and 1.0 are the same value to Optuna",
    "choice(": "no viable alternative",
    "intervall(0,1)": "Unknown function 'intervall'",
}


@pytest.mark.parametrize(("sweep", "cause"), CAUSES.items(), ids=CAUSES)
def test_a_bad_sweep_is_refused_by_its_key(sweep: str, cause: str) -> None:
    with pytest.raises(UserError, match=rf"^x\b.*got 'x={re.escape(sweep)}'") as refused:
        parse_space({}, [f"x={sweep}"])
    assert cause in str(refused.value)


def test_a_bad_sweep_of_the_config_is_refused_by_its_key() -> None:
    with pytest.raises(UserError, match=r"^model\.dropout must be a sweep"):
        parse_space({"model.dropout": "interval(1,0)"}, [])


@pytest.mark.parametrize("sweep", ["choice(5, 10, null)", "choice([1,2],null)"])
def test_a_choice_with_null_says_how_it_is_written(sweep: str) -> None:
    values = sweep.removeprefix("choice(").removesuffix(")").replace(" ", "")
    with pytest.raises(UserError, match=re.escape(f"takes no null: write the values alone, {values};")):
        parse_space({"depth": sweep}, [])
    assert parse_space({"depth": values}, []).dimensions["depth"].values()[-1] is None  # type: ignore[index]


def test_a_key_can_be_deleted_and_added_again() -> None:
    assert parse_space({}, ["~opt", "+opt={b:1}"]).fixed == ("~opt", "+opt={b:1}")


def test_a_shuffled_range_has_the_points_of_the_range() -> None:
    space = parse_space({}, ["x=shuffle(range(0.1,0.35,0.1))"])
    assert sorted(point["x"] for point in points(space)) == [0.1, 0.2, 0.3]


@pytest.mark.parametrize("value", [None, "a,b", "1", "it's", True, 0.5, 3], ids=repr)
def test_a_parameter_of_none_of_the_dimensions_is_read_back_as_it_was(value: object) -> None:
    (text,) = parse_space({}, []).overrides({"key": value})
    assert OverridesParser.create().parse_override(text).value() == value


def test_glob_looks_into_the_group() -> None:
    loader = ConfigLoaderImpl(create_config_search_path(None))
    space = parse_space({}, ["hydra/launcher=glob(submitit_*)"], loader)
    assert space.dimensions["hydra/launcher"].values() == ("submitit_local", "submitit_slurm")


def test_a_space_that_a_function_of_the_user_adds_to_cannot_be_counted() -> None:
    space = parse_space({}, ["x=1,2"])
    assert space.num_points() == 2
    assert replace(space, is_open=True).num_points() is None
