"""From the settings to the plan of a sweep: known points first, stages or one search, the confirmation last."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig

from tunesmith.errors import UserError
from tunesmith.search.confirm.confirmed_plan import ConfirmedPlan, check_confirm
from tunesmith.search.points.known_points import KnownPoints, read_known_points
from tunesmith.search.sampling.sampler import is_enumerated
from tunesmith.search.settings import Settings
from tunesmith.search.space.space import Space
from tunesmith.search.stages.plan import Plan, SingleStage
from tunesmith.search.stages.stage import Stage
from tunesmith.search.stages.staged_plan import make_plan
from tunesmith.search.study.study import DIRECTIONS


def plan_sweep(
    settings: Settings,
    space: Space,
    config: DictConfig,
    loader: ConfigLoader,
    value_of: Callable[[str], Any],
) -> Plan:
    """Return the plan of a sweep; what a user should know of it is in its stages' remarks.

    config: the sweep's; value_of: returns the value of a key in the config that all trials have in common, ABSENT if
    there is none.

    Raises:
        UserError: the points, the stages or the confirmation cannot be planned for this space.
    """
    known = _known_points(settings, space, Path(config.hydra.sweep.dir).parent)
    plan: Plan
    if settings.stages:
        plan = make_plan(settings, space, loader, config, known.points)
    else:
        plan = SingleStage(_only_stage(settings, space, known))
    if settings.confirm is None:
        return plan
    own_seed = value_of(settings.confirm.key)
    check_confirm(settings.confirm, space, own_seed, plan.names)
    return ConfirmedPlan(plan, settings.confirm, own_seed, DIRECTIONS[settings.direction] == "maximize")


def _known_points(settings: Settings, space: Space, studies: Path) -> KnownPoints:
    enumerated = not settings.stages and is_enumerated(settings.sampler, space, settings.n_trials)
    return read_known_points(space, settings.baseline, settings.enqueue, studies, enumerated)


def _only_stage(settings: Settings, space: Space, known: KnownPoints) -> Stage:
    return Stage(
        None,
        space,
        settings.sampler,
        settings.pruner,
        settings.n_trials,
        points=known.points,
        stopping=settings.stopping,
        remarks=known.remarks,
    )
