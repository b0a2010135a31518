"""From the settings to the plan of a sweep: known points first, stages or one search, the confirmation last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig, OmegaConf

from tunesmith.config.selection import ABSENT
from tunesmith.search.confirm.confirmed_plan import ConfirmedPlan, check_confirm
from tunesmith.search.points.known_points import KnownPoints, read_known_points
from tunesmith.search.sampling.sampler import is_enumerated
from tunesmith.search.settings import Settings
from tunesmith.search.space.compose import Composer
from tunesmith.search.space.dimension import Params
from tunesmith.search.space.space import Space
from tunesmith.search.stages.plan import Plan, SingleStage
from tunesmith.search.stages.stage import Stage
from tunesmith.search.stages.staged_plan import make_plan
from tunesmith.search.study.study import DIRECTIONS


@dataclass(frozen=True)
class Planned:
    """A plan, and what a user should know of how it was made, a line each."""

    plan: Plan
    remarks: tuple[str, ...] = ()


def plan_sweep(settings: Settings, space: Space, config: DictConfig, loader: ConfigLoader) -> Planned:
    """Return the plan of a sweep; config: the sweep's.

    Raises:
        UserError: the points, the stages or the confirmation cannot be planned for this space.
    """
    known = _known_points(settings, space, Path(config.hydra.sweep.dir).parent)
    planned = _plan_search(settings, space, config, loader, known.points)
    remarks = (*space.remarks, *known.remarks, *planned.remarks)
    confirm = settings.confirm
    if confirm is None:
        return Planned(planned.plan, remarks)
    own_seed = OmegaConf.select(Composer(loader, config, space).compose({}, 0, "0"), confirm.key, default=ABSENT)
    check_confirm(confirm, space, own_seed, planned.plan.names)
    plan = ConfirmedPlan(planned.plan, confirm, own_seed, DIRECTIONS[settings.direction] == "maximize")
    return Planned(plan, remarks)


def _plan_search(
    settings: Settings, space: Space, config: DictConfig, loader: ConfigLoader, known: Sequence[Params]
) -> Planned:
    if not settings.stages:
        return Planned(plan_space(settings, space, known))
    staged = make_plan(settings, space, loader, config, known)
    return Planned(staged, staged.remarks)


def _known_points(settings: Settings, space: Space, studies: Path) -> KnownPoints:
    enumerated = not settings.stages and is_enumerated(settings.sampler, space, settings.n_trials)
    return read_known_points(space, settings.baseline, settings.enqueue, studies, enumerated)


def plan_space(settings: Settings, space: Space, known: Sequence[Params] = ()) -> SingleStage:
    """Return the plan of a sweep without stages; known: the points that it runs first."""
    return SingleStage(
        Stage(
            None,
            space,
            settings.sampler,
            settings.pruner,
            settings.n_trials,
            points=tuple(known),
            stopping=settings.stopping,
        )
    )
