"""hydra.launcher: which of them start workers, and what their jobs may be."""

from __future__ import annotations

import re
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf
from studies import settings_of

from tunesmith.cli import CONF, check, register_resolvers
from tunesmith.errors import UserError
from tunesmith.search.pool.launcher import check_cluster, count_workers, read_launcher

PLUGIN = "hydra_plugins.hydra_submitit_launcher.submitit_launcher"
SLURM: dict[str, Any] = {"_target_": f"{PLUGIN}.SlurmLauncher", "submitit_folder": "jobs/%j"}
BASIC = "hydra._internal.core_plugins.basic_launcher.BasicLauncher"
JOBLIB = "hydra_plugins.hydra_joblib_launcher.joblib_launcher.JoblibLauncher"
pytestmark = pytest.mark.filterwarnings(r"ignore:\s*'hydra/launcher/submitit_\w+' is validated against ConfigStore")


def config_of(**launcher: Any) -> DictConfig:
    return OmegaConf.create({"hydra": {"launcher": launcher}})


@pytest.mark.parametrize("target", [BASIC, JOBLIB])
def test_workers_are_processes_of_this_machine(target: str) -> None:
    assert read_launcher(config_of(_target_=target)) is None


@pytest.mark.parametrize(
    ("launcher", "keys", "number"),
    [
        pytest.param({}, {"n_workers": 1}, 0, id="this process runs the trials"),
        pytest.param({}, {"n_workers": 4}, 4, id="workers"),
        pytest.param({"_target_": JOBLIB, "n_jobs": 3}, {"n_workers": 4}, 3, id="joblib's limit"),
        pytest.param({"_target_": JOBLIB, "n_jobs": -1}, {"n_workers": 4}, 4, id="joblib without a limit"),
        pytest.param({"_target_": JOBLIB, "n_jobs": 1}, {"n_workers": 4}, 0, id="joblib's limit of one"),
        pytest.param({}, {"n_workers": 1, "trial_timeout": 60}, 1, id="a trial that hangs would hang the sweep"),
        pytest.param({}, {"n_workers": 1, "trial_timeout": 60, "isolate": True}, 0, id="not one of its own process"),
        pytest.param(SLURM, {"n_workers": 1}, 1, id="a job"),
    ],
)
def test_how_many_workers_a_sweep_starts(launcher: dict[str, Any], keys: dict[str, Any], number: int) -> None:
    settings = settings_of(**{"devices": 1, "isolate": False, **keys})
    assert count_workers(config_of(**{"_target_": BASIC, **launcher}), settings) == number


def test_jobs_are_what_submitit_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    jobs = read_launcher(config_of(**SLURM, timeout_min=60, partition=None, max_num_timeout=0, mem_gb=8))
    assert jobs is not None
    assert (jobs.cluster, jobs.folder) == ("slurm", tmp_path / "jobs" / "%j")
    assert jobs.parameters == {"timeout_min": 60, "mem_gb": 8}


@pytest.mark.parametrize(
    ("launcher", "message"),
    [
        pytest.param(
            {"_target_": "hydra_plugins.hydra_ray_launcher.RayLauncher"},
            "hydra/launcher must be one that starts workers; got 'hydra_plugins.hydra_ray_launcher.RayLauncher'; "
            "options: basic, joblib, submitit_local, submitit_slurm",
            id="a launcher of batches",
        ),
        pytest.param(
            {**SLURM, "tasks_per_node": 4},
            "hydra.launcher.tasks_per_node must be 1, as a job is one worker and a trial on several devices starts its "
            "own processes; got 4; for more jobs there is hydra.sweeper.n_workers",
            id="several tasks",
        ),
        pytest.param({**SLURM, "nodes": 2}, "hydra.launcher.nodes must be 1, as", id="several nodes"),
        pytest.param(
            {**SLURM, "timeout_min": 2, "signal_delay_s": 120},
            "hydra.launcher.signal_delay_s must be less than timeout_min, 120 s; got 120: a job would be told to end",
            id="told to end at the start",
        ),
    ],
)
def test_a_launcher_that_cannot_start_workers_is_refused(launcher: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(message)}"):
        read_launcher(config_of(**launcher))


def test_slurms_programs_have_to_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("sbatch", "srun", "squeue"):
        (tmp_path / name).touch(mode=0o755)
    with pytest.raises(UserError, match=r"^hydra/launcher=submitit_slurm needs scancel, not found on this machine$"):
        check_cluster("slurm")
    (tmp_path / "scancel").touch(mode=0o755)
    check_cluster("slurm")


@pytest.mark.parametrize("cluster", ["slurm", "local"])
def test_submitit_has_to_be_there(cluster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tunesmith.search.pool.launcher.find_spec", lambda name: None)
    with pytest.raises(
        UserError, match=rf"^hydra/launcher=submitit_{cluster} needs .*install hydra-submitit-launcher submitit$"
    ):
        check_cluster(cluster)


@pytest.mark.parametrize("name", ["submitit_slurm", "submitit_local"])
def test_a_preset_has_keys_that_the_launchers_package_knows(name: str) -> None:
    import hydra_plugins.hydra_submitit_launcher.config  # noqa: F401

    known = ConfigStore.instance().load(f"hydra/launcher/{name}.yaml").node
    preset = OmegaConf.load(CONF / "hydra" / "launcher" / f"{name}.yaml")
    assert isinstance(preset, DictConfig)
    assert preset.keys() <= known.keys()
    assert preset._target_ == known._target_


@pytest.mark.parametrize("name", ["submitit_slurm", "submitit_local"])
def test_a_preset_composes_into_jobs_under_workers(name: str) -> None:
    register_resolvers()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("train", [f"hydra/launcher={name}", "study_name=s"], return_hydra_config=True)
    jobs = read_launcher(config)
    assert jobs is not None
    assert jobs.cluster == name.removeprefix("submitit_")
    assert jobs.folder.parts[-5:] == ("sweeps", "s", "workers", "jobs", "%j")


@pytest.mark.skipif(torch.cuda.is_available(), reason="a machine without a GPU asks for one elsewhere")
@pytest.mark.parametrize(
    ("launcher", "is_refused"), [("basic", True), ("submitit_local", True), ("submitit_slurm", False)]
)
def test_a_login_node_need_not_have_what_the_nodes_have(launcher: str, is_refused: bool) -> None:
    register_resolvers()
    overrides = [f"hydra/launcher={launcher}", "hydra.mode=MULTIRUN", "trainer=gpu"]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("train", overrides, return_hydra_config=True)
    expected = pytest.raises(UserError, match=r"^trainer\.accelerator must be") if is_refused else nullcontext()
    with expected:
        check(config)
