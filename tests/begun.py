"""The record of a run that has begun, without the run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from omegaconf import DictConfig, OmegaConf
from tiny import composed


def record(folder: Path, *overrides: str, change: Callable[[DictConfig], object] = lambda cfg: None) -> Path:
    """Write what Hydra writes for a run in a folder, and a checkpoint.

    change: of the config, to what an older version has left.
    """
    cfg = composed(*overrides, with_hydra=True)
    OmegaConf.set_struct(cfg, False)
    hydra = OmegaConf.create({"hydra": cfg.pop("hydra")})
    change(cfg)
    (folder / ".hydra").mkdir(parents=True)
    OmegaConf.save(cfg, folder / ".hydra" / "config.yaml")
    OmegaConf.save(hydra, folder / ".hydra" / "hydra.yaml")
    OmegaConf.save(OmegaConf.create(list(overrides)), folder / ".hydra" / "overrides.yaml")
    checkpoint = folder / "checkpoints" / "last.ckpt"
    checkpoint.parent.mkdir()
    checkpoint.touch()
    return checkpoint
