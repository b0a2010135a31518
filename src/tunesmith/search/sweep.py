"""A sweep from its check to its results: what hydra_plugins.tunesmith_sweeper runs."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf
from optuna import Study
from optuna.storages import BaseStorage

from tunesmith.checks import check_folder
from tunesmith.errors import UserError
from tunesmith.search import command, results
from tunesmith.search.console.lines import say, show_joined, show_space
from tunesmith.search.console.progress import ProgressPrinter
from tunesmith.search.console.summary import print_summary
from tunesmith.search.dry_run import check_sweep, show_examples
from tunesmith.search.pool.jobs import Jobs
from tunesmith.search.pool.launcher import max_local_workers, read_launcher, runs_on_cluster
from tunesmith.search.pool.local import LocalWorkers
from tunesmith.search.pool.pool import Pool
from tunesmith.search.sampling.sampler import make_pruner
from tunesmith.search.sampling.suggest import ParamSampler
from tunesmith.search.settings import Settings
from tunesmith.search.space.compose import Composer
from tunesmith.search.space.space import parse_space
from tunesmith.search.storage.password import hide_password, take_password
from tunesmith.search.storage.reconnecting import StorageLost
from tunesmith.search.storage.storage import open_storage
from tunesmith.search.study.attempts import StaleTrials, requeue_own
from tunesmith.search.study.owner import JOB, STARTED, command_started, worker_index
from tunesmith.search.study.study import REASON, counts, is_worthless, make_study, open_study
from tunesmith.search.worker.executors.in_process import InProcess
from tunesmith.search.worker.executors.own_process import OwnProcess
from tunesmith.search.worker.interruption import JOB_SIGNALS, SIGNALS, Interruption
from tunesmith.search.worker.worker import Assignment, Limits, Outcome, Worker, WorkerMustRestart

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
        settings = replace(settings, storage=take_password(settings.storage))
        hide_password(config)
        self.settings = settings
        self.config = config
        space = parse_space(settings.params, typed, context.config_loader)
        self.space = replace(space, is_open=settings.custom_search_space is not None)
        self.composer = Composer(context.config_loader, config, self.space)
        self.in_process, self.own_process = InProcess(context, task), OwnProcess()
        self.folder = Path(config.hydra.sweep.dir)
        self.suggest = ParamSampler(settings, self.space, config)
        self.interruption = Interruption()
        self.is_ours = False  # whether this call made the study
        self.started = time.monotonic() - (time.time() - command_started())

    def run(self) -> dict[str, Any] | None:
        """Check, run the trials, write the results; returns these, None after a dry run and in a worker."""
        if worker_index() is not None:
            self._run_as_worker()
            return None
        check_sweep(self.settings, self.config, self.space, self.composer, self.suggest)
        if self.settings.dry_run:
            show_examples(self.settings, self.space, self.suggest)
            return None
        had_folder, study = self.folder.exists(), None
        try:
            study = self._open()
            say(f"study {self.settings.study_name}; resume it with: {command.resume_hint(self._place())}")
            show_joined(study.get_trials(deepcopy=False), self.settings.n_trials)
            show_space(self.space)
            self._work(study)
        except StorageLost:
            say(f"resume it with: {command.resume_hint(self._place())}")
            raise
        except UserError:
            if study is None and not had_folder:
                shutil.rmtree(self.folder, ignore_errors=True)
            if study is not None and self.is_ours and is_worthless(study):
                self._discard(study)
            raise
        return self._finish(self._reopened())

    def _run_as_worker(self) -> None:
        """Run trials of a study that the sweep has checked and opened, as long as the sweep lives."""
        is_job = JOB in os.environ
        if not is_job:  # which outlives the sweep
            self.interruption.follow(sys.stdin.fileno())
        with self.interruption.listening(signals=JOB_SIGNALS if is_job else SIGNALS):
            study = self._reopened()
            try:
                self._worker(study).work()
            except WorkerMustRestart as error:
                say(f"this process can run no further trial: {error}")
                requeue_own(self._reopened())
                raise SystemExit(EXIT_SPENT) from None

    def _open(self) -> Study:
        settings = self.settings
        if settings.storage is None:
            check_folder("hydra.sweep.dir", self.folder)
        had_trials = (self.folder / results.MULTIRUN_FILE).exists()
        storage = open_storage(settings.storage, self.folder)
        check_folder("hydra.sweep.dir", self.folder)
        self.is_ours = make_study(storage, settings.study_name, settings.direction)
        if self.is_ours and had_trials:
            optuna.delete_study(study_name=settings.study_name, storage=storage)
            raise UserError(
                f"hydra.sweep.dir must be a folder without trials of another study or storage; got {self.folder}: "
                "use another study_name, or move the folder away"
            )
        study = self._open_in(storage)
        healed = StaleTrials(study, settings.max_retries).heal()
        if healed:
            say(f"lost trials, resumed from their last checkpoint: {', '.join(map(str, healed))}")
        OmegaConf.save(self.config, self.folder / results.MULTIRUN_FILE)
        return study

    def _reopened(self) -> Study:
        """Return the study as it is stored, whatever this process knew of it."""
        return self._open_in(open_storage(self.settings.storage, self.folder, is_patient=True))

    def _open_in(self, storage: BaseStorage) -> Study:
        settings = self.settings
        study = open_study(storage, settings.study_name, settings.direction, make_pruner(settings.pruner), self.space)
        study.sampler = self.suggest.make_sampler(first_trial=0)  # until the first trial has its number
        return study

    def _work(self, study: Study) -> None:
        try:
            with self.interruption.listening(STOPPING):
                self._run_trials(study)
        except WorkerMustRestart as error:
            say(f"{error}; a fresh process goes on")
            requeue_own(self._reopened())  # the fresh one has the same pid and start time
            sys.stdout.flush()
            os.execv(sys.executable, command.restart_argv(self._study_keys(), self.settings.study_name))
        except StorageLost:
            raise
        except (KeyboardInterrupt, SystemExit, UserError):
            if self.interruption.signal is None:
                self._write_results(self._reopened())
                raise
        study = self._reopened()
        if self.interruption.signal is not None:
            self._write_results(study)
            say(f"interrupted; resume it with: {command.resume_hint(self._place())}")
            raise SystemExit(self.interruption.exit_code)
        trials = study.get_trials(deepcopy=False)
        ended = counts(trials)
        if ended.counted and ended.failed == ended.counted:
            self._write_results(study)
            reasons = [trial.user_attrs[REASON] for trial in trials if REASON in trial.user_attrs]
            raise UserError(f"all {ended.failed} trials failed, the last one with: {reasons[-1]}")

    def _run_trials(self, study: Study) -> None:
        worker, jobs = self._worker(study), read_launcher(self.config)
        n_workers = min(self.settings.n_workers, max_local_workers(self.config) or self.settings.n_workers)
        if n_workers == 1 and jobs is None:
            worker.work()
            return
        name, devices = self.settings.study_name, self.settings.devices
        started = {STARTED: repr(command_started())}  # the time is the sweep's, whenever a worker comes in
        work = command.worker_argv(self._study_keys(), name, self.folder.absolute()), started, self.folder
        start = LocalWorkers(*work, devices) if jobs is None else Jobs(jobs, *work, devices)
        pool = Pool(start, worker.limits.n_trials, self.interruption)
        pool.run(n_workers, worker.is_ending, ProgressPrinter(self._reopened, self.settings.max_failure_rate))

    def _worker(self, study: Study) -> Worker:
        settings, points = self.settings, self.space.num_points()
        n_trials = settings.n_trials if points is None else min(settings.n_trials, points)
        limits = Limits(
            n_trials, settings.max_failure_rate, settings.max_retries, settings.timeout, settings.trial_timeout
        )
        return Worker(
            study, self.suggest, self.composer, self._execute, limits, self.interruption, self.folder, self.started
        )

    def _study_keys(self) -> list[str]:
        """Return the keys that hold the study's name."""
        has_its_own = OmegaConf.select(self.config, "study_name") == self.settings.study_name
        return ["hydra.sweeper.study_name", *["study_name"] * has_its_own]

    def _place(self) -> dict[str, str]:
        """Return the keys that lead another call of the command to this study, which a time stamp may have named."""
        *_, key = self._study_keys()
        name = {key: self.settings.study_name}
        return name if key == "study_name" else {**name, "hydra.sweep.dir": str(self.folder)}

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
            if test is None and on_finish is not None and results.is_best_here(self.folder, found):
                test = self._evaluated(on_finish, self.folder / found["best_dir"])
            if test is not None:
                found = results.write_test(self.folder, found, test)
        print_summary(found, results.ties(study), self.settings, self.space, self.folder, self._place())
        return found

    def _evaluated(self, on_finish: Callable[[Path], Mapping[str, Any]], folder: Path) -> dict[str, Any] | None:
        """Return what on_finish finds; None where trials ran on machines that this one is not like."""
        try:
            return dict(on_finish(folder))
        except UserError as error:
            if not runs_on_cluster(self.config):
                raise
            say(f"the best trial is not evaluated on this machine: {error}")
            return None

    def _discard(self, study: Study) -> None:
        """Leave nothing of a study that this call made and that met a user's mistake at once."""
        if self.settings.storage is not None:
            optuna.delete_study(study_name=study.study_name, storage=open_storage(self.settings.storage, self.folder))
        shutil.rmtree(self.folder, ignore_errors=True)
