"""A typed choice of a group whose file may be missing: Hydra ignores a misspelt `space=...` in silence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from tunesmith.errors import UserError, closest

OPTIONAL = ("space", "local")  # the groups that the defaults list of train.yaml calls optional


def check_optional_choices(cfg: DictConfig, typed: Sequence[str]) -> None:
    """Raise UserError if a typed choice of an optional group has no file; typed: the overrides."""
    for text in typed:
        group, _, value = text.partition("=")
        choices = [choice.strip(" '\"") for choice in value.strip("[]").split(",")] if value != "[]" else []
        options = _options(cfg.hydra, group) if group in OPTIONAL else set()
        for choice in choices:
            if options and choice not in options:
                raise UserError(f"{group}: there is no such choice; got '{choice}'{closest(choice, options)}")


def _options(hydra: DictConfig, group: str) -> set[str]:
    """Return the files of a group in all folders of configs; none if a folder is inside a package."""
    sources = OmegaConf.select(hydra, "runtime.config_sources", default=())
    folders = [Path(source.path) / group for source in sources if source.schema == "file"]
    return {file.stem for folder in folders for file in folder.glob("*.yaml")}
