"""The folders that an app names in hydra.searchpath, beside its own conf/."""

from __future__ import annotations

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import ConfigRepository
from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig


def use_searchpath(loader: ConfigLoader, config: DictConfig) -> None:
    """Let a loader find the groups of hydra.searchpath: Hydra looks there while it composes, and forgets them again.

    config: composed by this loader, with its hydra node.
    """
    if not config.hydra.searchpath:
        return
    assert isinstance(loader, ConfigLoaderImpl)
    typed = [text for text in config.hydra.overrides.hydra if text.startswith("hydra.searchpath=")]
    _, repo = loader._parse_overrides_and_create_caching_repo(config.hydra.job.config_name, typed)
    assert isinstance(repo.delegate, ConfigRepository)
    loader.repository = repo.delegate
