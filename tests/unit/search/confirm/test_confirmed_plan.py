"""The plan of a confirmation: which points it runs, and what their trials say."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from tunesmith.config.selection import ABSENT
from tunesmith.errors import UserError
from tunesmith.search.attribute_names import OUTSIDE, REASON, STAGE
from tunesmith.search.confirm.confirmation import to_plain
from tunesmith.search.confirm.confirmed_plan import ConfirmedPlan, check_confirm
from tunesmith.search.confirm.options import Confirm
from tunesmith.search.space.space import Space, parse_space
from tunesmith.search.stages.plan import Plan, SingleStage
from tunesmith.search.stages.stage import Stage

X = parse_space({}, ["x=interval(0,1)", "fixed=3"])
KEYS = replace(X, dimensions={**X.dimensions, **parse_space({}, ["seed=range(0,99)"]).dimensions})


def stage_of(name: str | None, *overrides: str, space: Space = X) -> Stage:
    return Stage(name, replace(space, fixed=(*space.fixed, *overrides)), None, None, 10, overrides=overrides)


@dataclass(frozen=True)
class Fixed:
    """A plan of stages that do not depend on trials."""

    stages: tuple[Stage, ...]

    @property
    def names(self) -> Sequence[str | None]:
        return tuple(stage.name for stage in self.stages)

    def stage(self, index: int, trials: Sequence[FrozenTrial]) -> Stage:
        return self.stages[index]


def plan_of(top: int = 2, seeds: int = 2, halving: bool = False, own: Any = 0, **keys: Any) -> ConfirmedPlan:
    plan: Plan = keys.get("plan", SingleStage(stage_of(None)))
    return ConfirmedPlan(plan, Confirm(top, seeds, halving=halving), own, keys.get("is_maximized", False))


def trials_of(*trials: FrozenTrial) -> list[FrozenTrial]:
    for number, trial in enumerate(trials):
        trial.number = number
    return list(trials)


def trial(x: float, value: float | None, seed: int | None = None, stage: str | None = None, **more: Any) -> FrozenTrial:
    """A trial of the search, or with a seed a repeat of the confirmation; one without a value has failed."""
    params = {"x": x} if seed is None else {"x": x, "seed": seed}
    stage = "confirm" if seed is not None and stage is None else stage
    attributes = {
        **({} if stage is None else {STAGE: stage}),
        **({} if value is not None else {REASON: "a bug"}),
        **more,
    }
    return create_trial(
        state=TrialState.COMPLETE if value is not None else TrialState.FAIL,
        value=value,
        params=params,
        distributions={key: KEYS.dimensions[key].distribution for key in params},
        user_attrs=attributes,
    )


SEARCH = (trial(0.1, 5), trial(0.2, 3), trial(0.3, None), trial(0.4, 4), trial(0.2, 3.5))


def points(plan: ConfirmedPlan, trials: Sequence[FrozenTrial], index: int = 1) -> list[tuple[float, int]]:
    return [(point["x"], point["seed"]) for point in plan.stage(index, trials).points]


def test_the_stages_of_the_search_stay() -> None:
    plan = plan_of()
    assert plan.names == (None, "confirm")
    assert plan.stage(0, []) == stage_of(None)


def test_the_best_configurations_run_on_the_same_further_seeds() -> None:
    stage = plan_of().stage(1, trials_of(*SEARCH))
    assert stage.points == ({"x": 0.2, "seed": 1}, {"x": 0.4, "seed": 1}, {"x": 0.2, "seed": 2}, {"x": 0.4, "seed": 2})
    assert (stage.name, stage.n_trials, stage.only_points, stage.is_counted) == ("confirm", 4, True, False)
    assert (stage.space, set(stage.whole)) == (Space({}, ("fixed=3",)), {"x", "seed"})


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        pytest.param(plan_of(is_maximized=True), [(0.1, 1), (0.4, 1), (0.1, 2), (0.4, 2)], id="maximized"),
        pytest.param(plan_of(top=1, own=1), [(0.2, 0), (0.2, 2)], id="not the seed of the first scores"),
        pytest.param(plan_of(top=9, seeds=2), [(x, s) for s in (1, 2) for x in (0.2, 0.4, 0.1)], id="all there are"),
    ],
)
def test_points(plan: ConfirmedPlan, expected: list[tuple[float, int]]) -> None:
    assert points(plan, trials_of(*SEARCH)) == expected


def test_points_have_values_as_the_space_has_them() -> None:
    space = parse_space({}, ["k=range(1,9)", "c=16,32"])
    numbers = {"k": FloatDistribution(0, 9), "c": FloatDistribution(0, 99)}
    stored = create_trial(value=1.0, params={"k": 3.0, "c": 16.0}, distributions=numbers)
    plan = plan_of(seeds=2, plan=SingleStage(stage_of(None, space=space)))
    point = plan.stage(1, trials_of(stored)).points[0]
    assert [(key, type(value), value) for key, value in point.items()] == [
        ("k", int, 3),
        ("c", int, 16),
        ("seed", int, 1),
    ]


def test_a_larger_number_of_configurations_or_seeds_keeps_the_points_that_have_run() -> None:
    trials = trials_of(*SEARCH)
    few = points(plan_of(), trials)
    assert set(few) < set(points(plan_of(top=3), trials))
    assert set(few) < set(points(plan_of(seeds=4), trials))


def test_no_trial_no_point() -> None:
    assert plan_of().stage(1, trials_of(trial(0.1, None), trial(0.2, 1, **{OUTSIDE: True}))).points == ()


@pytest.mark.parametrize(
    ("last", "x"),
    [
        pytest.param(stage_of("second", "data.folds=5"), 0.4, id="the last stage"),
        pytest.param(stage_of("second", "data.fraction=0.1"), 0.2, id="not one on a part of the data"),
        pytest.param(stage_of("third"), 0.2, id="not one without a complete trial"),
    ],
)
def test_candidates_are_those_of_the_last_stage_on_the_full_data(last: Stage, x: float) -> None:
    plan = plan_of(top=1, plan=Fixed((stage_of("first"), last)))
    trials = trials_of(trial(0.2, 3, stage="first"), trial(0.4, 9, stage="second"))
    stage = plan.stage(2, trials)
    assert stage.points == ({"x": x, "seed": 1}, {"x": x, "seed": 2})
    assert stage.overrides == (last.overrides if x == 0.4 else ())


def test_candidates_are_of_all_stages_with_the_same_overrides() -> None:
    stages = (stage_of("a"), stage_of("b", "data.folds=5"), stage_of("c"))
    trials = trials_of(*(trial(x, x, stage=name) for x, name in ((0.3, "a"), (0.1, "b"), (0.5, "c"))))
    stage = plan_of(top=3, plan=Fixed(stages)).stage(3, trials)
    assert [point["x"] for point in stage.points[:2]] == [0.3, 0.5]


REPEATS = (trial(0.2, 4.0, 1), trial(0.4, 3.8, 1), trial(0.2, 4.4, 2), trial(0.4, 4.0, 2))


def test_the_confirmed_one_has_the_best_mean_of_its_repeats() -> None:
    found = plan_of().confirmation(trials_of(*SEARCH, *REPEATS))
    assert found is not None
    assert found.best is not None
    assert (found.best.repeats.trial, found.best.repeats.first) == (3, 4.0)
    plain = to_plain(found)
    assert plain["trial"] == 3
    assert plain["mean"] == pytest.approx(3.9)
    assert plain["optimism"] == pytest.approx(-0.1)
    assert plain["repeats"] == {"ended": 4, "planned": 4}
    assert plain["ties"] == [1]
    assert [(each["trial"], each["seeds"], each["failed"]) for each in plain["candidates"]] == [
        (3, [1, 2], 0),
        (1, [1, 2], 0),
    ]
    assert plain["candidates"][1]["difference"] == pytest.approx(0.3)


def test_nothing_is_confirmed_before_all_repeats_have_ended() -> None:
    assert plan_of().confirmation(trials_of(*SEARCH)) is None
    found = plan_of().confirmation(trials_of(*SEARCH, *REPEATS[:3]))
    assert found is not None
    assert (found.best, found.is_over, to_plain(found)["trial"]) == (None, False, None)


def test_one_that_fails_on_a_seed_is_behind_those_that_do_not() -> None:
    found = plan_of().confirmation(trials_of(*SEARCH, *REPEATS[:3], trial(0.4, None, 2)))
    assert found is not None
    assert [(each.repeats.trial, each.repeats.failed) for each in found.ranked] == [(1, 0), (3, 1)]
    all_failed = [trial(x, None, seed) for x in (0.2, 0.4) for seed in (1, 2)]
    found = plan_of().confirmation(trials_of(*SEARCH, *all_failed))
    assert found is not None
    assert (found.is_over, found.best) == (True, None)


def test_trials_of_other_seeds_and_configurations_are_no_repeats() -> None:
    others = (trial(0.2, 0.0, 7), trial(0.1, 0.0, 1), trial(0.4, 0.0, stage="confirm"))
    with_others, without = (plan_of().confirmation(trials_of(*SEARCH, *REPEATS, *more)) for more in (others, ()))
    assert with_others == without


def test_halving_runs_the_better_half_on_the_other_seeds() -> None:
    plan = plan_of(top=3, seeds=5, halving=True)
    assert plan.names == (None, "confirm", "confirm_rest")
    first = [trial(x, value, seed) for x, value in ((0.2, 9), (0.4, 3), (0.1, 5)) for seed in (1, 2)]
    trials = trials_of(*SEARCH, *first)
    assert points(plan, trials) == [(x, seed) for seed in (1, 2) for x in (0.2, 0.4, 0.1)]
    assert points(plan, trials, index=2) == [(x, seed) for seed in (3, 4, 5) for x in (0.4, 0.1)]
    rest = [trial(x, value, seed, "confirm_rest") for x, value in ((0.4, 3), (0.1, 2)) for seed in (3, 4, 5)]
    found = plan.confirmation(trials_of(*SEARCH, *first, *rest))
    assert found is not None
    assert (found.is_over, [each.repeats.trial for each in found.ranked]) == (True, [3, 0, 1])


@pytest.mark.parametrize(
    ("space", "own", "names", "message"),
    [
        pytest.param(
            X, ABSENT, (), r"confirm.key must be the key of the config that seeds .*; there is no seed: ", id="no key"
        ),
        pytest.param(KEYS, 0, (), r"confirm.key must not vary in the sweep, as repeats set it; got seed", id="swept"),
        pytest.param(replace(X, is_open=True), 0, (), r"beside hydra.sweeper.custom_search_space", id="a function"),
        pytest.param(X, 0, ("confirm",), r"stages must have other names than .*; got confirm$", id="a stage's name"),
    ],
)
def test_what_cannot_be_confirmed(space: Space, own: object, names: Sequence[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_confirm(Confirm(5), space, own, names)


def pick(noise: Callable[[], float], n: int, top: int, seeds: int, draws: random.Random) -> tuple[float, bool]:
    """Search x for the smallest (x - 0.3)^2 under noise; return the true value of the pick, and if it is its best."""
    plan = plan_of(top, seeds)
    drawn = [draws.random() for _ in range(n)]
    trials = trials_of(*(trial(x, (x - 0.3) ** 2 + noise()) for x in drawn))
    stage = plan.stage(1, trials)
    repeats = [trial(point["x"], (point["x"] - 0.3) ** 2 + noise(), point["seed"]) for point in stage.points]
    found = plan.confirmation(trials_of(*trials, *repeats))
    picked = min(trials, key=lambda each: each.values[0]).number if top == 0 else None
    if found is not None and found.best is not None:
        picked = found.best.repeats.trial
    assert picked is not None
    truth = [(x - 0.3) ** 2 for x in drawn]
    return truth[picked], truth[picked] == min(truth)


def test_confirm_picks_the_true_best_more_often_than_the_raw_best_does_at_the_same_total_budget() -> None:
    def picks(n: int, top: int) -> list[tuple[float, bool]]:
        dice = random.Random(0)
        return [pick(lambda: dice.gauss(0, 0.05), n, top, 5, dice) for _ in range(60)]

    raw, confirmed = picks(45, 0), picks(20, 5)  # 45 trials, or 20 and 5 x 5 repeats
    num_best = [sum(is_best for _, is_best in each) for each in (raw, confirmed)]
    values = [sum(value for value, _ in each) / len(each) for each in (raw, confirmed)]
    print(f"raw, confirmed: true best {num_best} of 60, mean true value {values}")
    assert num_best[1] > 1.5 * num_best[0]
    assert values[1] < 0.8 * values[0]
