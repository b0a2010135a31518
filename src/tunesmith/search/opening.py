"""Opens the study of a sweep: first with checks, later again to read what is stored by then."""

from __future__ import annotations

import shutil
from functools import cached_property
from pathlib import Path

import optuna
from omegaconf import DictConfig, OmegaConf
from optuna import Study
from optuna.storages import BaseStorage

from tunesmith import run_folder
from tunesmith.checks import check_folder
from tunesmith.errors import UserError
from tunesmith.search.console.lines import say
from tunesmith.search.results import MULTIRUN_FILE
from tunesmith.search.sampling.param_sampler import ParamSampler
from tunesmith.search.sampling.sampler import is_enumerated, make_pruner
from tunesmith.search.settings import Settings
from tunesmith.search.space.compose import Composer
from tunesmith.search.space.dimension import Params
from tunesmith.search.space.space import Space
from tunesmith.search.storage.stand_ins import StudyNamed
from tunesmith.search.storage.storage import JOURNAL_FILE, open_storage
from tunesmith.search.study.config_record import ConfigRecord, compose_record
from tunesmith.search.study.retries import StaleTrials
from tunesmith.search.study.same_config import check_config, has_unrecorded_trials, join_config
from tunesmith.search.study.study import DIRECTIONS, is_worthless, make_study, open_study
from tunesmith.search.study.study_of_space import StudyOfSpace
from tunesmith.search.study.trial_folders import check_folders


class StudyOpener:
    """Opens one study in its storage."""

    def __init__(
        self, settings: Settings, space: Space, sampler: ParamSampler, composer: Composer, folder: Path
    ) -> None:
        """folder: the study's."""
        self._settings = settings
        self._space = space
        self._sampler = sampler
        self._composer = composer
        self._folder = folder
        self._had_folder = True
        self._study_made_here: str | None = None

    def open(self, config: DictConfig) -> StudyOfSpace:
        """Open the study or make it, end its stale trials, and write multirun.yaml.

        Raises:
            UserError: the storage or the folder cannot be used, or the study has another direction or config.
        """
        settings, folder = self._settings, self._folder
        self._had_folder = folder.exists()  # as late as this: another command may make the same study meanwhile
        if settings.storage is None:
            check_folder("hydra.sweep.dir", folder)
        had_trials = (folder / MULTIRUN_FILE).exists()
        if had_trials and settings.storage is None and not (folder / JOURNAL_FILE).exists():
            raise _no_study_of(folder)
        storage = self._open_storage()
        check_folder("hydra.sweep.dir", folder)
        is_new = make_study(storage, settings.study_name, settings.direction)
        if is_new and had_trials:
            optuna.delete_study(study_name=settings.study_name, storage=storage)
            raise _no_study_of(folder)
        study = self._open_in(storage)
        check_folders(study, folder)
        self._study_made_here = settings.study_name if is_new else None
        self._join(study)
        stale = StaleTrials(study).end()
        if stale:
            say(f"lost trials, resumed from their last checkpoint: {', '.join(map(str, stale))}")
        run_folder.write_text(folder / MULTIRUN_FILE, OmegaConf.to_yaml(config))
        return study

    def reopen(self) -> StudyOfSpace:
        """Read the study from its storage again; waits if the database is restarting."""
        return self._open_in(self._open_storage(waits=True))

    def join(self) -> StudyOfSpace:
        """Open the study in a worker that the sweep has started; the config is compared here, too."""
        study = self.reopen()
        check_folders(study, self._folder)
        self._join(study)
        return study

    def discard_if_worthless(self, study: Study | None) -> None:
        """Delete the study and folder that this call made, if a config error ended it; None: no study was opened."""
        if study is None and not self._had_folder:
            shutil.rmtree(self._folder, ignore_errors=True)
        if study is None or self._study_made_here is None or not is_worthless(study):
            return
        if self._settings.storage is not None:
            storage = self._open_storage()
            optuna.delete_study(study_name=self._study_made_here, storage=storage)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _join(self, study: StudyOfSpace) -> None:
        """Compare the config with what the study has begun with, and record it."""
        compose = self._compose
        check_config(study, self._record, compose)
        if has_unrecorded_trials(study):
            say(f"not compared: study {study.study_name} is of an earlier version, which recorded no config")
        join_config(study, self._record, compose)

    @cached_property
    def _record(self) -> ConfigRecord:
        return compose_record(self._space, self._compose, self._composer.is_group)

    def _compose(self, choices: Params) -> DictConfig:
        return self._composer.compose(choices, 0, "0")

    def _open_storage(self, waits: bool = False) -> BaseStorage:
        settings = self._settings
        named = StudyNamed(settings.study_name, DIRECTIONS[settings.direction])
        return open_storage(settings.storage, self._folder, waits, named)

    def _open_in(self, storage: BaseStorage) -> StudyOfSpace:
        settings = self._settings
        study = open_study(
            storage,
            settings.study_name,
            settings.direction,
            make_pruner(settings.pruner),
            self._space,
            self._record,
            is_enumerated(settings.sampler, self._space, settings.n_trials),
        )
        study.sampler = self._sampler.make_sampler(first_trial=0)  # until the first trial has its number
        return study


def _no_study_of(folder: Path) -> UserError:
    return UserError(
        f"hydra.sweep.dir must be a folder without trials of another study or storage; got {folder}: use another "
        f"study_name, move the folder away, or, if its {JOURNAL_FILE} was lost, python scripts/repair.py {folder}"
    )
