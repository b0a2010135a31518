"""Starts the workers of a sweep, as processes of this machine or as jobs of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from omegaconf import DictConfig

from tunesmith.search import command
from tunesmith.search.pool.jobs import Jobs
from tunesmith.search.pool.launcher import read_launcher
from tunesmith.search.pool.local import LocalWorkers
from tunesmith.search.pool.pool import WorkerHandle
from tunesmith.search.settings import Settings
from tunesmith.search.worker import callbacks


def worker_starter(
    config: DictConfig, settings: Settings, name_keys: Sequence[str], environment: Mapping[str, str]
) -> Callable[[int], WorkerHandle]:
    """Return what starts the worker of an index: this process's own command, in the study's folder.

    name_keys: keys that hold the study's name; environment: what a worker has to know of the sweep.
    """
    folder, jobs = Path(config.hydra.sweep.dir), read_launcher(config)
    argv = command.worker_argv(name_keys, settings.study_name, folder.absolute(), *callbacks.deletions(config))
    if jobs is None:
        return LocalWorkers(argv, environment, folder, settings.devices)
    return Jobs(jobs, argv, environment, folder, settings.devices)
