"""Keys of hydra.sweeper in the official plugin that this plugin lacks: the message says what to write instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunesmith.config.quoting import to_hydra
from tunesmith.errors import UserError

OLD = {"search_space"}  # they may stand in a config as null


def check_old(given: Mapping[str, Any]) -> None:
    """Raise UserError for an old key that has a value."""
    if given.get("search_space") is not None:
        params = ", ".join(f"{key}: {_sweep(value)}" for key, value in given["search_space"].items())
        raise UserError(f"hydra.sweeper.search_space is an old name: write hydra.sweeper.params: {{{params}}}")


def _sweep(old: Mapping[str, Any]) -> str:
    """Return an entry of search_space as an entry of params is written."""
    if old.get("choices") is not None:
        return f"choice({', '.join(map(to_hydra, old['choices']))})"
    ends = f"{old.get('low')}, {old.get('high')}"
    if old.get("step") is not None:
        return f"range({ends}, {old['step']})"
    sweep = f"int(interval({ends}))" if old.get("type") == "int" else f"interval({ends})"
    return f"tag(log, {sweep})" if old.get("log") else sweep
