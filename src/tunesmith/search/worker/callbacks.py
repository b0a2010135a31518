"""Hydra's callbacks in a worker: the sweep's first process calls those of the sweep, a worker those of its jobs."""

from __future__ import annotations

from hydra._internal.callbacks import Callbacks
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf

_DELETION = "~hydra.callbacks."


def deletions(config: DictConfig) -> list[str]:
    """Return overrides that keep Hydra from calling on_multirun_start and on_multirun_end in a worker."""
    return [f"{_DELETION}{name}" for name in config.hydra.callbacks or ()]


def restore_overrides(config: DictConfig) -> None:
    """Take the deletions out of what a worker's jobs are composed of: they stand behind the study's folder."""
    overrides = OmegaConf.to_container(config.hydra.overrides.hydra, resolve=False)
    assert isinstance(overrides, list)
    folder = max((index for index, text in enumerate(overrides) if text.startswith("hydra.sweep.dir=")), default=0)
    added = [text for text in overrides[folder:] if not text.startswith(_DELETION)]
    config.hydra.overrides.hydra = [*overrides[:folder], *added]


def with_callbacks(context: HydraContext, job: DictConfig) -> HydraContext:
    """Return Hydra's context with the callbacks of a job's config."""
    return HydraContext(config_loader=context.config_loader, callbacks=Callbacks(job))
