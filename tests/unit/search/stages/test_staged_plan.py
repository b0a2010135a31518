"""The plan of a list of stages: each stage from the settings, the space and the trials of the stages before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hydra.errors import HydraException
from hydra.types import RunMode
from hydra_app import app_context
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, create_trial

from tunesmith.config.quoting import to_hydra
from tunesmith.errors import UserError
from tunesmith.search.attribute_names import OUTSIDE, STAGE
from tunesmith.search.settings import read_settings
from tunesmith.search.space.dimension import Params
from tunesmith.search.space.space import parse_space
from tunesmith.search.stages.staged_plan import StagedPlan, make_plan
from tunesmith.search.stopping_rules import Stopping

CONFIG = """
defaults:
  - _self_
  - override hydra/sweeper: tunesmith
  - override hydra/sweeper/sampler: tpe
  - override hydra/sweeper/pruner: median
lr: 0.01
batch: 32
kind: slow
speed: 3
model: {units: 8, depth: 2}
data: {fraction: 1.0, folds: null}
epochs: 20
hydra:
  sweeper:
    study_name: s
    n_trials: 30
    pruner: {n_warmup_steps: '${epochs}'}
"""
LR, BATCH, UNITS = "lr=tag(log,interval(1e-4,1))", "batch=choice(16,32,64)", "model.units=int(interval(4,16))"
SPACE = [LR, BATCH, UNITS]

Make = Callable[..., StagedPlan]


@pytest.fixture
def plan_of(tmp_path: Path) -> Iterator[Make]:
    (tmp_path / "hydra/sweeper/pruner").mkdir(parents=True)
    (tmp_path / "hydra/sweeper/pruner/own.yaml").write_text(
        "_target_: optuna.pruners.HyperbandPruner\nmax_resource: ${epochs}"
    )
    with app_context(tmp_path, CONFIG) as context:

        def make(
            *stages: dict[str, Any], space: Any = SPACE, typed: Any = (), known: Any = (), params: Any = (), **keys: Any
        ) -> StagedPlan:
            loader = context.config_loader
            given = [
                *typed,
                f"hydra.sweeper.stages={to_hydra(list(stages))}",
                *(f"hydra.sweeper.{key}={value}" for key, value in keys.items()),
            ]
            config = loader.load_configuration("app", given, run_mode=RunMode.MULTIRUN)
            settings = read_settings({str(k): v for k, v in config.hydra.sweeper.items() if not str(k).startswith("_")})
            own = [text for text in typed if not text.startswith("hydra")]
            return make_plan(settings, parse_space(dict(params), [*own, *space], loader), loader, config, known)

        yield make


def ended(stage: str, value: float, number: int = 0, **attributes: Any) -> Callable[[Params], FrozenTrial]:
    def with_params(params: Params) -> FrozenTrial:
        kinds: dict[str, BaseDistribution] = {
            "kind": CategoricalDistribution(["slow", "fast"]),
            "speed": IntDistribution(1, 9),
            "lr": FloatDistribution(1e-9, 9, log=True),
            "batch": FloatDistribution(0, 999),
            "model.units": FloatDistribution(0, 99),
            "+added": IntDistribution(1, 2),
        }
        trial = create_trial(
            value=value,
            params=dict(params),
            distributions={key: kinds[key] for key in params},
            user_attrs={STAGE: stage, **attributes},
        )
        trial.number = number
        return trial

    return with_params


FIRST = {"name": "first", "n_trials": 10}
BEST = {"lr": 0.1, "batch": 16, "model.units": 8}
WORSE = {"lr": 0.3, "batch": 64, "model.units": 12}


def test_a_stage_varies_the_keys_that_its_patterns_match(plan_of: Make) -> None:
    stages = [{"n_trials": 1, "keys": ["lr"]}, {"n_trials": 1, "keys": "model.*"}, {"n_trials": 1, "keys": "rest"}]
    plan = plan_of(*stages)
    assert [list(plan.stage(index, ()).space.dimensions) for index in range(3)] == [["lr"], ["model.units"], ["batch"]]


def test_a_key_that_a_stage_overrides_does_not_vary_in_it(plan_of: Make) -> None:
    stage = plan_of({"n_trials": 3, "overrides": ["model.units=4"]}, typed=["epochs=5"]).stage(0, ())
    assert list(stage.space.dimensions) == ["lr", "batch"]
    assert stage.space.fixed == ("epochs=5", "model.units=4")
    assert stage.overrides == ("model.units=4",)


def test_other_keys_are_held_at_the_best_so_far(plan_of: Make) -> None:
    plan = plan_of(FIRST, {"n_trials": 1, "keys": ["lr"]}, {"n_trials": 1, "keys": ["lr"], "others": "defaults"})
    trials = [ended("first", 2.0)(WORSE), ended("first", 1.0, 1)(BEST)]
    assert plan.stage(1, trials).held == {"batch": 16, "model.units": 8}
    assert plan.stage(2, trials).held == {}
    assert plan.stage(1, trials).whole.keys() == {"lr", "batch", "model.units"}


@pytest.mark.parametrize(("direction", "held"), [("minimize", 16), ("maximize", 64)])
def test_the_best_is_by_the_direction_and_the_first_of_equals(plan_of: Make, direction: str, held: int) -> None:
    plan = plan_of(FIRST, {"n_trials": 1, "keys": ["lr"]}, direction=direction)
    low, high = (BEST, WORSE)
    trials = [
        ended("first", 2.0, 0)(high),
        ended("first", 1.0, 1)(low),
        ended("first", 2.0, 2)(BEST),
        ended("first", 1.0, 3)(WORSE),
    ]
    assert plan.stage(1, trials[::-1]).held["batch"] == held


@pytest.mark.parametrize(
    "trial",
    [
        ended("other", 0.0)(WORSE),
        ended("first", 0.0)({**WORSE, "lr": 2.0}),
        ended("first", 0.0, **{OUTSIDE: True})(WORSE),
    ],
    ids=["of a stage that is not listed", "a value that the space does not have", "marked as outside"],
)
def test_trials_that_are_not_built_on(plan_of: Make, trial: FrozenTrial) -> None:
    plan = plan_of(FIRST, {"n_trials": 1, "keys": ["lr"]})
    assert plan.stage(1, [trial, ended("first", 1.0, 1)(BEST)]).held["batch"] == 16


def test_values_on_other_data_are_not_compared(plan_of: Make) -> None:
    part = {"name": "part", "n_trials": 5, "overrides": ["data.fraction=0.1"]}
    plan = plan_of(FIRST, part, {"n_trials": 1, "keys": ["lr"]})
    on_part = ended("part", 0.1, 1)(WORSE)
    assert plan.stage(2, [ended("first", 1.0)(BEST), on_part]).held["batch"] == 16
    assert plan.stage(2, [on_part]).held["batch"] == 64, "no stage on the same data has a trial"


def test_the_top_are_those_of_the_stage_before_and_of_those_on_its_data(plan_of: Make) -> None:
    part = {"n_trials": 5, "overrides": ["data.fraction=0.1"]}
    plan = plan_of(FIRST, {"name": "a", **part}, {"name": "b", **part}, {"top": 2})
    third = {**BEST, "lr": 0.2}
    trials = [
        ended("first", 0.0, 0)(third),
        ended("a", 1.0, 1)(BEST),
        ended("a", 1.5, 2)(BEST),
        ended("b", 2.0, 3)(WORSE),
        ended("b", 3.0, 4)(third),
    ]
    stage = plan.stage(3, trials)
    assert stage.points == (BEST, WORSE)
    assert (stage.only_points, stage.is_rerun, stage.n_trials, stage.held) == (True, True, 2, {})
    assert not plan.stage(0, ()).is_rerun


def test_narrow_leaves_a_part_of_each_range_around_the_best(plan_of: Make) -> None:
    dimensions = plan_of(FIRST, {"n_trials": 1, "narrow": 0.5}).stage(1, [ended("first", 1.0)(BEST)]).space.dimensions
    assert dimensions["lr"].extremes() == pytest.approx((0.01, 1.0))
    assert dimensions["batch"].extremes() == (16, 32)
    assert dimensions["model.units"].extremes() == (5, 11)


def test_a_key_that_the_best_has_not_drawn_is_narrowed_around_the_config(plan_of: Make) -> None:
    """A range without the config's value stays whole, and so does the key in the points around the best."""
    plan = plan_of(
        *(FIRST, {"n_trials": 1, "narrow": 0.5}, {"neighbours": {"*": 2}}),
        space=[LR, "model.units=int(interval(100, 200))"],
    )
    baseline = [ended("first", 1.0)({})]
    dimensions = plan.stage(1, baseline).space.dimensions
    assert dimensions["lr"].extremes() == pytest.approx((1e-3, 0.1))
    assert dimensions["model.units"].extremes() == (100, 200)
    assert [point["lr"] for point in plan.stage(2, baseline).points] == pytest.approx([0.005, 0.02])


