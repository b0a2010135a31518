"""The line `# @package X` of a file in conf/, which Hydra silently ignores below a comment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

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
    for group, choice in _choices(cfg):
        package = NEEDED.get(group)
        is_misplaced = package is not None and bool(cfg.get(group))
        package = package if is_misplaced else _ignored_package(cfg, group, choice)
        if package is not None:
            raise UserError(
                f"{group}={choice}: '# @package {package}' must be the first line of {group}/{choice}.yaml, above any "
                "comment; Hydra does not see it elsewhere"
            )


def _choices(cfg: DictConfig) -> Iterator[tuple[str, str]]:
    """Yield the chosen file of each group; Hydra does not tell the files of a group that has several."""
    for group, chosen in (OmegaConf.select(cfg, "hydra.runtime.choices") or {}).items():
        if chosen is not None:
            yield group, str(chosen)


def _ignored_package(cfg: DictConfig, group: str, choice: str) -> str | None:
    """Return the package that a file names below a comment, where Hydra no longer looks."""
    for source in OmegaConf.select(cfg, "hydra.runtime.config_sources") or ():
        path = Path(source.path) / group.partition("@")[0] / f"{choice}.yaml"
        if source.schema == "file" and path.is_file():
            return package_below_a_comment(path.read_text(encoding="utf-8"))
    return None


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
