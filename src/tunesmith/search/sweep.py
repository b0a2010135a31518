"""A sweep from its check to its results: what hydra_plugins.tunesmith_sweeper runs."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf
from optuna import Study

from tunesmith.errors import MachineFault, UserError
from tunesmith.machine_faults import find_machine_fault, leave_full_streams
from tunesmith.search import command
from tunesmith.search.console.lines import say, show_joined, show_space
from tunesmith.search.console.progress import ProgressPrinter
from tunesmith.search.dry_run import check_sweep, show_examples
from tunesmith.search.finish import finish, write_results
from tunesmith.search.opening import StudyOpener
from tunesmith.search.pool.jobs import Jobs
from tunesmith.search.pool.launcher import check_launcher, max_local_workers, read_launcher, runs_on_cluster
from tunesmith.search.pool.local import LocalWorkers
from tunesmith.search.pool.pool import EXIT_MACHINE_FAULT, Pool
from tunesmith.search.sampling.param_sampler import ParamSampler
from tunesmith.search.settings import Settings
from tunesmith.search.space.compose import Composer
from tunesmith.search.space.space import Space, parse_space
from tunesmith.search.storage.password import hide_password, refuse_typed_password
from tunesmith.search.study.counts import count
from tunesmith.search.study.owner import JOB, STARTED, command_started, worker_index
from tunesmith.search.study.retries import requeue_own
from tunesmith.search.study.trial import Attempt
from tunesmith.search.worker import callbacks
from tunesmith.search.worker.executor import Assignment, Executor, Outcome, one_at_a_time
from tunesmith.search.worker.executors.in_process import InProcess
from tunesmith.search.worker.executors.own_process import OwnProcess
from tunesmith.search.worker.interruption import JOB_SIGNALS, SIGNALS, Interruption
from tunesmith.search.worker.worker import Limits, Worker, WorkerMustRestart

# Exit code of a worker that leaves the rest of the budget to a fresh one.
EXIT_MUST_RESTART = 75
STOPPING = "stopping at the end of the batch; Ctrl-C again stops at once"

optuna.logging.set_verbosity(optuna.logging.WARNING)


def run_sweep(
    settings: Settings, context: HydraContext, task: TaskFunction, config: DictConfig, typed: Sequence[str]
) -> dict[str, Any] | None:
    """Run the study that the settings and the typed overrides describe, or in a worker a part of it.

    Returns: the content of optimization_results.yaml, None after a dry run and in a worker.

    Raises:
        UserError: the sweep cannot run as requested (nothing is recorded), or too many trials failed.
    """
    is_worker = worker_index() is not None
    if is_worker:
        callbacks.restore_overrides(config)
    refuse_typed_password(config)
    hide_password(config)
    space = parse_space(settings.params, typed, context.config_loader)
    space = replace(space, is_open=settings.custom_search_space is not None)
    composer = Composer(context.config_loader, config, space)
    sampler = ParamSampler(settings, space, config)
    if is_worker:
        context = callbacks.with_callbacks(context, composer.compose({}, 0, "0"))
    sweep = Sweep(settings, config, space, composer, sampler, _executor(settings, context, task))
    if is_worker:
        sweep.run_as_worker()
        return None
    check_launcher(config, settings.dry_run)
    check_sweep(settings, space, composer, sampler)
    if settings.dry_run:
        show_examples(settings, space, sampler)
        return None
    return sweep.run()


def _executor(settings: Settings, context: HydraContext, task: TaskFunction) -> Executor:
    """Return the executor: trials run in this process, or with isolate or several devices each in its own."""
    in_process, own_process = InProcess(context, task), OwnProcess()

    def run(assignment: Assignment) -> Outcome:
        devices = OmegaConf.select(assignment.config, "hydra.sweeper.devices")
        return (own_process if settings.isolate or devices > 1 else in_process).run(assignment)

    return one_at_a_time(run)


class Sweep:
    """One call of a sweep's command on its study."""

    def __init__(
        self,
        settings: Settings,
        config: DictConfig,
        space: Space,
        composer: Composer,
        sampler: ParamSampler,
        execute: Executor,
    ) -> None:
        self._settings = settings
        self._config = config
        self._space = space
        self._composer = composer
        self._sampler = sampler
        self._execute = execute
        self._folder = Path(config.hydra.sweep.dir)
        self._interruption = Interruption()
        self._opener = StudyOpener(settings, space, sampler, composer, self._folder)
        self._started = time.monotonic() - (time.time() - command_started())

    def run(self) -> dict[str, Any]:
        """Run the trials, write the results and return them."""
        try:
            return self._run()
        except (MachineFault, OSError) as error:
            if (fault := find_machine_fault(error, self._folder)) is None:
                raise
            raise MachineFault(f"{fault}; resume it with: {command.resume_hint(self._study_keys())}") from None

    def _run(self) -> dict[str, Any]:
        study = None
        try:
            study = self._opener.open(self._config)
            say(f"study {self._settings.study_name}; resume it with: {command.resume_hint(self._study_keys())}")
            show_joined(study.get_trials(deepcopy=False), self._limits().n_trials)
            show_space(self._space)
            self._work(study)
        except MachineFault:
            raise
        except UserError:
            self._opener.discard_if_worthless(study)
            raise
        study, is_elsewhere, loader = self._opener.reopen(), runs_on_cluster(self._config), self._composer.loader
        return finish(study, self._settings, self._space, self._folder, self._study_keys(), is_elsewhere, loader)

    def run_as_worker(self) -> None:
        """Run trials of a study that the sweep has checked and opened, as long as the sweep lives."""
        is_job = JOB in os.environ
        if not is_job:  # a job outlives the sweep
            self._interruption.follow(sys.stdin.fileno())
        with self._interruption.listen(signals=JOB_SIGNALS if is_job else SIGNALS):
            study = self._opener.join()
            try:
                self._worker(study).work()
            except WorkerMustRestart as error:
                say(f"this process can run no further trial: {error}")
                requeue_own(self._opener.reopen())
                raise SystemExit(EXIT_MUST_RESTART) from None
            except MachineFault as fault:
                with suppress(OSError):  # the log may be on the disk that is full
                    say(f"error: {fault}")
                leave_full_streams()
                raise SystemExit(EXIT_MACHINE_FAULT) from None

    def _work(self, study: Study) -> None:
        """Run trials until the budget is spent; if interrupted, write the results and raise SystemExit."""
        try:
            with self._interruption.listen(STOPPING):
                self._run_trials(study)
        except WorkerMustRestart as error:
            self._restart(error)
        except MachineFault:
            raise
        except (KeyboardInterrupt, SystemExit, UserError):
            if self._interruption.signal is None:
                self._write_results(self._opener.reopen())
                raise
        study = self._opener.reopen()
        if self._interruption.signal is not None:
            self._write_results(study)
            say(f"interrupted; resume it with: {command.resume_hint(self._study_keys())}")
            raise SystemExit(self._interruption.exit_code)
        self._check_not_all_failed(study)

    def _restart(self, error: WorkerMustRestart) -> None:
        """Replace this process by a fresh one with the same pid and start time; requeue the attempts it owns first."""
        say(f"{error}; a fresh process goes on")
        requeue_own(self._opener.reopen())
        sys.stdout.flush()
        os.execv(sys.executable, command.restart_argv(self._study_name_keys(), self._settings.study_name))

    def _check_not_all_failed(self, study: Study) -> None:
        trials = study.get_trials(deepcopy=False)
        ended = count(trials)
        if ended.counted and ended.failed == ended.counted:
            self._write_results(study)
            reasons = [attempt.reason for attempt in map(Attempt, trials) if attempt.state.is_counted]
            raise UserError(f"all {ended.failed} trials failed, the last one with: {reasons[-1]}")

    def _run_trials(self, study: Study) -> None:
        settings = self._settings
        worker, jobs = self._worker(study), read_launcher(self._config)
        n_workers = min(settings.n_workers, max_local_workers(self._config) or settings.n_workers)
        if n_workers == 1 and jobs is None:
            worker.work()
            return
        started = {STARTED: repr(command_started())}  # the timeout counts from the sweep's start in every worker
        without_callbacks = callbacks.deletions(self._config)
        argv = command.worker_argv(
            self._study_name_keys(), settings.study_name, self._folder.absolute(), *without_callbacks
        )
        work = argv, started, self._folder
        start = LocalWorkers(*work, settings.devices) if jobs is None else Jobs(jobs, *work, settings.devices)
        progress = ProgressPrinter(self._opener.reopen, settings.max_failure_rate)
        Pool(start, self._limits().n_trials, self._interruption).run(n_workers, worker.is_ending, progress)

    def _write_results(self, study: Study) -> None:
        write_results(study, self._settings, self._folder, self._composer.loader)

    def _worker(self, study: Study) -> Worker:
        return Worker(
            study,
            self._sampler.draw,
            self._composer,
            self._execute,
            self._limits(),
            self._interruption,
            self._folder,
            self._started,
        )

    def _limits(self) -> Limits:
        """Return what ends the search; a finite space has no more trials than points."""
        settings, num_points = self._settings, self._space.num_points()
        n_trials = settings.n_trials if num_points is None else min(settings.n_trials, num_points)
        return Limits(
            n_trials, settings.max_failure_rate, settings.max_retries, settings.timeout, settings.trial_timeout
        )

    def _study_name_keys(self) -> list[str]:
        """Return the keys that hold the study's name."""
        is_top_level_key = OmegaConf.select(self._config, "study_name") == self._settings.study_name
        return ["hydra.sweeper.study_name", *["study_name"] * is_top_level_key]

    def _study_keys(self) -> dict[str, str]:
        """Return overrides that lead another call of the command to this study, which a time stamp may have named."""
        *_, key = self._study_name_keys()
        name = {key: self._settings.study_name}
        return name if key == "study_name" else {**name, "hydra.sweep.dir": str(self._folder)}
