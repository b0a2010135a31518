"""A sweep from its check to its results: what hydra_plugins.tunesmith_sweeper runs."""

from __future__ import annotations

import copy
import itertools
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf
from optuna import Study, Trial
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage

from tunesmith import results
from tunesmith.checks import check_folder
from tunesmith.errors import UserError
from tunesmith.outcome import show_outcome
from tunesmith.search import command
from tunesmith.search.attempts import Healer, give_back_own
from tunesmith.search.compose import Composer, hide_password
from tunesmith.search.console import say, show_space
from tunesmith.search.in_process import InProcess
from tunesmith.search.interruption import Interruption
from tunesmith.search.news import News
from tunesmith.search.own_process import OwnProcess
from tunesmith.search.owners import worker_index
from tunesmith.search.pool import Pool
from tunesmith.search.sampler import make_pruner, make_sampler
from tunesmith.search.settings import Settings
from tunesmith.search.space import parse_space
from tunesmith.search.storage import check_url, open_storage
from tunesmith.search.study import DIRECTIONS, REASON, counts, is_idle, open_study
from tunesmith.search.worker import Assignment, Limits, Outcome, Worker, WorkerSpent

BASIC_LAUNCHER = "hydra._internal.core_plugins.basic_launcher.BasicLauncher"
NUM_EXAMPLES = 5
MAX_GROUP_COMBINATIONS = 64

# Exit code of a worker that leaves the rest of the budget to a fresh one.
EXIT_SPENT = 75
STOPPING = "stopping at the end of the batch; Ctrl-C again stops at once"

optuna.logging.set_verbosity(optuna.logging.WARNING)


