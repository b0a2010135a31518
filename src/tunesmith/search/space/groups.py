"""Config groups: which keys choose a file, and which file a value of Hydra's grammar means."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, partial
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

from tunesmith.config.quoting import to_hydra

# More combinations of group choices than these are neither read nor kept.
MAX_COMBINATIONS = 64


class Groups:
    """The config groups of an app."""

    def __init__(self, loader: ConfigLoader | None) -> None:
        """loader: None means that nothing is known of the app: no key is a group."""
        self._options = cache(partial(_options, loader))

    def has(self, key: str) -> bool:
        """Tell a config group from a value; key: with or without +, ~ and @package."""
        group = key.lstrip("+~").partition("@")[0]
        return "." not in group and bool(self._options(group))

    def names(self, group: str) -> Sequence[str]:
        """Return the names of a group's files."""
        return self._options(group)

    def is_choice(self, override: Override) -> bool:
        """Whether a fixed override chooses a file; a dict is merged into the node, as Hydra does."""
        return self.has(override.key_or_group) and not isinstance(override.value(), dict)

    def choice_name(self, group: str, value: Any, text: str = "") -> Any:
        """Return the name of the file that a value means: Hydra reads 0, 1e3 and true as no texts, and refuses them.

        text: what was typed, which decides if the files 1.0 and 1.00 are both there.
        """
        if not isinstance(value, bool | int | float):
            return value
        named = [name for name in self._options(group) if _is_read_as(name, value)]
        typed = [name for name in named if name in re.split(r"[\s,()\[\]=]+", text)]
        return next(iter(typed or named), str(value))

    def as_choice(self, override: Override) -> list[str]:
        """Return a fixed override as Hydra takes it; null means that nothing of the group is chosen."""
        value, key = override.value(), override.get_key_element()
        line = override.input_line or ""
        if override.is_delete() or not self.is_choice(override) or isinstance(value, str | list):
            return [line]
        if value is None:
            return [] if override.is_add() else [f"~{key}"]
        return [f"{key}={to_hydra(self.choice_name(override.key_or_group, value, line))}"]


def _options(loader: ConfigLoader | None, group: str) -> list[str]:
    return [] if loader is None else loader.get_group_options(group)


def _is_read_as(name: str, value: object) -> bool:
    try:
        read: object = OverridesParser.create().parse_override(f"x={name}").value()
    except HydraException:
        return False
    return type(read) is type(value) and read == value


def elements_of(values: Sequence[Any], groups: Groups, override: Override) -> list[Any]:
    """Return the choices of a sweep; those of a group are names of files."""
    group = override.key_or_group
    if not groups.has(group):
        return list(values)
    return [groups.choice_name(group, value, override.input_line or "") for value in values]
