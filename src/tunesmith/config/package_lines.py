"""The line `# @package X` of a file in conf/, which Hydra silently ignores below a comment."""

from __future__ import annotations

import re

from omegaconf import DictConfig, OmegaConf

from tunesmith.config.files import chosen_files
from tunesmith.errors import UserError

# Groups whose files have no effect without the line: their content would be the node of the group's name.
NEEDED = {
    "space": "hydra.sweeper.params",
    "experiment": "_global_",
    "search": "_global_",
    "local": "_global_",
}
_LINE = re.compile(r"\s*#\s*@package\s+(\S+)\s*$")


def check_package_lines(cfg: DictConfig) -> None:
    """Raise UserError if a chosen file lacks its `# @package` line, or has it where Hydra ignores it."""
    texts = {file.group: file.text() for file in chosen_files(cfg) if file.group}
    for group, choice in (OmegaConf.select(cfg, "hydra.runtime.choices") or {}).items():
        text, package = texts.get(group, ""), NEEDED.get(group)
        is_misplaced = choice is not None and package is not None and bool(cfg.get(group))
        if choice is not None and "_group_" in cfg:  # an old word of Hydra's, which now is a key like others
            _refuse_group(group, choice, text)
        package = package if is_misplaced else package_below_a_comment(text)
        if package is not None:
            name = f"{group.partition('@')[0]}/{choice}.yaml"
            if text.startswith("\ufeff"):
                raise UserError(f"{group}={choice}: {name} must be UTF-8 without a byte order mark: save it so")
            raise UserError(
                f"{group}={choice}: '# @package {package}' must be the first line of {name}, above any comment; "
                "Hydra does not see it elsewhere"
            )


def _refuse_group(group: str, choice: str, text: str) -> None:
    if re.match(r"\s*#\s*@package\s+_group_\s*$", text, flags=re.MULTILINE):
        raise UserError(
            f"{group}={choice}: leave the line '# @package _group_' of {group}/{choice}.yaml out: since version 1.1 "
            f"Hydra takes _group_ for a node's name, and a file's keys go below {group} without the line"
        )


def package_below_a_comment(text: str) -> str | None:
    is_header = True  # what Hydra reads: lines of "# @", and empty ones
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            return None
        match = _LINE.match(line)
        if match and not is_header:
            return match[1]
        is_header = is_header and (match is not None or not line.strip())
    return None
