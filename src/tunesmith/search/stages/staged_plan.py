"""The plan of hydra.sweeper.stages: each stage a pure function of the settings, the space and the trials before it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import partial
from typing import Any

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig
from optuna.trial import FrozenTrial

from tunesmith.errors import UserError
from tunesmith.search.settings import PREFIX, Settings
from tunesmith.search.space.dimension import Params
from tunesmith.search.space.space import Space
from tunesmith.search.stage_settings import BEST, KEY, StageSettings
from tunesmith.search.stages.best import best_points, own_point
from tunesmith.search.stages.shares import share_out
from tunesmith.search.stages.stage import Stage
from tunesmith.search.stages.stage_configs import StageConfigs
from tunesmith.search.stages.stage_points import StagePoints
from tunesmith.search.stages.varied import Dimensions, check_values, most_points, settle, varied_dimensions
from tunesmith.search.stopping_rules import Stopping
from tunesmith.search.study.study import DIRECTIONS


def make_plan(
    settings: Settings, space: Space, loader: ConfigLoader, config: DictConfig, known: Sequence[Params] = ()
) -> StagedPlan:
    """Plan the stages of a sweep; one whose keys are not in the space is left out, and the others get its share.

    config: the sweep's. known: points that the first stage runs before its own.

    Raises:
        UserError: there are fewer trials than stages, or a stage cannot be planned for this space.
    """
    if settings.custom_search_space is not None:
        raise UserError(
            f"{PREFIX}custom_search_space must be left out beside {KEY}: no stage can hold what it suggests"
        )
    if not isinstance(settings.direction, str):
        raise UserError(f"{PREFIX}direction must be one, as {KEY} build on the best trial; got {settings.direction}")
    varied = {stage.name: varied_dimensions(stage, settings.stages, space) for stage in settings.stages}
    stages = [stage for stage in settings.stages if varied[stage.name] or _needs_no_key(stage)]
    if not stages:
        named = ", ".join(dict.fromkeys(pattern for stage in settings.stages for pattern in stage.patterns or ()))
        keys = ", ".join(space.dimensions) or "no key"
        raise UserError(f"{KEY} must name keys of the space, which has {keys}; got {named}")
    if settings.n_trials < len(stages):
        names = ", ".join(stage.name for stage in stages)
        raise UserError(
            f"{PREFIX}n_trials must be at least {len(stages)}, one for each stage ({names}); got {settings.n_trials}"
        )
    if stages[0].top:
        raise UserError(f"{stages[0].key('top')} must stand behind another stage, whose best trials it runs again")
    for stage in stages:
        check_values(stage, varied[stage.name])
    most = [most_points(stage, varied[stage.name]) for stage in stages]
    parts = [stage.n_trials or points for stage, points in zip(stages, most, strict=True)]
    runs_baseline = stages[0].kind in ("baseline", "one_at_a_time")
    most[0] += sum(1 for point in known if point or not runs_baseline)
    shares = dict(zip((stage.name for stage in stages), share_out(settings.n_trials, parts, most), strict=True))
    configs = StageConfigs(loader, config, space.fixed, settings)
    left_out = [_left_out(stage) for stage in settings.stages if stage not in stages]
    left_out += [line for stage in settings.stages for line in _misspelt(stage, list(space.dimensions))]
    return StagedPlan(settings, space, configs, tuple(stages), shares, varied, tuple(known), tuple(left_out))


def _needs_no_key(stage: StageSettings) -> bool:
    return stage.patterns is None


def _left_out(stage: StageSettings) -> str:
    keys = ", ".join(stage.patterns or ())
    return f"stage {stage.name} is left out: none of its keys ({keys}) is in the space"


def _misspelt(stage: StageSettings, keys: Sequence[str]) -> Iterator[str]:
    """Yield a line for each key that is almost one of the space; recipes name keys that a space need not have."""
    for pattern in stage.patterns or ():
        meant = [] if pattern in keys or "*" in pattern else get_close_matches(pattern, keys, n=1, cutoff=0.9)
        if meant:
            yield f"stage {stage.name} names {pattern}, which is not in the space; did you mean {meant[0]}?"


_FROM_DEFAULTS = "no trial before this stage has run to its end: it starts from the configuration as it stands"
_NOTHING_TO_RUN = "no trial before this stage has run to its end: there is none for it to run again"


@dataclass(frozen=True)
class StagedPlan:
    """The stages of a sweep.

    stages: those that have a key in the space. shares: name -> number of trials. varied: name -> what it varies, whole.
    known: points that the first stage runs first. remarks: which stages are left out, which keys are misspelt.
    """

    settings: Settings
    space: Space
    configs: StageConfigs
    stages: tuple[StageSettings, ...]
    shares: dict[str, int]
    varied: dict[str, Dimensions]
    known: tuple[Params, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def names(self) -> Sequence[str]:
        return tuple(stage.name for stage in self.stages)

    def stage(self, index: int, trials: Sequence[FrozenTrial]) -> Stage:
        """Return a stage; if no trial before it has run to its end, that of the configuration as it stands.

        Raises:
            UserError: there is no sampler or pruner of the stage's name; Hydra's own error for an override of it.
        """
        own, share = self.stages[index], self.shares[self.stages[index].name]
        ranked, is_comparable = self._ranked(index, trials)
        held = self._held(own, ranked)
        varied = self._varied(own, held)
        value_of = partial(self.configs.value, own)
        maker = StagePoints(own, ranked, varied, self.space.dimensions, value_of, self.settings.seed or 0)
        done = ranked if is_comparable and own.kind in ("grid", "neighbours") else ()
        points = tuple(self._points(index, maker.make(share + len(done) + len(self.known)), held, done))
        return Stage(
            own.name,
            replace(
                self.space, dimensions=varied if own.kind else maker.narrowed, fixed=(*self.space.fixed, *own.overrides)
            ),
            self.configs.component("sampler", own),
            self.configs.component("pruner", own),
            min(share, len(points)) if own.kind else share,
            self.space.dimensions,
            held,
            points,
            own.kind is not None,
            self._stopping(own),
            is_rerun=own.top is not None,
            overrides=own.overrides,
            remarks=self._remarks(index, ranked),
            share=share,
        )

    def _remarks(self, index: int, ranked: Sequence[Params]) -> tuple[str, ...]:
        own = self.stages[index]
        builds_on_best = own.kind in ("neighbours", "top") or own.narrow is not None or own.patterns is not None
        if index == 0 or ranked or not builds_on_best:
            return ()
        return (_NOTHING_TO_RUN if own.top else _FROM_DEFAULTS,)

    def _ranked(self, index: int, trials: Sequence[FrozenTrial]) -> tuple[list[Params], bool]:
        """Return the best configurations before a stage, and whether their values can be compared with its own.

        Values are compared among stages with the same overrides alone: those with the stage's own, or if none of those
        has a complete trial, those of the stage before. The best few, `top`, are always those of the stage before.
        """
        assert isinstance(self.settings.direction, str)
        own, before = self.stages[index], self.stages[:index]
        nearest = [stage.overrides for stage in reversed(before)]
        for overrides in dict.fromkeys(nearest if own.top else [own.overrides, *nearest]):
            names = {stage.name for stage in before if stage.overrides == overrides}
            ranked = best_points(trials, names, self.space, DIRECTIONS[self.settings.direction] == "maximize")
            if ranked:
                return ranked, overrides == own.overrides
        return [], False

    def _varied(self, own: StageSettings, held: Params) -> Dimensions:
        """Return what a stage varies, with the conditions decided that other keys than these decide."""
        values = {key.lstrip("+"): value for key, value in held.items()}
        varied = self.varied[own.name]

        def value_of(key: str) -> Any:
            return values[key] if key in values else self.configs.value(own, key)

        return settle(varied, value_of, {each.plain_key for each in varied.values()})

    def _held(self, own: StageSettings, ranked: Sequence[Params]) -> Params:
        """Return the values of the keys that a stage does not vary: those of the best so far."""
        if own.others != BEST or not ranked or own.kind in ("top", "baseline"):
            return {}
        fixed = {each.plain_key for each in self.varied[own.name].values()} | own.overridden
        return {key: value for key, value in ranked[0].items() if key.lstrip("+") not in fixed}

    def _points(
        self, index: int, own_points: Iterable[Params], held: Params, done: Iterable[Params]
    ) -> Iterator[Params]:
        """Yield the points of a stage, each configuration once and no more than its share, without those done."""
        own = self.stages[index]
        known = self.known if index == 0 else ()
        share = self.shares[own.name] if known or own.kind else 0
        rest = {**self._as_it_stands(own), **held} if share else {}
        seen = {_key({**rest, **point}) for point in done}
        for point in itertools.chain(known, own_points):
            key = _key({**rest, **point})
            if share and key not in seen:
                seen.add(key)
                share -= 1
                yield point

    def _as_it_stands(self, own: StageSettings) -> Params:
        """Return the config's values of the keys of the space, without those outside of their ranges."""
        keys = {each.key for each in self.space.dimensions.values()}
        return own_point(self.space, {key: self.configs.value(own, key) for key in keys})

    def _stopping(self, own: StageSettings) -> Stopping:
        """Return what ends a stage: its own keys, else the sweeper's; of total_epochs a part like that of n_trials."""
        of_sweep = self.settings.stopping
        target = of_sweep.target if own.target is None else own.target
        patience = of_sweep.no_improvement if own.no_improvement is None else own.no_improvement
        part = self.shares[own.name] / sum(self.shares.values())
        shared = None if of_sweep.total_epochs is None else math.ceil(of_sweep.total_epochs * part)
        return Stopping(target, patience, shared if own.total_epochs is None else own.total_epochs)


def _key(point: Params) -> frozenset[tuple[str, Any]]:
    return frozenset(point.items())
