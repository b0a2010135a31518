"""What the own config of a stage says: its sampler, its pruner, and the values of keys as they stand."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from functools import cache
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict

from tunesmith.config.selection import ABSENT
from tunesmith.errors import UserError, closest
from tunesmith.search.settings import Settings
from tunesmith.search.space.groups import Groups
from tunesmith.search.stage_settings import StageSettings


class StageConfigs:
    """Composes the config of a sweep with the overrides of a stage, each once and only if something of it is asked."""

    def __init__(self, loader: ConfigLoader, master: DictConfig, fixed: Sequence[str], settings: Settings) -> None:
        """master: the sweep's config; fixed: the overrides of all its trials."""
        self._loader = loader
        self._master = master
        self._fixed = list(fixed)
        self._settings = settings
        self._compose = cache(self._compose_once)

    def component(self, name: str, stage: StageSettings) -> Any:
        """Return the node of the stage's sampler or pruner, or the sweeper's object.

        Interpolations are resolved in the stage's config: max_resource follows the stage's own trainer.max_epochs.

        Raises:
            UserError: there is no file of the name that the stage has for it.
        """
        own, of_sweeper = getattr(stage, name), getattr(self._settings, name)
        if own is None and not (stage.overrides and isinstance(of_sweeper, DictConfig)):
            return of_sweeper
        config = self.config(stage)
        if isinstance(own, str):
            config = deepcopy(config)
            with open_dict(config):
                config.hydra.sweeper[name] = self._file(name, stage)
        is_node = own is not None and not isinstance(own, str)
        node = config.hydra.sweeper.stages[stage.index][name] if is_node else config.hydra.sweeper[name]
        return OmegaConf.create(OmegaConf.to_container(node, resolve=True))

    def _file(self, name: str, stage: StageSettings) -> DictConfig:
        """Return what a file of the group says; the app's config stays out: it may set arguments of another one."""
        group, own = f"hydra/sweeper/{name}", getattr(stage, name)
        options = self._loader.get_group_options(group)
        if own not in options:
            raise UserError(f"{stage.key(name)} must be a file of {group}; got {own}{closest(own, options)}")
        composed = self._loader.load_configuration(None, ["hydra/sweeper=tunesmith", f"{group}={own}"], RunMode.RUN)
        node = composed.hydra.sweeper[name]
        assert isinstance(node, DictConfig)
        return node

    def value(self, stage: StageSettings, key: str) -> Any:
        """Return a key's value, or a group's choice, as it stands in the stage's config; ABSENT without one."""
        config, key = self.config(stage), key.lstrip("+")
        choices = config.hydra.runtime.choices
        value = choices[key] if key in choices else OmegaConf.select(config, key, default=ABSENT)
        return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value

    def config(self, stage: StageSettings) -> DictConfig:
        """Return the stage's config; raises Hydra's error for an override that cannot be applied."""
        return self._compose(stage.overrides)

    def _compose_once(self, overrides: tuple[str, ...]) -> DictConfig:
        parser, groups = OverridesParser.create(config_loader=self._loader), Groups(self._loader)
        given = [text for each in parser.parse_overrides([*self._fixed, *overrides]) for text in groups.as_choice(each)]
        config = self._loader.load_sweep_config(self._master, given)
        assert isinstance(config, DictConfig)
        return config
