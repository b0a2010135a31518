"""Reads a value of a config; what cannot be read is a user's mistake."""

from __future__ import annotations

from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tunesmith.errors import UserError, mistake_in, without_key

ABSENT = object()


def select(node: DictConfig, argument: str, key: str) -> Any:
    """Return the value of a node's argument, ABSENT if there is none; key: the argument's whole key."""
    try:
        return OmegaConf.select(node, argument, default=ABSENT, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise mistake_in(error) or UserError(f"{key}: {without_key(error)}") from None