def test_a_grid_in_a_narrowed_range(plan_of: Make) -> None:
    plan = plan_of(FIRST, {"n_trials": 20, "grid": 2, "narrow": 0.5, "keys": ["lr"]}, space=SPACE)
    stage = plan.stage(1, [ended("first", 1.0)(BEST)])
    assert [point["lr"] for point in stage.points] == pytest.approx([0.01, 1.0])
    assert stage.space.dimensions["lr"].extremes() == (1e-4, 1.0), "points are stored under the whole range"


def test_a_grid_of_listed_values(plan_of: Make) -> None:
    stage = plan_of({"grid": {"lr": [1e-4, 1e-2, 1], "batch": 2}}).stage(0, ())
    assert stage.points == tuple({"lr": lr, "batch": batch} for lr in (1e-4, 1e-2, 1.0) for batch in (16, 64))
    assert stage.n_trials == 6


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        pytest.param(
            {"grid": {"lr": [1e-2], "rest": 2}}, [(1e-2, 16, 4), (1e-2, 16, 16), (1e-2, 64, 4), (1e-2, 64, 16)]
        ),
        pytest.param(
            {"one_at_a_time": {"lr": [1e-3], "rest": 1}},
            [(None, None, None), (1e-3, None, None), (None, None, 10)],  # 32 is the config's own batch
        ),
    ],
)
def test_rest_gives_levels_of_the_keys_that_no_pattern_matches(plan_of: Make, points: Any, expected: Any) -> None:
    stage = plan_of({"n_trials": 20, **points}).stage(0, ())
    assert [tuple(point.get(key) for key in ("lr", "batch", "model.units")) for point in stage.points] == expected


