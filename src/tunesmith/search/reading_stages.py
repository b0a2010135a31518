"""From the settings and what is typed to the stages of a sweep."""

from __future__ import annotations

from collections.abc import Sequence

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig

from tunesmith.search.planning import plan_sweep
from tunesmith.search.prepared_stage import PreparedStage
from tunesmith.search.sampling.param_sampler import ParamSampler
from tunesmith.search.settings import Settings
from tunesmith.search.space.compose import Composer
from tunesmith.search.space.per_choice import find_space
from tunesmith.search.staged_study import Stages
from tunesmith.search.stages.plan import Plan
from tunesmith.search.stages.stage import Stage


def read_stages(settings: Settings, config: DictConfig, typed: Sequence[str], loader: ConfigLoader) -> Stages:
    """Return the stages of a sweep; one without stages has one, which has no name.

    config: the sweep's; typed: the overrides of the command line.

    Raises:
        UserError: the space cannot be parsed, or the sweep cannot be planned over it.
    """
    is_open = settings.custom_search_space is not None
    space, composer = find_space(settings.params, typed, loader, config, is_open)
    planned = plan_sweep(settings, space, config, loader)
    return make_stages(planned.plan, settings, config, composer, planned.remarks)


def make_stages(
    plan: Plan, settings: Settings, config: DictConfig, composer: Composer, remarks: Sequence[str] = ()
) -> Stages:
    """Return the stages of a plan, each with its sampler and the composer of its configs."""

    def prepare(stage: Stage) -> PreparedStage:
        sampler = ParamSampler(settings, stage, config)
        return PreparedStage(stage, composer.of_space(sampler.scope.full_space, stage.name), sampler)

    return Stages(plan, prepare, remarks)