class Sweep:
    """One call of a sweep's command on its study."""

    def __init__(
        self,
        settings: Settings,
        context: HydraContext,
        task: TaskFunction,
        config: DictConfig,
        typed: Sequence[str],
    ) -> None:
        """Raises UserError where the space cannot be parsed."""
        self.settings = settings
        self.config = config
        space = parse_space(settings.params, typed, context.config_loader)
        self.space = replace(space, is_open=settings.custom_search_space is not None)
        self.composer = Composer(context.config_loader, config, self.space)
        self.in_process, self.own_process = InProcess(context, task), OwnProcess()
        self.folder = Path(config.hydra.sweep.dir)
        self.sampler: BaseSampler | None = None
        self.interruption = Interruption()
        self.started = time.monotonic()

    def run(self) -> dict[str, Any] | None:
        """Check, run the trials, write the results; returns these, None after a dry run and in a worker."""
        if worker_index() is not None:
            self._run_as_worker()
            return None
        self._check()
        if self.settings.dry_run:
            show_space(self.space)
            self._show_examples()
            return None
        is_new = not self.folder.exists()
        study: Study | None = None
        try:
            study = self._open()
            say(f"study {self.settings.study_name}; resume it with: {command.shown(self.settings.study_name)}")
            show_space(self.space)
            self._work(study)
        except UserError:
            if is_new and (study is None or is_idle(study)):
                self._discard(study)
            raise
        return self._finish(self._reopened())

    def _run_as_worker(self) -> None:
        """Run trials of a study that the sweep has checked and opened, as long as the sweep lives."""
        self.interruption.follow(sys.stdin.fileno())
        with self.interruption.listening():
            study = self._reopened()
            try:
                self._worker(study).work()
            except WorkerSpent as error:
                say(f"this process can run no further trial: {error}")
                give_back_own(self._reopened())
                raise SystemExit(EXIT_SPENT) from None

    def _check(self) -> None:
        """Compose the config at the ends of every dimension; nothing is recorded before this has passed."""
        if OmegaConf.select(self.config, "hydra.launcher._target_") != BASIC_LAUNCHER:
            raise UserError("hydra/launcher must be basic: trials run in this process")
        check_url(self.settings.storage)
        make_pruner(self.settings.pruner)
        self._make_sampler(first_trial=0)
        for params in self._extremes():
            config = self.composer.compose(params, 0, "0")
            if self.settings.check is not None:
                self.settings.check(config)

    def _extremes(self) -> Iterator[Mapping[str, Any]]:
        """Yield every end of every dimension once, for each combination of group choices (the first 64)."""
        ends = {key: dimension.extremes() for key, dimension in self.space.dimensions.items()}
        groups = [key for key in ends if self.composer.is_group(key)]
        first = {key: values[0] for key, values in ends.items()}
        combinations = itertools.product(*(ends[key] for key in groups))
        for combination in itertools.islice(combinations, MAX_GROUP_COMBINATIONS):
            context = {**first, **dict(zip(groups, combination, strict=True))}
            yield context
            for key in ends.keys() - set(groups):
                yield from ({**context, key: value} for value in ends[key][1:])

    def _make_sampler(self, first_trial: int) -> BaseSampler:
        settings = self.settings
        return make_sampler(settings.sampler, self.space, settings.n_trials, settings.seed, first_trial)

    def _suggest(self, trial: Trial) -> Mapping[str, Any]:
        if self.sampler is None:
            self.sampler = trial.study.sampler = self._make_sampler(first_trial=trial.number)
        params = {key: dimension.suggest(trial) for key, dimension in self.space.dimensions.items()}
        if self.settings.custom_search_space is not None:
            self.settings.custom_search_space(self.config, trial)
            params |= {key: value for key, value in trial.params.items() if key not in params}
        return params

    def _open(self) -> Study:
        settings = self.settings
        if settings.storage is None:
            check_folder("hydra.sweep.dir", self.folder)
        storage = open_storage(settings.storage, self.folder)
        check_folder("hydra.sweep.dir", self.folder)
        study = self._open_in(storage)
        healed = Healer(study, settings.max_retries).heal()
        if healed:
            say(f"lost trials, resumed from their last checkpoint: {', '.join(map(str, healed))}")
        asked = copy.deepcopy(self.config)
        hide_password(asked)
        OmegaConf.save(asked, self.folder / results.ASKED_FILE)
        return study

    def _reopened(self) -> Study:
        """Return the study as it is stored, whatever this process knew of it."""
        return self._open_in(open_storage(self.settings.storage, self.folder))

    def _open_in(self, storage: BaseStorage) -> Study:
        settings = self.settings
        study = open_study(storage, settings.study_name, settings.direction, make_pruner(settings.pruner), self.space)
        study.sampler = self._make_sampler(first_trial=0)  # of the right kind until the first trial has its number
        return study

    def _work(self, study: Study) -> None:
        try:
            with self.interruption.listening(STOPPING):
                self._run_trials(study)
        except WorkerSpent as error:
            say(f"{error}; a fresh process goes on")
            give_back_own(self._reopened())  # it has the same pid and start time
            os.execv(sys.executable, self._worker_command())
        except (KeyboardInterrupt, SystemExit, UserError):
            self._write_results(self._reopened())
            raise
        if self.interruption.signal is not None:
            self._write_results(self._reopened())
            say(f"interrupted; resume it with: {command.shown(self.settings.study_name)}")
            raise SystemExit(self.interruption.exit_code)
        trials = self._reopened().get_trials(deepcopy=False)
        ended = counts(trials)
        if ended.counted and ended.failed == ended.counted:
            self._write_results(study)
            reasons = [trial.user_attrs[REASON] for trial in trials if REASON in trial.user_attrs]
            raise UserError(f"all {ended.failed} trials failed, the last one with: {reasons[-1]}")

    def _run_trials(self, study: Study) -> None:
        worker = self._worker(study)
        if self.settings.n_workers == 1:
            worker.work()
            return
        devices = self.settings.devices
        pool = Pool(self._worker_command, self.folder, worker.limits.n_trials, self.interruption, devices)
        news = News(self._reopened, self.settings.max_failure_rate)
        pool.run(self.settings.n_workers, worker.is_ending, news)

    def _worker(self, study: Study) -> Worker:
        settings, points = self.settings, self.space.num_points()
        n_trials = settings.n_trials if points is None else min(settings.n_trials, points)
        limits = Limits(
            n_trials, settings.max_failure_rate, settings.max_retries, settings.timeout, settings.trial_timeout
        )
        return Worker(study, self._suggest, self.composer, self._execute, limits, self.interruption, self.started)

    def _worker_command(self) -> list[str]:
        timeout = self.settings.timeout
        left = None if timeout is None else timeout - (time.monotonic() - self.started)
        names = ["hydra.sweeper.study_name"]
        if OmegaConf.select(self.config, "study_name") == self.settings.study_name:
            names.append("study_name")
        return command.of_worker(names, self.settings.study_name, self.folder.absolute(), left)

    def _execute(self, assignments: Sequence[Assignment]) -> Iterator[Outcome]:
        """Run each trial where it belongs: in this process, or in one of its own."""
        for assignment in assignments:
            devices = OmegaConf.select(assignment.config, "hydra.sweeper.devices")
            execute = self.own_process if self.settings.isolate or devices > 1 else self.in_process
            yield from execute([assignment])

    def _write_results(self, study: Study) -> dict[str, Any]:
        return results.write_results(study, self.folder, self.settings.max_epochs, self.settings.folds)

    def _finish(self, study: Study) -> dict[str, Any]:
        """Write the results and evaluate the best trial; of several sweeps on one study one at a time."""
        with FileLock(self.folder / ".finish.lock"):
            found = self._write_results(study)
            on_finish = self.settings.on_finish
            test = results.stored_test(self.folder, found)
            if test is None and on_finish is not None and found["best_dir"] is not None:
                test = dict(on_finish(self.folder / found["best_dir"]))
            if test is not None:
                found = results.write_test(self.folder, found, test)
        show_outcome(found, results.ties(study), self.settings, self.space, self.folder)
        return found

    def _show_examples(self) -> None:
        """Print the first configurations that the search would try; its study is forgotten."""
        study = optuna.create_study(direction=DIRECTIONS[self.settings.direction])
        points = self.space.num_points()
        say("dry run: every key exists and every end of the space composes; the first configurations")
        for _ in range(NUM_EXAMPLES if points is None else min(NUM_EXAMPLES, points)):
            say("  " + "  ".join(self.space.overrides(self._suggest(study.ask()))))

    def _discard(self, study: Study | None) -> None:
        """Leave nothing of a study that this call began and that met a user's mistake at once."""
        if study is not None and self.settings.storage is not None:
            optuna.delete_study(study_name=study.study_name, storage=open_storage(self.settings.storage, self.folder))
        shutil.rmtree(self.folder, ignore_errors=True)
