"""Which GPUs a worker sees."""

from __future__ import annotations

import os
import subprocess
from functools import cache

VISIBLE = "CUDA_VISIBLE_DEVICES"


def visible_to_worker(index: int, devices: int) -> dict[str, str]:
    """Return the environment that shows a worker its own GPUs, devices of them; empty if the machine has none."""
    gpus = visible_gpus()
    if not gpus:
        return {}
    chosen = [gpus[(index * devices + number) % len(gpus)] for number in range(min(devices, len(gpus)))]
    return {VISIBLE: ",".join(chosen)}


@cache
def visible_gpus() -> tuple[str, ...]:
    """Return the GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them; without loading torch."""
    given = os.environ.get(VISIBLE)
    if given is not None:
        return tuple(name.strip() for name in given.split(",") if name.strip() and name.strip() != "-1")
    try:
        command = ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(answer.stdout.split()) if answer.returncode == 0 else ()