def test_a_pattern_may_have_the_plus_of_an_added_key(plan_of: Make) -> None:
    plan = plan_of({"n_trials": 1, "keys": "+ad*"}, space=[LR, "+added=1,2"])
    assert list(plan.stage(0, ()).space.dimensions) == ["+added"]


def test_an_added_key_that_a_stage_overrides_is_not_held_as_well(plan_of: Make) -> None:
    plan = plan_of(
        {"name": "first", "n_trials": 1, "keys": "+added"},
        {"n_trials": 1, "keys": "lr", "overrides": ["+added=9"]},
        space=[LR, "+added=1,2"],
    )
    trial = ended("first", 1.0)({"+added": 2})
    assert plan.stage(1, [trial]).held == {}


def test_one_at_a_time_decides_conditions_by_the_best_value_of_an_added_key(plan_of: Make) -> None:
    params = {"lr": {"sweep": "interval(0.1, 0.2)", "when": {"added": 2}}}
    stages = [FIRST, {"n_trials": 9, "one_at_a_time": 1}]
    plan = plan_of(*stages, space=["+added=1,2"], params=params)
    stage = plan.stage(1, [ended("first", 1.0)({"+added": 2, "lr": 0.11})])
    assert [point.get("lr") for point in stage.points] == pytest.approx([0.11, 0.11, 0.15])


def test_neighbours_of_the_best_without_what_has_run(plan_of: Make) -> None:
    stage = plan_of(FIRST, {"neighbours": {"lr": 10, "batch": 1}}).stage(
        1, [ended("first", 1.0)(BEST), ended("first", 2.0, 1)({**BEST, "batch": 32})]
    )
    assert [(point["lr"], point["batch"]) for point in stage.points] == [
        (pytest.approx(0.01), 16),
        (1.0, 16),
        (pytest.approx(0.01), 32),
        (1.0, 32),
    ]
    assert stage.held == {"model.units": 8}


