"""The files that a config was composed of: which they are, what they say, and which of them has a key."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import yaml
from omegaconf import DictConfig, OmegaConf

_HEADER = re.compile(r"\s*#\s*@package\s+(\S+)\s*$")


class ConfigFile(NamedTuple):
    """A chosen file of a group; the primary config has no group."""

    group: str
    choice: str
    path: Path

    @property
    def name(self) -> str:
        """Return the file's name as it is written in conf/: experiment/mine.yaml."""
        return "/".join(part for part in (self.group.partition("@")[0], f"{self.choice}.yaml") if part)

    def text(self) -> str:
        return self.path.read_text(encoding="utf-8", errors="replace")

    def content(self) -> object:
        """Return the file's plain values, None if it is empty or has what only Hydra's own reader takes."""
        return _parsed(self.path, self.path.stat().st_mtime_ns)

    def package(self) -> str | None:
        """Return the package of the line `# @package X`, where Hydra sees it: above all else."""
        match = _HEADER.match(next((line for line in self.text().splitlines() if line.strip()), ""))
        return match[1] if match else None

    def has(self, key: str) -> bool:
        """Whether the file sets a dotted key of the config."""
        package = self.package() or self._usual_package()
        prefix = "" if package == "_global_" else f"{package.replace('_global_.', '')}."
        if not f"{key}.".startswith(prefix):
            return False
        return _is_in(self.content(), key[len(prefix) :])

    def _usual_package(self) -> str:
        group, _, package = self.group.partition("@")
        return package or group.replace("/", ".") or "_global_"


def chosen_files(cfg: DictConfig) -> Iterator[ConfigFile]:
    """Yield the chosen file of each group, and the primary config: the first one if its `_self_` comes first.

    Hydra does not tell the files of a group that has several, nor those inside packages.
    """
    choices = OmegaConf.select(cfg, "hydra.runtime.choices") or {}
    primary = OmegaConf.select(cfg, "hydra.job.config_name") or ""
    files = [file for group, choice in choices.items() if (file := _file(cfg, str(group), choice)) is not None]
    first = _file(cfg, "", primary)
    if first is not None:
        files.insert(0 if _is_overridden(first) else len(files), first)
    yield from files


def _file(cfg: DictConfig, group: str, choice: object) -> ConfigFile | None:
    path = None if choice is None else _path(cfg, group, str(choice))
    return None if path is None else ConfigFile(group, str(choice).removesuffix(".yaml"), path)


def _is_overridden(primary: ConfigFile) -> bool:
    content = primary.content()
    return isinstance(content, Mapping) and (content.get("defaults") or [None])[0] == "_self_"


def file_with(cfg: DictConfig, key: str) -> ConfigFile | None:
    """Return the chosen file that sets a dotted key; of several the one that Hydra reads last, an experiment's."""
    return next((file for file in reversed(list(chosen_files(cfg))) if file.has(key)), None)


def config_folders(cfg: DictConfig) -> list[Path]:
    """Return the folders that Hydra looks for configs in: conf/, and those of --config-dir."""
    sources = OmegaConf.select(cfg, "hydra.runtime.config_sources", default=None) or ()
    return [Path(source.path) for source in sources if source.schema == "file"]


def _path(cfg: DictConfig, group: str, choice: str) -> Path | None:
    name = f"{choice.removesuffix('.yaml')}.yaml"
    paths = (folder / group.partition("@")[0] / name for folder in config_folders(cfg))
    return next((path for path in paths if path.is_file()), None)


@lru_cache(maxsize=256)
def _parsed(path: Path, changed: int) -> object:
    """Return a file's plain values; changed: when, so that a file that changes is read again."""
    try:
        content: object = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        return None
    return content


def _is_in(content: object, key: str) -> bool:
    if not key:
        return True
    if not isinstance(content, Mapping):
        return False
    if key in content:  # a space's keys have dots
        return True
    name, _, rest = key.partition(".")
    return name in content and bool(rest) and _is_in(content[name], rest)
