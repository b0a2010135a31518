"""What the own config of a stage says: its sampler, its pruner, and the values of keys as they stand."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from tunesmith.config.selection import ABSENT
from tunesmith.errors import UserError, closest
from tunesmith.search.settings import Settings
from tunesmith.search.space.groups import Groups
from tunesmith.search.stage_settings import StageSettings

COMPONENTS = ("sampler", "pruner")


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
        if isinstance(own, str):
            options = self._loader.get_group_options(f"hydra/sweeper/{name}")
            if own not in options:
                raise UserError(
                    f"{stage.key(name)} must be a file of hydra/sweeper/{name}; got {own}{closest(own, options)}"
                )
        config = self.config(stage)
        stages = config.hydra.sweeper.get("stages")
        node = stages[stage.index][name] if own is not None and not isinstance(own, str) else config.hydra.sweeper[name]
        return OmegaConf.create(OmegaConf.to_container(node, resolve=True))

    def value(self, stage: StageSettings, key: str) -> Any:
        """Return a key's value, or a group's choice, as it stands in the stage's config; ABSENT without one."""
        config, key = self.config(stage), key.lstrip("+")
        choices = config.hydra.runtime.choices
        value = choices[key] if key in choices else OmegaConf.select(config, key, default=ABSENT)
        return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value

    def config(self, stage: StageSettings) -> DictConfig:
        """Return the stage's config; raises Hydra's error for an override that cannot be applied."""
        named = [f"hydra/sweeper/{name}={own}" for name in COMPONENTS if isinstance(own := getattr(stage, name), str)]
        return self._compose((*stage.overrides, *named))

    def _compose_once(self, overrides: tuple[str, ...]) -> DictConfig:
        typed = list(self._master.hydra.overrides.hydra)
        for name in COMPONENTS:
            if any(text.startswith(f"hydra/sweeper/{name}=") for text in overrides):
                typed = [text for text in typed if not text.lstrip("+~").startswith(f"hydra.sweeper.{name}.")]
        parser, groups = OverridesParser.create(config_loader=self._loader), Groups(self._loader)
        given = [text for each in parser.parse_overrides([*self._fixed, *overrides]) for text in groups.as_choice(each)]
        name = self._master.hydra.job.config_name
        config = self._loader.load_configuration(name, [*typed, *given], run_mode=RunMode.RUN)
        OmegaConf.copy_cache(from_config=self._master, to_config=config)
        return config
