"""Where the config tree of a clone lies."""

from pathlib import Path

CONF = Path(__file__).resolve().parents[3] / "conf"
