"""Opens the study of a sweep: first with checks, later again to read what is stored by then."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import optuna
from omegaconf import DictConfig, OmegaConf
from optuna import Study
from optuna.pruners import BasePruner, NopPruner
from optuna.storages import BaseStorage

from tunesmith import run_folder
from tunesmith.checks import check_folder
from tunesmith.errors import MachineFault, UserError
from tunesmith.search.console.lines import say
from tunesmith.search.constraints import check_same_constraints
from tunesmith.search.prepared_stage import PreparedStage
from tunesmith.search.results import MULTIRUN_FILE
from tunesmith.search.sampling.sampler import make_pruner
from tunesmith.search.settings import Settings
from tunesmith.search.staged_study import StagedStudy, Stages
from tunesmith.search.storage.stand_ins import StudyNamed
from tunesmith.search.storage.storage import JOURNAL_FILE, open_storage
from tunesmith.search.study.retries import StaleTrials
from tunesmith.search.study.same_config import check_config, has_unrecorded_trials, join_config
from tunesmith.search.study.study import directions_of, is_worthless, make_study, open_study
from tunesmith.search.study.study_of_space import StudyOfSpace
from tunesmith.search.study.trial_folders import check_folders


class StudyOpener:
    """Opens one study in its storage."""

    def __init__(self, settings: Settings, stages: Stages, folder: Path) -> None:
        """folder: the study's."""
        self._settings = settings
        self._stages = stages
        self._folder = folder
        self._joined: set[str | None] = set()
        self._had_folder = True
        self._study_made_here: str | None = None

    def open(self, config: DictConfig) -> StagedStudy:
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
        for stage in self._stages.previews:
            check_config(study, stage.record, stage.compose)
        self._join(study)
        stale = StaleTrials(study).end()
        if stale:
            say(f"lost trials, resumed from their last checkpoint: {', '.join(map(str, stale))}")
        run_folder.write_text(folder / MULTIRUN_FILE, OmegaConf.to_yaml(config))
        return study

    def reopen(self) -> StagedStudy:
        """Read the study from its storage again; waits if the database is restarting."""
        return self._open_in(self._open_storage(waits=True))

    def follow(self) -> StagedStudy:
        """Read the study from its storage beside a worker of this process, in another thread: it begins no stage.

        Raises:
            MachineFault: the journal is gone, which the worker meets as well: to open it would make another one.
        """
        if self._settings.storage is None and not (self._folder / JOURNAL_FILE).exists():
            raise MachineFault(f"{self._folder / JOURNAL_FILE} is gone")
        storage = self._open_storage(waits=True)
        view = partial(self._open_view, storage, NopPruner())
        return StagedStudy(self._settings.study_name, storage, self._stages, view, begins_stages=False)

    def join(self) -> StagedStudy:
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

    def join_stage(self, study: Study, stage: PreparedStage) -> None:
        """Compare the config of a stage with what its trials have begun with, and record it; once in a process.

        Raises:
            UserError: the stage has another config.
        """
        if stage.stage.name not in self._joined:
            check_config(study, stage.record, stage.compose)
            join_config(study, stage.record, stage.compose)
            self._joined.add(stage.stage.name)

    def _join(self, study: StagedStudy) -> None:
        """Compare the config with what the study has begun with, and record it for the stage at work."""
        check_same_constraints(study.get_trials(deepcopy=False), self._settings.constraints, study.study_name)
        if has_unrecorded_trials(study):
            say(f"not compared: study {study.study_name} is of an earlier version, which recorded no config")
        self.join_stage(study, study.current()[0])

    def _open_storage(self, waits: bool = False) -> BaseStorage:
        settings = self._settings
        named = StudyNamed(settings.study_name, directions_of(settings.direction))
        return open_storage(settings.storage, self._folder, waits, named)

    def _open_in(self, storage: BaseStorage) -> StagedStudy:
        settings = self._settings
        make_study(storage, settings.study_name, settings.direction)
        study = StagedStudy(settings.study_name, storage, self._stages, partial(self._open_stage, storage))
        study.current()  # refuses another direction
        return study

    def _open_stage(self, storage: BaseStorage, stage: PreparedStage) -> StudyOfSpace:
        study = self._open_view(storage, make_pruner(stage.stage.pruner), stage)
        study.sampler = stage.sampler.make_sampler(first_trial=0)  # until the first trial has its number
        return study

    def _open_view(self, storage: BaseStorage, pruner: BasePruner, stage: PreparedStage) -> StudyOfSpace:
        name, direction = self._settings.study_name, self._settings.direction
        return open_study(storage, name, direction, pruner, stage.scope, stage.record)


def _no_study_of(folder: Path) -> UserError:
    return UserError(
        f"hydra.sweep.dir must be a folder without trials of another study or storage; got {folder}: use another "
        f"study_name, move the folder away, or, if its {JOURNAL_FILE} was lost, python scripts/repair.py {folder}"
    )
