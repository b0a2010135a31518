"""The devices of a run: check that they exist, and choose who starts a process for each."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tunesmith.errors import UserError
from tunesmith.reporting import is_trial

if TYPE_CHECKING:
    from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment


def check_accelerator(accelerator: str) -> None:
    """Raise UserError if this machine lacks the device that trainer.accelerator names; imports torch only if needed."""
    if accelerator in ("auto", "cpu"):
        return
    import torch

    available = ["cpu"]
    if torch.cuda.is_available():
        available += ["cuda", "gpu"]
    if torch.backends.mps.is_available():
        available += ["gpu", "mps"]
    if accelerator not in available and accelerator != "tpu":
        options = ", ".join(["auto", *available])
        raise UserError(
            f"trainer.accelerator must be a device of this machine; got '{accelerator}'; options: {options}"
        )


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
