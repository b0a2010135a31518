"""The devices of a run: whether they are there, and who starts the processes that work on them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tunesmith.errors import UserError
from tunesmith.reporting import is_trial

if TYPE_CHECKING:
    from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment


def check_accelerator(accelerator: str) -> None:
    """Raise UserError where trainer.accelerator names a device that this machine lacks. Imports torch where it must."""
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
    """Return who starts a run's processes in a job of Slurm, None outside: that is Lightning's to find out.

    A trial starts them itself, as everywhere; srun has started those of a plain run of several tasks. Lightning would
    take both for the latter, and put the whole job into the queue again at SIGUSR1: a run of ours is resumed by us.
    """
    if "SLURM_JOB_ID" not in os.environ:
        return None
    from lightning.fabric.plugins.environments.lightning import LightningEnvironment
    from lightning.fabric.plugins.environments.slurm import SLURMEnvironment

    if is_trial() or int(os.environ.get("SLURM_NTASKS", 1)) == 1:
        return LightningEnvironment()
    try:
        return SLURMEnvironment(auto_requeue=False)
    except RuntimeError as error:  # tasks that Lightning cannot tell to which nodes they belong
        raise UserError(f"trainer.devices cannot be the tasks of this job of Slurm: {error}") from None
