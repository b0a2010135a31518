"""The plan of hydra.sweeper.stages: each stage a pure function of the settings, the space and the trials before it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig
from optuna.trial import FrozenTrial

from tunesmith.errors import UserError
from tunesmith.search.settings import PREFIX, Settings
from tunesmith.search.space.space import Params, Space
from tunesmith.search.stage_settings import BEST, KEY, StageSettings
from tunesmith.search.stages.best import best_points, own_point
from tunesmith.search.stages.points import grid_points, one_at_a_time, points_around
from tunesmith.search.stages.scale import narrow
from tunesmith.search.stages.shares import share_out
from tunesmith.search.stages.stage import Stage
from tunesmith.search.stages.stage_configs import StageConfigs
from tunesmith.search.stages.varied import (
    Dimensions,
    check_values,
    level_values,
    most_points,
    near_values,
    varied_dimensions,
)
from tunesmith.search.study.stopping import Stopping
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
        raise UserError(f"{PREFIX}custom_search_space must be left out beside {KEY}: no stage can hold what it suggests")
    if not isinstance(settings.direction, str):
        raise UserError(f"{PREFIX}direction must be one, as {KEY} build on the best trial; got {settings.direction}")
    varied = {stage.name: varied_dimensions(stage, settings.stages, space) for stage in settings.stages}
    stages = [stage for stage in settings.stages if varied[stage.name] or _needs_no_key(stage)]
    if not stages:
        raise UserError(f"{KEY}: no key of the space is in any of them: {', '.join(space.dimensions) or 'it is empty'}")
    if settings.n_trials < len(stages):
        names = ", ".join(stage.name for stage in stages)
        raise UserError(
            f"{PREFIX}n_trials must be at least {len(stages)}, one for each stage ({names}); got {settings.n_trials}"
        )
    for stage in stages:
        check_values(stage, varied[stage.name])
    most = [most_points(stage, varied[stage.name]) for stage in stages]
    most[0] += len(known)
    parts = [stage.n_trials or points for stage, points in zip(stages, most, strict=True)]
    shares = dict(zip((stage.name for stage in stages), share_out(settings.n_trials, parts, most), strict=True))
    configs = StageConfigs(loader, config, space.fixed, settings)
    left_out = [_left_out(stage) for stage in settings.stages if stage not in stages]
    return StagedPlan(settings, space, configs, tuple(stages), shares, varied, tuple(known), tuple(left_out))


def _needs_no_key(stage: StageSettings) -> bool:
    return stage.patterns is None


def _left_out(stage: StageSettings) -> str:
    keys = ", ".join(stage.patterns or ())
    return f"stage {stage.name} is left out: none of its keys ({keys}) is in the space"


@dataclass(frozen=True)
class StagedPlan:
    """The stages of a sweep.

    stages: those that have a key in the space. shares: name -> number of trials. varied: name -> what it varies, whole.
    known: points that the first stage runs first. remarks: which stages are left out.
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
        """Return a stage; without a trial to build on, that of the configuration as it stands, with a remark."""
        own = self.stages[index]
        ranked, is_comparable = self._ranked(index, trials)
        varied = self._narrowed(own, ranked)
        held = self._held(own, ranked)
        points = self._points(own, ranked, varied, is_comparable)
        listed = tuple(itertools.islice(points, self.shares[own.name]))
        if index == 0:
            listed = tuple(_once([*self.known, *listed]))
        share = self.shares[own.name]
        stopping = Stopping()
        return Stage(
            own.name,
            replace(self.space, dimensions=varied, fixed=(*self.space.fixed, *own.overrides)),
            self.configs.component("sampler", own),
            self.configs.component("pruner", own),
            min(share, len(listed)) if own.kind else share,
            self.space.dimensions,
            held,
            listed[:share],
            own.kind is not None,
            stopping,
            overrides=own.overrides,
        )
