"""What the files of a study's folder say beside its trials; each may be missing, damaged or half-written."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tunesmith.config.unreadable_yaml import read_plain_yaml
from tunesmith.errors import UserError, text_of
from tunesmith.insight.pages.plain_values import at
from tunesmith.search.results import MULTIRUN_FILE, RESULTS_FILE
from tunesmith.search.storage.password import STORAGE
from tunesmith.search.study.study import DIRECTIONS

_MODES = {"minimize": "min", "maximize": "max"}


@dataclass
class Files:
    """config: of multirun.yaml, nothing in it resolved; results: of optimization_results.yaml; {} if there is none.

    missing: sentences about what could not be read, by the id of the section that lacks it.
    """

    folder: Path
    config: Mapping[str, Any] = field(default_factory=dict)
    results: Mapping[str, Any] = field(default_factory=dict)
    missing: dict[str, list[str]] = field(default_factory=dict)

    def lack(self, section: str, sentence: str) -> None:
        self.missing.setdefault(section, []).append(sentence)

    @property
    def name(self) -> str | None:
        """The study's name; None if only a time stamp, which nothing has kept, would tell."""
        named = self.results.get("study"), at(self.config, "hydra.sweeper.study_name"), at(self.config, "study_name")
        return next((name for name in named if isinstance(name, str) and "${" not in name), None)

    @property
    def directions(self) -> list[str] | None:
        """The words of the results, or of a config that does not derive them from the metric's name."""
        for found in (self.results.get("directions"), at(self.config, "hydra.sweeper.direction")):
            words = [found] if isinstance(found, str) else found if isinstance(found, list) else []
            if words and all(isinstance(word, str) and word in DIRECTIONS for word in words):
                return [DIRECTIONS[word] for word in words]
        return None

    @property
    def url(self) -> str | None:
        """The URL of the study's database, None for a journal.

        Raises:
            UserError: the config makes it of what is not there.
        """
        written = at(self.config, "hydra.sweeper.storage")
        if not self.config and not (self.folder / "study.journal").is_file():
            return os.environ.get(STORAGE) or None
        try:
            url = OmegaConf.select(OmegaConf.create({"url": written}), "url")
        except OmegaConfBaseException as error:
            raise UserError(f"hydra.sweeper.storage in {MULTIRUN_FILE} cannot be read: {text_of(error)}") from None
        return url if isinstance(url, str) and url else None


def read_files(folder: Path) -> Files:
    """Read multirun.yaml and optimization_results.yaml."""
    files = Files(folder)
    files.config = _read(files, MULTIRUN_FILE, "space", "the space's settings and the command are not known")
    files.results = _read(
        files, RESULTS_FILE, "next", "it is written when a sweep ends or is interrupted; until then nothing is checked"
    )
    return files


def read_or_nothing(path: Path) -> dict[str, Any]:
    """Return the content of a YAML file, nothing if there is none or it is damaged."""
    try:
        return read_plain_yaml(path) if path.is_file() else {}
    except (OSError, UserError):
        return {}


def read_json_or_nothing(path: Path) -> dict[str, Any]:
    """Return the object that a JSON file holds, nothing if there is none or it is damaged."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def modes(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(_MODES[DIRECTIONS[word]] for word in words)


def _read(files: Files, name: str, section: str, so: str) -> dict[str, Any]:
    path = files.folder / name
    if not path.is_file():
        files.lack(section, f"There is no {name}: {so}.")
        return {}
    try:
        return read_plain_yaml(path)
    except (OSError, UserError) as error:
        files.lack(section, f"{name} cannot be read ({text_of(error)}): {so}.")
        return {}
