"""The config of a trial that has ended, as this command composes it: a study and its folders are not asked for it."""

from __future__ import annotations

from pathlib import Path

from omegaconf import DictConfig
from optuna import Study
from optuna.trial import FrozenTrial

from tunesmith.resume.comparison import check_ended
from tunesmith.search.staged_study import StagedStudy
from tunesmith.search.study.trial import Attempt


def compose_ended(study: Study, trial: FrozenTrial, folder: Path) -> DictConfig:
    """Compose a trial's config, with its hydra node, from this command's config of its stage and the trial's values.

    folder: the trial's.

    Raises:
        NoPoint: the trial's values are none that this command draws.
        UserError: the folder says that the trial ran with another config.
    """
    assert isinstance(study, StagedStudy)
    stage, of_stage = study.of(trial)
    params = stage.sampler.recall(of_stage, trial)
    config = stage.composer.compose(params, trial.number, Attempt(trial).folder_name)
    check_ended(config, folder)
    return config
