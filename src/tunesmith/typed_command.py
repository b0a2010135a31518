"""The command of this process as a user types it, for lines that tell how to go on."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path


def typed_command() -> str:
    """Return this process's command, to be pasted."""
    return shlex.join([*program(), *sys.argv[1:]])


def program(script: str | None = None) -> list[str]:
    """Return how this process was started, without its arguments: python SCRIPT, or python -m PACKAGE.

    script: None means sys.argv[0], which is the path of PACKAGE/__main__.py after python -m PACKAGE.
    """
    script = sys.argv[0] if script is None else script
    path = Path(script)
    return ["python", "-m", path.parent.name] if path.name == "__main__.py" else ["python", script]