def test_on_other_data_the_best_is_run_again(plan_of: Make) -> None:
    again = {"neighbours": {"lr": 10}, "overrides": ["data.fraction=0.1"]}
    stage = plan_of(FIRST, again).stage(1, [ended("first", 1.0)(BEST)])
    assert stage.points[0] == {"lr": 0.1}


def test_without_a_trial_to_build_on_a_stage_starts_from_the_configuration(plan_of: Make) -> None:
    plan = plan_of(FIRST, {"neighbours": {"lr": 10, "model.units": 1}}, {"n_trials": 3, "narrow": 0.1}, {"top": 2})
    stage = plan.stage(1, ())
    assert stage.points[0] == {"lr": 0.01, "model.units": 8}
    assert stage.remarks == (
        "no trial before this stage has run to its end: it starts from the configuration as it stands",
    )
    assert plan.stage(2, ()).space.dimensions["lr"].extremes() == (1e-4, 1.0)
    assert plan.stage(3, ()).n_trials == 0
    assert plan.stage(3, ()).remarks == (
        "no trial before this stage has run to its end: there is none for it to run again",
    )
    assert plan.stage(1, [ended("first", 1.0)(BEST)]).remarks == ()


def test_one_at_a_time_from_the_configuration_or_from_the_best(plan_of: Make) -> None:
    one = {"one_at_a_time": {"lr": [0.1, 1], "batch": [64]}}
    plan = plan_of(one, {**one, "name": "again"}, {**one, "others": "defaults", "name": "d"})
    assert plan.stage(0, ()).points == ({}, {"lr": 0.1}, {"batch": 64}, {"lr": 1.0})
    trials = [ended("0", 1.0)(BEST)]
    assert plan.stage(1, trials).points == (
        {"lr": 0.1, "batch": 16},
        {"lr": 0.1, "batch": 64},
        {"lr": 1.0, "batch": 16},
    )
    assert plan.stage(2, trials).points == plan.stage(0, ()).points


def test_the_baseline_is_the_configuration_as_it_stands(plan_of: Make) -> None:
    stage = plan_of({"baseline": True}).stage(0, ())
    assert (stage.points, stage.only_points, stage.n_trials) == (({},), True, 1)


def test_known_points_come_first_each_once(plan_of: Make) -> None:
    known: list[Params] = [{}, {"lr": 0.5}]
    assert plan_of({"baseline": True}, FIRST, known=known).stage(0, ()).points == ({}, {"lr": 0.5})
    workflow = [{"baseline": True}, FIRST, {"top": 3}]
    assert plan_of(*workflow, known=[{}]).shares == plan_of(*workflow).shares
    sampled = plan_of(FIRST, {"top": 1}, known=known).stage(0, ())
    assert (sampled.points, sampled.only_points, sampled.n_trials) == (({}, {"lr": 0.5}), False, 29)
    assert plan_of(FIRST, {"top": 1}, known=known, n_trials=2).stage(0, ()).points == ({},)


def test_a_point_that_is_the_configuration_as_it_stands_is_not_run_twice(plan_of: Make) -> None:
    grid = {"grid": {"lr": [0.1, 0.01], "batch": [32]}}
    assert plan_of(grid, known=[{}]).stage(0, ()).points == ({}, {"lr": 0.1, "batch": 32})


def test_n_trials_are_shared_out(plan_of: Make) -> None:
    plan = plan_of({"n_trials": 20}, {"n_trials": 10}, {"top": 3}, n_trials=63)
    assert [plan.stage(index, ()).n_trials for index in range(2)] == [40, 20]
    assert plan.shares == {"0": 40, "1": 20, "2": 3}


def test_a_stage_without_a_key_in_the_space_is_left_out(plan_of: Make) -> None:
    plan = plan_of({"n_trials": 10, "keys": "lr"}, {"name": "size", "n_trials": 10, "keys": ["model.*"]}, space=[LR])
    assert plan.names == ("0",)
    assert plan.shares == {"0": 30}
    assert plan.remarks == ("stage size is left out: none of its keys (model.*) is in the space",)


