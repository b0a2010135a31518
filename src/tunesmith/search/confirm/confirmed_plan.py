"""A plan whose last stage runs the best configurations of the stages before it again, on other seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from optuna.distributions import IntDistribution
from optuna.pruners import NopPruner
from optuna.trial import FrozenTrial

from tunesmith.config.selection import ABSENT
from tunesmith.errors import UserError
from tunesmith.search.confirm.confirmation import Confirmation
from tunesmith.search.confirm.options import FIRST_SEEDS, KEY, STAGE, Confirm
from tunesmith.search.confirm.ranking import Repeats, rank
from tunesmith.search.space.dimension import Dimension, Params
from tunesmith.search.space.space import Space
from tunesmith.search.space.values import is_same_param
from tunesmith.search.stages.best import own_point
from tunesmith.search.stages.plan import Plan
from tunesmith.search.stages.stage import Stage, is_on_full_data
from tunesmith.search.stopping_rules import NEVER
from tunesmith.search.study.front import feasible
from tunesmith.search.study.trial import Attempt, State


@dataclass(frozen=True)
class ConfirmedPlan:
    """The stages of a plan, and behind them those of the confirmation.

    The points of a stage are the best configurations of the last stage on the full data, once per seed: pairs of trials
    have the same seed and, as data.split_seed stays, the same data. They are never pruned and not counted.

    own_seed: of the first scores.
    """

    plan: Plan
    confirm: Confirm
    own_seed: object
    is_maximized: bool

    @property
    def names(self) -> Sequence[str | None]:
        return (*self.plan.names, *self.confirm.stages)

    def stage(self, index: int, trials: Sequence[FrozenTrial]) -> Stage:
        before = len(self.plan.names)
        if index < before:
            return self.plan.stage(index, trials)
        base, candidates = self._candidates(trials)
        seeds = self.confirm.further_seeds(self.own_seed)
        if len(self.confirm.stages) > 1:
            seeds = seeds[FIRST_SEEDS:] if index > before else seeds[:FIRST_SEEDS]
        if index > before:
            candidates = self._better_half(candidates, trials)
        key = self.confirm.key
        whole, space = base.whole or base.space.dimensions, _whole_space(base)
        points = tuple({**own_point(space, Attempt(each).params), key: seed} for seed in seeds for each in candidates)
        return replace(
            base,
            name=self.names[index],
            space=Space({}, base.space.fixed),
            pruner=NopPruner(),
            n_trials=len(points),
            whole={**whole, key: Dimension(key, IntDistribution(0, 2**32 - 1))},
            held={},
            points=points,
            only_points=True,
            stopping=NEVER,
            is_counted=False,
            is_rerun=False,
            remarks=(_describe(candidates, seeds),),
            share=self.confirm.top * len(seeds) if index == before else math.ceil(self.confirm.top / 2) * len(seeds),
        )

    def confirmation(self, trials: Sequence[FrozenTrial]) -> Confirmation | None:
        """Return what the repeats say, None before any; trials: all of the study, marked if they are of no stage."""
        _, candidates = self._candidates(trials)
        repeats = [self._repeats(candidate, trials) for candidate in candidates]
        num_ended = sum(len(each.values) + each.failed for each in repeats)
        if not num_ended:
            return None
        ranked = rank(repeats, self.is_maximized)
        return Confirmation(tuple(ranked), num_ended, self._num_planned(len(candidates)), self.is_maximized)

    def _num_planned(self, num_candidates: int) -> int:
        if len(self.confirm.stages) == 1:
            return num_candidates * self.confirm.seeds
        rest = self.confirm.seeds - FIRST_SEEDS
        return num_candidates * FIRST_SEEDS + math.ceil(num_candidates / 2) * rest

    def _candidates(self, trials: Sequence[FrozenTrial]) -> tuple[Stage, list[FrozenTrial]]:
        """Return the last stage on the full data that has a complete, feasible trial, and the best trials, best first.

        They are those of all stages with this one's overrides, since a stage runs no configuration that an earlier one
        has run, unless it is a rerun. Of trials with the same values the best one stands for all.
        """
        stages = [self.plan.stage(index, ()) for index in range(len(self.plan.names))]
        complete = list(feasible(trials))
        ended = {Attempt(trial).stage for trial in complete}
        base = next((each for each in reversed(stages) if each.name in ended and is_on_full_data(each)), None)
        if base is None:
            return stages[-1], []
        is_alone = base.is_rerun
        names = {each.name for each in stages if each is base or (each.overrides == base.overrides and not is_alone)}
        complete = [trial for trial in complete if Attempt(trial).stage in names and _is_of(base, trial)]
        complete.sort(key=lambda trial: (-trial.values[0] if self.is_maximized else trial.values[0], trial.number))
        distinct: list[FrozenTrial] = []
        for trial in complete:
            if not any(_are_same(Attempt(trial).params, Attempt(other).params) for other in distinct):
                distinct.append(trial)
        return base, distinct[: self.confirm.top]

    def _better_half(self, candidates: list[FrozenTrial], trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
        """Return the better half, rounded up, by the repeats of the first confirming stage."""
        first = [trial for trial in trials if Attempt(trial).stage == STAGE]
        ranked = rank((self._repeats(candidate, first) for candidate in candidates), self.is_maximized)
        kept = {each.repeats.trial for each in ranked[: math.ceil(len(ranked) / 2)]}
        return [trial for trial in candidates if trial.number in kept]

    def _repeats(self, candidate: FrozenTrial, trials: Sequence[FrozenTrial]) -> Repeats:
        key, seeds = self.confirm.key, self.confirm.further_seeds(self.own_seed)
        values: dict[int, float] = {}
        failed: set[int] = set()
        for trial in trials:
            attempt = Attempt(trial)
            params = attempt.params
            seed = params.pop(key, None)
            if attempt.stage not in self.confirm.stages or seed not in seeds:
                continue
            if not _are_same(params, Attempt(candidate).params):
                continue
            if attempt.state is State.COMPLETE:
                values[seed] = float(trial.values[0])
            elif attempt.state is State.FAILED:
                failed.add(seed)
        return Repeats(candidate.number, float(candidate.values[0]), values, len(failed - values.keys()))


def _describe(candidates: Sequence[FrozenTrial], seeds: Sequence[int]) -> str:
    if not candidates:
        return "no trial on the full data has run to its end: there is nothing to confirm"
    numbers = ", ".join(str(trial.number) for trial in candidates)
    return f"trial{'s' if len(candidates) > 1 else ''} {numbers} again, each with seeds {', '.join(map(str, seeds))}"


def check_confirm(confirm: Confirm, space: Space, own_seed: object, names: Sequence[str | None]) -> None:
    """Raise UserError for a search that cannot be confirmed; names: of its stages."""
    if own_seed is ABSENT:
        raise UserError(
            f"{KEY}.key must be the key of the config that seeds a run; there is no {confirm.key}: {KEY}.key=NAME "
            "names another one"
        )
    if any(dimension.plain_key == confirm.key for dimension in space.dimensions.values()):
        raise UserError(f"{KEY}.key must not vary in the sweep, as repeats set it; got {confirm.key}: {KEY}.top=null")
    if space.is_open:
        raise UserError(f"{KEY} must be left out beside hydra.sweeper.custom_search_space, whose values it cannot set")
    for name in confirm.stages:
        if name in names:
            raise UserError(f"hydra.sweeper.stages must have other names than {KEY}'s stage; got {name}")


def _is_of(stage: Stage, trial: FrozenTrial) -> bool:
    """Whether all values of a trial are of this command's space, so that they may become overrides."""
    params = Attempt(trial).params
    return own_point(_whole_space(stage), params).keys() == params.keys()


def _whole_space(stage: Stage) -> Space:
    return replace(stage.space, dimensions=stage.whole or stage.space.dimensions)


def _are_same(one: Params, other: Params) -> bool:
    return one.keys() == other.keys() and all(is_same_param(value, other[key]) for key, value in one.items())
