"""What hydra/launcher asks for: workers as processes of this machine, or as jobs that submitit hands to a cluster."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from tunesmith.errors import UserError
from tunesmith.search.settings import Settings

KEY = "hydra.launcher"
_SUBMITIT = "hydra_plugins.hydra_submitit_launcher.submitit_launcher."
# submitit's name of the cluster that runs the jobs, None for worker processes of this machine.
_CLUSTERS = {
    "hydra._internal.core_plugins.basic_launcher.BasicLauncher": None,
    "hydra_plugins.hydra_joblib_launcher.joblib_launcher.JoblibLauncher": None,
    f"{_SUBMITIT}LocalLauncher": "local",
    f"{_SUBMITIT}SlurmLauncher": "slurm",
}
_PROGRAMS = {"slurm": ("sbatch", "srun", "squeue", "scancel")}
OPTIONS = "options: basic, joblib, submitit_local, submitit_slurm"
# Keys of a job's size: a worker's job is one process.
_ONE = ("nodes", "tasks_per_node")


@dataclass(frozen=True)
class JobSettings:
    """hydra.launcher of a sweep whose workers are jobs.

    parameters: as submitit's executor takes them; folder: submitit's own files, %j stands for a job's id.
    """

    cluster: str
    folder: Path
    parameters: Mapping[str, Any]


def read_launcher(config: DictConfig) -> JobSettings | None:
    """Return how jobs are started, None if the workers are processes of this machine.

    Raises:
        UserError: a launcher that cannot start workers.
    """
    launcher = OmegaConf.to_container(OmegaConf.select(config, KEY), resolve=True)
    assert isinstance(launcher, dict)
    target = launcher.pop("_target_", None)
    if target not in _CLUSTERS:
        raise UserError(f"hydra/launcher must be one that starts workers; got '{target}'; {OPTIONS}")
    cluster = _CLUSTERS[target]
    if cluster is None:
        return None
    _check(launcher)
    folder = Path(launcher.pop("submitit_folder")).absolute()
    launcher.pop("max_num_timeout", None)  # the sweep starts a job anew, whatever ended it
    given = {str(key): value for key, value in launcher.items() if value is not None}
    return JobSettings(cluster, folder, given)


def check_launcher(config: DictConfig, is_dry_run: bool) -> None:
    """Raise UserError if the launcher cannot start workers here; a dry run may be made far from the cluster."""
    jobs = read_launcher(config)
    if jobs is not None and not is_dry_run:
        check_cluster(jobs.cluster)


def check_cluster(cluster: str) -> None:
    """Raise UserError if a program or package that hands jobs over is missing."""
    if find_spec("submitit") is None:
        raise UserError(
            f"hydra/launcher=submitit_{cluster} needs submitit: pip install hydra-submitit-launcher submitit"
        )
    missing = [name for name in _PROGRAMS.get(cluster, ()) if shutil.which(name) is None]
    if missing:
        raise UserError(f"hydra/launcher=submitit_{cluster} needs {', '.join(missing)}, not found on this machine")


def runs_on_cluster(config: DictConfig) -> bool:
    """Whether trials run on other machines than the one that asks."""
    return _CLUSTERS.get(str(OmegaConf.select(config, f"{KEY}._target_"))) == "slurm"


def count_workers(config: DictConfig, settings: Settings) -> int:
    """Return how many workers the sweep starts; 0 if its own process runs the trials."""
    n_workers = min(settings.n_workers, _max_local_workers(config) or settings.n_workers)
    hangs_with_its_trial = settings.trial_timeout is not None and not settings.has_own_processes
    is_alone = n_workers == 1 and read_launcher(config) is None and not hangs_with_its_trial
    return 0 if is_alone else n_workers


def _max_local_workers(config: DictConfig) -> int | None:
    """Return the most processes that the joblib launcher is allowed, None if it has no such limit."""
    n_jobs = OmegaConf.select(config, f"{KEY}.n_jobs")
    return n_jobs if isinstance(n_jobs, int) and n_jobs > 0 else None


def _check(launcher: Mapping[Any, Any]) -> None:
    for key in _ONE:
        if launcher.get(key, 1) != 1:
            raise UserError(
                f"{KEY}.{key} must be 1, as a job is one worker and a trial on several devices starts its own "
                f"processes; got {launcher[key]}; for more jobs there is hydra.sweeper.n_workers"
            )
    minutes, delay = launcher.get("timeout_min"), launcher.get("signal_delay_s")
    if minutes is not None and delay is not None and delay >= 60 * minutes:
        raise UserError(
            f"{KEY}.signal_delay_s must be less than timeout_min, {60 * minutes:g} s; got {delay}: "
            "a job would be told to end as soon as it starts"
        )