@pytest.mark.parametrize(
    "stage",
    [{"n_trials": 10, "keys": ["lr", "model.unitts", "x.*"]}, {"grid": {"lr": 2, "model.unitts": 3, "other": 2}}],
    ids=["keys", "levels"],
)
def test_a_key_that_is_almost_one_of_the_space_is_told(plan_of: Make, stage: dict[str, Any]) -> None:
    line = "stage 0 names model.unitts, which is not in the space; did you mean model.units?"
    assert plan_of(stage).remarks == (line,)


def test_a_sampler_and_a_pruner_of_its_own_in_its_own_config(plan_of: Make) -> None:
    plan = plan_of(
        {"n_trials": 1, "overrides": ["epochs=7"]},
        {"n_trials": 1, "overrides": ["epochs=7"], "pruner": "own", "sampler": "random"},
        {
            "n_trials": 1,
            "overrides": ["epochs=3"],
            "pruner": {"_target_": "optuna.pruners.PatientPruner", "patience": "${epochs}"},
        },
        {"n_trials": 1},
        typed=["hydra.sweeper.pruner.n_warmup_steps=4"],
    )
    stages = [plan.stage(index, ()) for index in (3, 2, 1, 0)][::-1]
    assert stages[0].pruner == {"_target_": "optuna.pruners.MedianPruner", "n_warmup_steps": 4}
    assert stages[1].pruner == {"_target_": "optuna.pruners.HyperbandPruner", "max_resource": 7}
    assert stages[1].sampler._target_ == "optuna.samplers.RandomSampler"
    assert stages[2].pruner.patience == 3
    assert stages[3].sampler is plan.settings.sampler


def test_the_sweepers_own_pruner_follows_the_overrides_of_a_stage(plan_of: Make) -> None:
    assert plan_of({"n_trials": 1, "overrides": ["epochs=7"]}).stage(0, ()).pruner.n_warmup_steps == 7


def test_what_ends_a_stage(plan_of: Make) -> None:
    plan = plan_of({"n_trials": 20, "target": 0.1}, {"n_trials": 10, "no_improvement": 3}, target=0.5, total_epochs=100)
    assert plan.stage(0, ()).stopping == Stopping(0.1, None, 67)
    assert plan.stage(1, ()).stopping == Stopping(0.5, 3, 34)


