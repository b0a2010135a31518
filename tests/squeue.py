"""A squeue that prints what a test says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tunesmith.search.pool import queues

Squeue = Callable[..., None]


def fake_squeue(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Squeue:
    """Put a squeue first in the PATH; calls of the result set its lines, a job each, and its exit code.

    Each question to it is noted in the file `asked`.
    """
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    monkeypatch.setattr(queues, "QUEUE_INTERVAL_S", -1.0)

    def prints(*lines: str, code: int = 0) -> None:
        text = "".join(f"echo '{line}'\n" for line in lines)
        (folder / "squeue").write_text(f"#!/bin/sh\necho asked >> {folder}/asked\n{text}exit {code}\n")
        (folder / "squeue").chmod(0o755)

    return prints
