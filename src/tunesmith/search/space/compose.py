"""The config of one trial: a base composed once per set of group choices, the trial's values applied to a copy."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from itertools import takewhile
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl, get_overrides_dirname
from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf, open_dict

from tunesmith.search.space.groups import MAX_COMBINATIONS, Groups
from tunesmith.search.space.space import Space
from tunesmith.search.space.sweep_node import check_sweep_node, leave_out_search
from tunesmith.search.storage.password import hide_password


class Composer:
    """Composes the configs of a study's trials by Hydra's own functions, in a tenth of a whole composition's time."""

    def __init__(self, loader: ConfigLoader, master: DictConfig, space: Space) -> None:
        self.loader = loader
        hide_password(master)
        self._master = master
        self._space = space
        self._stage: str | None = None
        self._parser = OverridesParser.create(config_loader=loader)
        self._base = lru_cache(maxsize=MAX_COMBINATIONS)(self._compose_base)
        self._groups = Groups(loader)

    def of_space(self, space: Space, stage: str | None = None) -> Composer:
        """Return a composer for another space of the same sweep, which uses what this one has composed.

        stage: name of the sweep's stage, which a trial's folder keeps in .hydra/hydra.yaml, for scripts/repair.py.
        """
        other = copy.copy(self)
        other._space, other._stage = space, stage
        return other

    def compose(self, params: Mapping[str, Any], number: int, folder: str) -> DictConfig:
        """Return a trial's config with its hydra node; params: override key -> value.

        Raises:
            hydra.errors.HydraException: a key or a choice is not there, or a value has the wrong type.
        """
        overrides = self._parse(self._space.job_overrides(params))
        choices = [override for override in overrides if self._groups.is_choice(override)]
        values = [override for override in overrides if not self._groups.is_choice(override)]
        fixed = list(takewhile(lambda override: override.input_line in self._space.fixed, values))
        config = self._base(tuple(override.input_line or "" for override in [*choices, *fixed]))()
        ConfigLoaderImpl._apply_overrides_to_config(values[len(fixed) :], config)
        self._add_job_fields(config, overrides, number, folder)
        return config

    def _parse(self, texts: list[str]) -> list[Override]:
        """Parse overrides; a choice of a group is written as Hydra takes it."""
        parsed = self._parser.parse_overrides(texts)
        written = [text for override in parsed for text in self._groups.as_choice(override)]
        return parsed if written == texts else self._parser.parse_overrides(written)

    def _compose_base(self, overrides: tuple[str, ...]) -> Callable[[], DictConfig]:
        """Return what makes a base, pickled: loading it again takes a fifth of a deep copy's time.

        A class that was made at run time, as by make_dataclass, cannot be pickled.

        Raises:
            UserError: a choice that would change the launcher or the sweeper.
        """
        config = self.loader.load_sweep_config(self._master, list(overrides))
        assert isinstance(config, DictConfig)
        hide_password(config)
        check_sweep_node(self._master, config, overrides)
        leave_out_search(config)
        try:
            return partial(pickle.loads, pickle.dumps(config))
        except (pickle.PicklingError, AttributeError, TypeError):
            return partial(copy.deepcopy, config)

    def is_group(self, key: str) -> bool:
        """Tell a config group, whose choice needs a base of its own, from a value."""
        return self._groups.has(key)

    def space_choices(self) -> list[str]:
        """Return the files of the group `space` that the sweep's own config has chosen, if it has such a group."""
        choices = OmegaConf.select(self._master, "hydra.runtime.choices") or {}
        found = [str(choice) for key, choice in choices.items() if key.partition("@")[0] == "space"]
        typed = OmegaConf.select(self._master, "hydra.overrides.task") or []
        lists = [text.partition("=")[2] for text in typed if text.startswith("space=[")]  # Hydra calls a list no choice
        return (lists or found)[-1:]  # space=supervised chooses space=mlp in its turn

    def _add_job_fields(self, config: DictConfig, overrides: list[Override], number: int, folder: str) -> None:
        """Write down what Hydra's own sweepers write: the job's number, its folder, what made it."""
        with open_dict(config):
            config.hydra.job.id = str(number)
            config.hydra.job.num = number
            config.hydra.sweep.dir = self._master.hydra.sweep.dir  # the study's, which may name a key that varies
            config.hydra.sweep.subdir = folder
            config.hydra.overrides.task = [override.input_line for override in overrides]
            if self._stage is not None:
                config.hydra.sweeper.stage = self._stage
            names = config.hydra.job.config.override_dirname
            config.hydra.job.override_dirname = get_overrides_dirname(
                overrides, list(names.exclude_keys), names.item_sep, names.kv_sep
            )
            console = OmegaConf.select(config, "hydra.job_logging.handlers.console")
            if console is not None and not config.hydra.verbose:
                console.level = "WARNING"  # a sweep shows a line per trial; the rest is in the trial's log
