"""Is the device that was asked for there?"""

from __future__ import annotations

from tunesmith.errors import UserError


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
