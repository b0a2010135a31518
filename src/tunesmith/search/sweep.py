"""A sweep from its check to its results: what hydra_plugins.tunesmith_sweeper runs."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import optuna
from hydra.core.config_loader import ConfigLoader
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig
from optuna import Study

from tunesmith.errors import MachineFault, UserError
from tunesmith.machine_faults import find_machine_fault, leave_full_streams
from tunesmith.search import command
from tunesmith.search.console.lines import Show, say, show_joined, show_stage, show_trial
from tunesmith.search.dry_run import check_sweep, show_examples
from tunesmith.search.ended_trial import compose_ended
from tunesmith.search.finish import finish, leave_results
from tunesmith.search.following import in_thread, make_progress
from tunesmith.search.opening import StudyOpener
from tunesmith.search.pool.launcher import check_launcher, count_workers, read_launcher, runs_on_cluster
from tunesmith.search.pool.pool import EXIT_MACHINE_FAULT, Pool
from tunesmith.search.pool.start import worker_starter
from tunesmith.search.pool.watch import HangWatch
from tunesmith.search.prepared_stage import PreparedStage
from tunesmith.search.reading_stages import read_stages
from tunesmith.search.settings import Settings
from tunesmith.search.staged_study import StagedStudy, Stages
from tunesmith.search.storage.password import hide_password, refuse_typed_password
from tunesmith.search.study.counts import NONE_ENDED, TooManyFailed, count_before, to_environment, why_all_failed
from tunesmith.search.study.owner import JOB, STARTED, command_started, started_in_environment, worker_index
from tunesmith.search.study.retries import requeue_own
from tunesmith.search.study.time_call import call_time, is_time_called
from tunesmith.search.worker import callbacks
from tunesmith.search.worker.executor import Executor
from tunesmith.search.worker.executors.choice import choose_executor
from tunesmith.search.worker.interruption import JOB_SIGNALS, SIGNALS, Interruption
from tunesmith.search.worker.stage_at_work import StageAtWork
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
    stages = read_stages(settings, config, typed, context.config_loader)
    if is_worker:
        context = callbacks.with_callbacks(context, stages.get(0, ()).compose({}))
    sweep = Sweep(settings, config, stages, choose_executor(context, task, settings.isolate))
    if is_worker:
        sweep.run_as_worker()
        return None
    check_launcher(config, settings.dry_run)
    previews = stages.previews
    remarks = [*stages.remarks, *check_sweep(settings, previews)]
    if settings.dry_run:
        show_examples(settings, previews, remarks)
        return None
    return sweep.run(remarks)


class Sweep:
    """One call of a sweep's command on its study."""

    def __init__(self, settings: Settings, config: DictConfig, stages: Stages, execute: Executor) -> None:
        self._settings = settings
        self._config = config
        self._stages = stages
        self._execute = execute
        self._folder = Path(config.hydra.sweep.dir)
        self._name_keys = command.study_name_keys(config, settings.study_name)
        self._keys = command.study_keys(config, settings.study_name)
        self._interruption = Interruption()
        self._before = NONE_ENDED
        self._opener = StudyOpener(settings, stages, self._folder)
        started = command_started()
        self._is_far_from_sweep = started is None  # no clock in common: the sweep tells when the time is over
        self._started = time.monotonic() if started is None else started

    def run(self, remarks: Sequence[str] = ()) -> dict[str, Any]:
        """Run the trials, write the results and return them; remarks: what is printed of the trials beforehand."""
        try:
            return self._run(remarks)
        except (MachineFault, OSError) as error:
            if (fault := find_machine_fault(error, self._folder)) is None:
                raise
            raise MachineFault(f"{fault}; resume it with: {self._resume_hint()}") from None

    def _run(self, remarks: Sequence[str]) -> dict[str, Any]:
        study = None
        try:
            study = self._opener.open(self._config)
            say(f"study {self._settings.study_name}; resume it with: {self._resume_hint()}")
            self._before = count_before(study.get_trials(deepcopy=False))
            show_joined(study.counted(), self._stages.n_trials())
            self._show_stage(study.current()[0], remarks)
            self._stages.tell = self._show_stage
            self._work(study)
        except UserError as error:
            if not isinstance(error, MachineFault):
                self._opener.discard_if_worthless(study)
            raise
        return finish(
            self._opener.reopen(),
            self._settings,
            self._stages.full_space(),
            self._folder,
            self._keys,
            runs_on_cluster(self._config),
            compose_ended,
            self._loader(),
        )

    def run_as_worker(self) -> None:
        """Run trials of a study that the sweep has checked and opened, as long as the sweep lives."""
        is_job = JOB in os.environ
        if not is_job:  # a job outlives the sweep
            self._interruption.follow(sys.stdin.fileno())
        with self._interruption.listen(signals=JOB_SIGNALS if is_job else SIGNALS):
            study = self._opener.join()
            self._before = count_before(study.get_trials(deepcopy=False))
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

    def _work(self, study: StagedStudy) -> None:
        """Run trials until the budget is spent; if interrupted, write the results and raise SystemExit."""
        try:
            with self._interruption.listen(STOPPING):
                self._run_trials(study)
        except WorkerMustRestart as error:
            self._restart(error)
        except MachineFault:
            raise
        except (KeyboardInterrupt, SystemExit, UserError) as error:
            if self._interruption.signal is None:
                self._write_results(self._opener.reopen())
                if isinstance(error, TooManyFailed):
                    raise TooManyFailed(f"{error}: {self._resume_hint()}") from None
                raise
        study = self._opener.reopen()
        if self._interruption.signal is not None:
            self._write_results(study)
            say(f"interrupted; resume it with: {self._resume_hint()}")
            raise SystemExit(self._interruption.exit_code)
        if (reason := why_all_failed(study.get_trials(deepcopy=False))) is not None:
            self._write_results(study)
            raise UserError(reason)

    def _restart(self, error: WorkerMustRestart) -> None:
        """Replace this process by a fresh one with the same pid and start time; requeue the attempts it owns first."""
        say(f"{error}; a fresh process goes on")
        requeue_own(self._opener.reopen())
        sys.stdout.flush()
        os.environ |= to_environment(self._before)
        os.execv(sys.executable, command.restart_argv(self._name_keys, self._settings.study_name))

    def _run_trials(self, study: StagedStudy) -> None:
        settings, n_workers = self._settings, count_workers(self._config, self._settings)
        follow = partial(make_progress, settings, self._stages, self._opener, self._started, self._before)
        if n_workers == 0:
            with in_thread(follow(1, study)) as progress:
                self._worker(study, progress.show).work()
            return
        worker, is_job = self._worker(study), read_launcher(self._config) is not None
        # The timeout counts from the sweep's start in every worker.
        environment = {**started_in_environment(self._started), **to_environment(self._before)}

        def is_late() -> bool:
            if (is_ending := worker.is_ending()) and is_job:
                call_time(self._opener.reopen(), environment[STARTED])
            return is_ending

        start = worker_starter(self._config, settings, self._name_keys, environment)
        progress = follow(n_workers)
        self._stages.tell = lambda stage: progress.add_stage(stage.stage.name, partial(self._show_stage, stage))
        watch = HangWatch(self._opener.reopen, settings.trial_timeout)
        stops = partial(self._stages.why_stopped, direction=study.directions[0])
        with closing(progress):
            Pool(start, self._stages.are_used_up, self._interruption, watch, stops).run(n_workers, is_late, progress)

    def _write_results(self, study: Study) -> None:
        leave_results(study, self._settings, self._folder, self._keys, compose_ended, self._loader())

    def _loader(self) -> ConfigLoader:
        return self._stages.get(0, ()).composer.loader

    def _show_stage(self, stage: PreparedStage, remarks: Sequence[str] = ()) -> None:
        show_stage(stage.stage, stage.n_trials, remarks)

    def _find_stage(self, study: StagedStudy) -> StageAtWork:
        stage, of_stage = study.current()
        self._opener.join_stage(study, stage)
        return StageAtWork(of_stage, stage.sampler.draw, stage.composer, stage.n_trials, stage.stage.stopping)

    def _worker(self, study: StagedStudy, show: Show = show_trial) -> Worker:
        own = self._settings
        limits = own.max_failure_rate, own.max_retries, own.timeout, own.trial_timeout, self._before, own.constraints
        load = None if own.has_own_processes else own.on_start
        return Worker(
            study,
            partial(self._find_stage, study),
            study.is_over,
            self._execute,
            Limits(*limits),
            self._interruption,
            self._folder,
            self._started,
            load and partial(load, config=self._config),
            lambda: self._is_far_from_sweep and is_time_called(study, os.environ[STARTED]),
            show,
        )

    def _resume_hint(self) -> str:
        return command.resume_hint(self._keys)