@pytest.mark.parametrize(
    ("stages", "keys", "message"),
    [
        (
            [{"n_trials": 5}, {"top": 3}],
            {"n_trials": 1},
            r"n_trials must be at least 2, one for each stage \(0, 1\); got 1",
        ),
        (
            [{"n_trials": 1, "keys": "x.*"}],
            {},
            r"stages must name keys of the space, which has lr, batch, model.units; got x\.\*",
        ),
        ([{"grid": {"lr": [5]}}], {}, r"stages\[0\].grid.lr must be values .* \(0.0001 to 1, log scale\); got 5"),
        ([{"neighbours": {"l*": 0.5}}], {}, r"stages\[0\].neighbours.lr must be a factor > 1, .*; got 0.5"),
        ([{"n_trials": 5, "keys": "x.*"}, {"top": 3}], {}, r"stages\[1\].top must stand behind another stage, whose"),
    ],
    ids=["too few trials", "no key", "a level outside", "a factor below one", "none to run again"],
)
def test_refused(plan_of: Make, stages: list[dict[str, Any]], keys: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        plan_of(*stages, **keys)


def test_a_pruner_that_is_no_file(plan_of: Make) -> None:
    plan = plan_of({"n_trials": 1, "pruner": "medain"})
    with pytest.raises(UserError, match=r"stages\[0\].pruner must be a file of hydra/sweeper/pruner; .* mean median\?"):
        plan.stage(0, ())


def test_an_override_of_a_key_that_is_not_there(plan_of: Make) -> None:
    plan = plan_of({"n_trials": 1, "overrides": ["epoch=7"]})
    with pytest.raises(HydraException, match="epoch"):
        plan.stage(0, ())


def test_a_function_of_the_user_cannot_be_held(plan_of: Make) -> None:
    with pytest.raises(UserError, match=r"custom_search_space must be left out beside hydra.sweeper.stages"):
        plan_of(FIRST, custom_search_space="os.path.join")


# The key kind decides which others vary: speed with fast alone, lr over other values with each.
CONDITIONAL = {
    "kind": "choice(slow, fast)",
    "speed": {"sweep": "int(interval(1, 9))", "when": {"kind": "fast"}},
    "lr": [
        {"sweep": "tag(log, interval(1e-4, 1e-2))", "when": {"kind": "slow"}},
        {"sweep": "tag(log, interval(1e-1, 1))", "when": {"kind": "fast"}},
    ],
}
FAST, SLOW = {"kind": "fast", "speed": 5, "lr": 0.5}, {"kind": "slow", "lr": 1e-3}


def test_conditions_on_a_key_that_is_held_are_decided(plan_of: Make) -> None:
    plan = plan_of(FIRST, {"n_trials": 1, "keys": ["lr", "speed"]}, space=[], params=CONDITIONAL)
    fast, slow = (plan.stage(1, [ended("first", 1.0)(params)]) for params in (FAST, SLOW))
    assert [(each.key, each.extremes(), dict(each.when)) for each in fast.space.dimensions.values()] == [
        ("speed", (1, 9), {}),
        ("lr", (0.1, 1.0), {}),
    ]
    assert [(each.key, each.extremes()) for each in slow.space.dimensions.values()] == [("lr", (1e-4, 1e-2))]
    assert (fast.held, slow.held) == ({"kind": "fast"}, {"kind": "slow"})


def test_a_key_of_the_config_decides_conditions_too(plan_of: Make) -> None:
    plan = plan_of({"n_trials": 1, "keys": ["speed", "lr"]}, space=[], params=CONDITIONAL)
    assert [each.extremes() for each in plan.stage(0, ()).space.dimensions.values()] == [(1e-4, 1e-2)]


def test_a_range_is_narrowed_where_the_best_has_a_value(plan_of: Make) -> None:
    stage = plan_of(FIRST, {"n_trials": 1, "narrow": 0.5}, space=[], params=CONDITIONAL).stage(
        1, [ended("first", 1.0)(SLOW)]
    )
    assert [(each.key, each.extremes()) for each in stage.space.dimensions.values()] == [
        ("kind", ("slow", "fast")),
        ("speed", (1, 9)),
        ("lr", (pytest.approx(10**-3.5), pytest.approx(10**-2.5))),
        ("lr", (0.1, 1.0)),
    ]


def test_no_point_has_a_value_of_an_inactive_key(plan_of: Make) -> None:
    grid = plan_of({"grid": 2, "n_trials": 30}, space=[], params=CONDITIONAL).stage(0, ()).points
    low_and_high = pytest.approx(0.1), pytest.approx(1.0)
    assert list(grid) == [
        {"kind": "slow", "lr": 1e-4},
        {"kind": "slow", "lr": 1e-2},
        *({"kind": "fast", "speed": speed, "lr": lr} for speed in (1, 9) for lr in low_and_high),
    ]
    near = plan_of(FIRST, {"neighbours": {"*": 2}}, space=[], params=CONDITIONAL)
    points = near.stage(1, [ended("first", 1.0)(SLOW)]).points
    assert points == (
        {"kind": "fast"},
        {"kind": "slow", "lr": pytest.approx(5e-4)},
        {"kind": "slow", "lr": pytest.approx(2e-3)},
    )


def test_one_at_a_time_leaves_inactive_keys_alone_and_what_the_config_has(plan_of: Make) -> None:
    stage = plan_of({"one_at_a_time": 2}, space=[], params=CONDITIONAL).stage(0, ())
    assert stage.points == ({}, {"lr": 1e-4}, {"kind": "fast"})


def test_the_top_keep_their_active_keys(plan_of: Make) -> None:
    trials = [ended("first", 2.0)(SLOW), ended("first", 1.0)(FAST)]
    assert plan_of(FIRST, {"top": 2}, space=[], params=CONDITIONAL).stage(1, trials).points == (FAST, SLOW)
