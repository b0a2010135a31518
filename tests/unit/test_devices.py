"""Whether the device asked for is there."""

from __future__ import annotations

import re

import pytest
import torch

from tunesmith.devices import check_accelerator
from tunesmith.errors import UserError

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
