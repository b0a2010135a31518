"""The schemas of a config: classes in Hydra's ConfigStore, which give its values their types."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import IConfigRepository
from hydra._internal.defaults_list import create_defaults_list
from hydra.core.config_loader import ConfigLoader
from hydra.core.config_search_path import SearchPathElement
from hydra.types import RunMode
from omegaconf import DictConfig


def schema_defaults(loader: ConfigLoader, config_name: str | None, overrides: Sequence[str]) -> list[Any]:
    """Return the entries of a defaults list that give another config the schemas of this one.

    overrides: of the job, those of its hydra node included.
    """
    assert isinstance(loader, ConfigLoaderImpl)
    parsed, repo = loader._parse_overrides_and_create_caching_repo(config_name, list(overrides))
    found = create_defaults_list(repo, config_name, parsed, prepend_hydra=True, skip_missing=False)
    schemas = [default for default in found.defaults if _is_schema(repo, default.config_path or "")]
    paths = {schema.config_path for schema in schemas}
    schemas = [schema for schema in schemas if schema.parent == schema.config_path or schema.parent not in paths]
    entries = [f"/{schema.config_path}@{schema.package or '_global_'}" for schema in schemas]
    inside = {group for schema in schemas for group in _groups_inside(repo, schema.config_path)}
    choices = found.overrides.known_choices
    return [*entries, *({f"override /{group}": choices[group]} for group in sorted(inside) if group in choices)]


def _is_schema(repo: IConfigRepository, path: str) -> bool:
    return not path.startswith("hydra/") and repo.get_schema_source().is_config(path)


def _groups_inside(repo: IConfigRepository, path: str | None) -> Iterator[str]:
    """Yield the groups that a schema's own defaults list chooses from."""
    nested = create_defaults_list(repo, path, [], prepend_hydra=True, skip_missing=True)
    yield from (group for group in nested.overrides.known_choices if not group.startswith("hydra/"))


def compose_file(loader: ConfigLoader, file: Path) -> DictConfig:
    """Compose the config whose primary file lies outside of an app's conf/, as --config-dir does."""
    search_path = copy.deepcopy(loader.get_search_path())
    search_path.get_path().insert(0, SearchPathElement("command-line", f"file://{file.parent.absolute()}"))
    return ConfigLoaderImpl(search_path).load_configuration(file.stem, [], RunMode.RUN)
