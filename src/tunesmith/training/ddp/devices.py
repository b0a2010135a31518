"""The devices of a run: check that they exist, and choose who starts a process for each."""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunesmith.errors import UserError
from tunesmith.reporting import is_trial
from tunesmith.rules import is_integer

if TYPE_CHECKING:
    from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment

# Processes that a run on a CPU may have even on a smaller machine, as a test of several devices does.
MIN_CPU_PROCESSES = 8
# What no CPU computes: Lightning would take bf16-mixed instead.
GPU_PRECISIONS = ("16", "16-mixed")


def check_nodes(num_nodes: Any) -> None:
    """Raise UserError for several machines outside of a cluster's job: the run would wait for the others for ever."""
    if is_integer(num_nodes) and num_nodes > 1 and not {"SLURM_JOB_ID", "MASTER_ADDR"} & set(os.environ):
        raise UserError(
            f"trainer.num_nodes must be 1 outside of a job that starts a process on each machine; got {num_nodes}: "
            "start it by srun, or by torchrun on each"
        )


def check_devices(accelerator: str, devices: Any, precision: Any) -> None:
    """Raise UserError if this machine lacks the devices that the trainer's flags name, or a CPU cannot serve them."""
    check_accelerator(accelerator)
    if accelerator != "cpu" and not (accelerator == "auto" and _lacks_accelerators()):
        return
    most = max(os.cpu_count() or 1, MIN_CPU_PROCESSES)
    if devices not in (None, "auto") and not (is_integer(devices) and 1 <= devices <= most):
        got = f"'{devices}'" if isinstance(devices, str) else devices
        raise UserError(f"trainer.devices must be an integer from 1 to {most} on a machine's CPU; got {got}")
    if str(precision) in GPU_PRECISIONS:
        raise UserError(
            f"trainer.precision must be 32-true, bf16-mixed, bf16-true or 64-true on a CPU; got '{precision}', which "
            "needs a GPU"
        )


def check_accelerator(accelerator: str) -> None:
    """Raise UserError if this machine lacks the device that trainer.accelerator names; imports torch only if needed."""
    if accelerator in ("auto", "cpu"):
        return
    if accelerator == "tpu":
        available = ["cpu", *["tpu"] * (find_spec("torch_xla") is not None)]
    else:
        available = ["cpu"] if _lacks_accelerators() else _of_torch()
    if accelerator not in available:
        options = ", ".join(["auto", *available])
        raise UserError(
            f"trainer.accelerator must be a device of this machine; got '{accelerator}'; options: {options}"
        )


def _of_torch() -> list[str]:
    import torch

    available = ["cpu"]
    if torch.cuda.is_available():
        available += ["cuda", "gpu"]
    if torch.backends.mps.is_available():
        available += ["gpu", "mps"]
    return available


@cache
def _lacks_accelerators() -> bool:
    """Whether a Linux machine has no driver of any GPU or TPU; False if torch has to tell, whose import takes 2 s."""
    if sys.platform != "linux" or find_spec("torch_xla") is not None or Path("/dev/kfd").exists():  # /dev/kfd: AMD's
        return False
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return True
    return False


def cluster_environment() -> ClusterEnvironment | None:
    """Return which of Lightning's environments a run uses in a Slurm job; None outside of Slurm: Lightning decides.

    A trial starts its own processes; those of a plain run with several tasks were started by srun. Lightning would
    assume srun in both cases, and would requeue the whole job at SIGUSR1, though we resume runs ourselves.
    """
    if "SLURM_JOB_ID" not in os.environ:
        return None
    from lightning.fabric.plugins.environments.lightning import LightningEnvironment
    from lightning.fabric.plugins.environments.slurm import SLURMEnvironment

    if is_trial() or int(os.environ.get("SLURM_NTASKS", 1)) == 1:
        return LightningEnvironment()
    try:
        return SLURMEnvironment(auto_requeue=False)
    except RuntimeError as error:  # Lightning cannot tell which node each task runs on
        raise UserError(f"trainer.devices cannot be the tasks of this job of Slurm: {error}") from None
