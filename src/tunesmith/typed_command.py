"""The command of this process as a user types it, for lines that tell how to go on."""

from __future__ import annotations

import sys
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Quote, QuotedString
from hydra.errors import HydraException


def program(script: str | None = None) -> list[str]:
    """Return how this process was started, without its arguments: python SCRIPT, or python -m PACKAGE.

    script: None means sys.argv[0], which is the path of PACKAGE/__main__.py after python -m PACKAGE.
    """
    script = sys.argv[0] if script is None else script
    path = Path(script)
    return ["python", "-m", path.parent.name] if path.name == "__main__.py" else ["python", script]


def override(key: str, text: str) -> str:
    """Return KEY=TEXT as Hydra reads this very text back: in quotes if it needs them, as a=b, "a b" or 1 do."""
    return f"{key}={text if _is_plain(text) else QuotedString(text, Quote.single).with_quotes()}"


def _is_plain(text: str) -> bool:
    try:
        return bool(OverridesParser.create().parse_override(f"key={text}").value() == text)
    except HydraException:
        return False
