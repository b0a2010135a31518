"""The config of a trial that has ended, as this command composes it: a study and its folders are not asked for it."""

from __future__ import annotations

from pathlib import Path

from omegaconf import DictConfig
from optuna import Study
from optuna.trial import FrozenTrial

from tunesmith.resume.comparison import check_ended
from tunesmith.search.sampling.param_sampler import ParamSampler
from tunesmith.search.space.compose import Composer
from tunesmith.search.study.study_of_space import StudyOfSpace
from tunesmith.search.study.trial import Attempt


def compose_ended(
    sampler: ParamSampler, composer: Composer, study: Study, trial: FrozenTrial, folder: Path
) -> DictConfig:
    """Compose a trial's config, with its hydra node, from this command's config and the trial's values.

    folder: the trial's.

    Raises:
        NoPoint: the trial's values are none that this command draws.
        UserError: the folder says that the trial ran with another config.
    """
    assert isinstance(study, StudyOfSpace)
    config = composer.compose(sampler.recall(study, trial), trial.number, Attempt(trial).folder_name)
    check_ended(config, folder)
    return config
