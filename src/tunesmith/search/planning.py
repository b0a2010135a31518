"""From the settings to the plan of a sweep: known points first, stages or one search, the confirmation last."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig, OmegaConf

from tunesmith.config.selection import ABSENT
from tunesmith.search.confirm.confirmed_plan import ConfirmedPlan, check_confirm
from tunesmith.search.points.known_points import NONE_KNOWN, KnownPoints, read_known_points
from tunesmith.search.sampling.sampler import is_enumerated
from tunesmith.search.settings import Settings
from tunesmith.search.space.compose import Composer
from tunesmith.search.space.space import Space
from tunesmith.search.stages.plan import Plan, SingleStage
from tunesmith.search.stages.stage import Stage
from tunesmith.search.stages.staged_plan import make_plan
from tunesmith.search.study.study import DIRECTIONS


def plan_sweep(settings: Settings, space: Space, config: DictConfig, loader: ConfigLoader) -> Plan:
    """Return the plan of a sweep; config: the sweep's.

    Raises:
        UserError: the points, the stages or the confirmation cannot be planned for this space.
    """
    known = _known_points(settings, space, Path(config.hydra.sweep.dir).parent)
    plan: Plan
    if settings.stages:
        staged = make_plan(settings, space, loader, config, known.points)
        plan = replace(staged, remarks=(*known.remarks, *staged.remarks))
    else:
        plan = plan_space(settings, space, known)
    if settings.confirm is None:
        return plan
    base = Composer(loader, config, space).compose({}, 0, "0")
    own_seed = OmegaConf.select(base, settings.confirm.key, default=ABSENT)
    check_confirm(settings.confirm, space, own_seed, plan.names)
    return ConfirmedPlan(plan, settings.confirm, own_seed, DIRECTIONS[settings.direction] == "maximize")


def _known_points(settings: Settings, space: Space, studies: Path) -> KnownPoints:
    enumerated = not settings.stages and is_enumerated(settings.sampler, space, settings.n_trials)
    return read_known_points(space, settings.baseline, settings.enqueue, studies, enumerated)


def plan_space(settings: Settings, space: Space, known: KnownPoints = NONE_KNOWN) -> SingleStage:
    """Return the plan of a sweep without stages."""
    stage = Stage(None, space, settings.sampler, settings.pruner, settings.n_trials, stopping=settings.stopping)
    return SingleStage(replace(stage, points=known.points, remarks=known.remarks))
