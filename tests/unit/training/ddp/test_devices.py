"""Whether the device asked for is there, and who starts a run's processes."""

from __future__ import annotations

import re

import pytest
import torch
from lightning.fabric.plugins.environments import LightningEnvironment, SLURMEnvironment

from tunesmith.errors import UserError
from tunesmith.reporting import NoReporter, hand_over
from tunesmith.training.ddp.devices import check_accelerator, check_devices, check_nodes, cluster_environment

MISSING = [
    *([] if torch.cuda.is_available() else ["cuda"]),
    *([] if torch.backends.mps.is_available() else ["mps"]),
]


@pytest.mark.parametrize("accelerator", ["auto", "cpu"])
def test_every_machine_has(accelerator: str) -> None:
    check_accelerator(accelerator)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("accelerator", ["gpu", "cuda"])
def test_a_gpu_is_found(accelerator: str) -> None:
    check_accelerator(accelerator)


@pytest.mark.parametrize("accelerator", MISSING)
def test_a_missing_device_is_refused(accelerator: str) -> None:
    message = f"trainer.accelerator must be a device of this machine; got '{accelerator}'; options: auto, cpu"
    with pytest.raises(UserError, match=f"^{re.escape(message)}"):
        check_accelerator(accelerator)


@pytest.mark.parametrize("devices", [0, -1, [5], "0,1", 100_000, 1.5], ids=repr)
def test_a_cpu_has_a_number_of_processes(devices: object) -> None:
    with pytest.raises(UserError, match=r"^trainer\.devices must be an integer from 1 to \d+ on a machine's CPU; got "):
        check_devices("cpu", devices, "32-true")


@pytest.mark.parametrize("precision", [16, "16", "16-mixed"])
def test_a_cpu_has_no_half_precision(precision: object) -> None:
    with pytest.raises(UserError, match=r"^trainer\.precision must be 32-true, .* on a CPU; got '16"):
        check_devices("cpu", 1, precision)


@pytest.mark.parametrize("devices", [1, 2, "auto", None])
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", None])
def test_what_a_cpu_can_serve(devices: object, precision: object) -> None:
    check_devices("cpu", devices, precision)


def test_several_machines_need_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SLURM_JOB_ID", "MASTER_ADDR"):
        monkeypatch.delenv(name, raising=False)
    check_nodes(1)
    with pytest.raises(UserError, match=r"^trainer\.num_nodes must be 1 outside of a job .*; got 2: "):
        check_nodes(2)
    monkeypatch.setenv("MASTER_ADDR", "host")
    check_nodes(2)


def test_outside_of_slurm_lightning_finds_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    assert cluster_environment() is None


def in_slurm(monkeypatch: pytest.MonkeyPatch, ntasks: int, **further: int) -> None:
    for name, value in {"JOB_ID": 7, "NTASKS": ntasks, "PROCID": 0, "LOCALID": 0, **further}.items():
        monkeypatch.setenv(f"SLURM_{name}", str(value))


def test_a_run_of_one_task_starts_its_processes_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    in_slurm(monkeypatch, ntasks=1)
    assert isinstance(cluster_environment(), LightningEnvironment)


def test_a_run_of_several_tasks_was_started_by_srun_and_is_not_queued_again(monkeypatch: pytest.MonkeyPatch) -> None:
    in_slurm(monkeypatch, ntasks=2, NTASKS_PER_NODE=2)
    environment = cluster_environment()
    assert isinstance(environment, SLURMEnvironment)
    assert not environment.auto_requeue


def test_tasks_without_a_node_are_a_users_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    in_slurm(monkeypatch, ntasks=2)
    with pytest.raises(UserError, match=r"^trainer\.devices cannot be .* You set `--ntasks=2`.* HINT"):
        cluster_environment()


def test_a_trial_starts_its_processes_itself_whatever_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    in_slurm(monkeypatch, ntasks=2)
    with hand_over(NoReporter()):
        assert isinstance(cluster_environment(), LightningEnvironment)
