"""Studies in memory, and what tests do with their attempts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf
from optuna import Study, Trial
from optuna.pruners import BasePruner, NopPruner
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.trial import FrozenTrial, TrialState

from tunesmith.search.attribute_names import OWNER, REASON
from tunesmith.search.planning import plan_space
from tunesmith.search.prepared_stage import PreparedStage
from tunesmith.search.sampling.param_sampler import ParamSampler
from tunesmith.search.settings import Settings
from tunesmith.search.space.compose import Composer
from tunesmith.search.space.space import Space, parse_space
from tunesmith.search.stages.stage import Stage
from tunesmith.search.study.budget import ask
from tunesmith.search.study.config_record import ConfigRecord
from tunesmith.search.study.owner import Owner, this_process
from tunesmith.search.study.scope import Scope
from tunesmith.search.study.study import open_study
from tunesmith.search.study.study_of_space import StudyOfSpace

X = parse_space({}, ["x=interval(0,1)"])
ELSEWHERE = Owner(host="other", machine="other", pid=1, started=0.0)


class Clock:
    """Seconds of one process: moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class OvertakenStorage(InMemoryStorage):
    """Lets another worker in once, before a trial is made: between the count and the ask of the first one."""

    overtake: Callable[[], object] | None = None

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        overtake, self.overtake = self.overtake, None
        if overtake is not None:
            overtake()
        return super().create_new_trial(study_id, template_trial)


def opened(
    storage: BaseStorage | None = None,
    sampler: BaseSampler | None = None,
    pruner: BasePruner | None = None,
    space: Space = X,
    direction: str = "min",
    record: ConfigRecord | None = None,
    is_enumerated: bool = False,
    scope: Scope | None = None,
) -> StudyOfSpace:
    """record: of the config that the study's trials have in common; scope: instead of a space, if there is more."""
    scope = scope or Scope(space, is_enumerated=is_enumerated)
    study = open_study(storage or InMemoryStorage(), "study", direction, pruner or NopPruner(), scope, record)
    if sampler is not None:
        study.sampler = sampler
    return study


def asked(study: Study, n_trials: int = 100) -> Trial:
    trial = ask(study, n_trials)
    assert trial is not None
    return trial


def owned(study: Study, owner: Owner, n_trials: int = 100) -> Trial:
    """An attempt that another process has claimed."""
    trial = asked(study, n_trials)
    trial.set_user_attr(OWNER, owner.to_attribute(None))
    return trial


def abandoned(study: Study, owner: Owner | None = None) -> Trial:
    """An attempt that had drawn its value and reported two epochs when its process ended."""
    trial = owned(study, owner or this_process())
    trial.suggest_float("x", 0, 1)
    trial.report(0.5, 1)
    trial.report(0.4, 2)
    return trial


def fail(study: Study, trial: Trial) -> None:
    trial.set_user_attr(REASON, "a bug")
    study.tell(trial, state=TrialState.FAIL)


def states(study: Study) -> list[str]:
    return [trial.state.name for trial in study.trials]


def stage_of(space: Space, settings: Settings) -> Stage:
    """The only stage of a sweep with these settings."""
    stage = plan_space(settings, space).stage(0, ())
    return replace(stage, n_trials=settings.n_trials or 100)


def prepared(space: Space, settings: Settings, composer: object, config: DictConfig | None = None) -> PreparedStage:
    """That stage as a sweep prepares it; composer: has Composer's methods."""
    stage = stage_of(space, settings)
    sampler = ParamSampler(settings, stage, OmegaConf.create() if config is None else config)
    return PreparedStage(stage, cast(Composer, composer), sampler)


def settings_of(**keys: Any) -> Settings:
    """Settings with these keys, all others null."""
    return Settings(**{**dict.fromkeys(Settings.__dataclass_fields__), **keys})
