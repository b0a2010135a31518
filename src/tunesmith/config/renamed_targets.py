"""Old names of classes that a config may still call `_target_`: users' YAML, and what runs of version 0.1.0 left."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf, read_write
from omegaconf.errors import OmegaConfBaseException

log = logging.getLogger(__name__)

# Name in version 0.1.0 -> today's.
RENAMED = {
    "tunesmith.callbacks.checkpoints.Checkpoints": "tunesmith.training.callbacks.checkpoints.Checkpoints",
    "tunesmith.callbacks.epoch_lines.EpochLines": "tunesmith.training.callbacks.epoch_logger.EpochLogger",
    "tunesmith.callbacks.epoch_record.EpochRecord": "tunesmith.training.callbacks.epoch_record.EpochRecord",
    "tunesmith.callbacks.hparams.Hparams": "tunesmith.training.callbacks.hparams.Hparams",
    "tunesmith.callbacks.parameters.Parameters": "tunesmith.training.callbacks.parameters.Parameters",
    "tunesmith.callbacks.ranks.Ranks": "tunesmith.training.ddp.ranks.Ranks",
    "tunesmith.data.images.ImageSet": "tunesmith.data.sources.images.ImageSet",
    "tunesmith.data.images.MnistSample": "tunesmith.data.sources.images.Mnist5k",
    "tunesmith.data.npz.Npz": "tunesmith.data.sources.npz.Npz",
    "tunesmith.data.parts.Part": "tunesmith.data.splits.Split",
    "tunesmith.data.parts.Parts": "tunesmith.data.splits.Splits",
    "tunesmith.data.parts.Split": "tunesmith.data.splits.SplitConfig",
    "tunesmith.data.parts.load_parts": "tunesmith.data.splits.load_splits",
    "tunesmith.data.sources.Shipped": "tunesmith.data.sources.sklearn_dataset.SklearnDataset",
    "tunesmith.data.table.Csv": "tunesmith.data.sources.table.Csv",
    "tunesmith.data.teaching.Line": "tunesmith.data.sources.teaching.Line",
    "tunesmith.data.teaching.Quadratic": "tunesmith.data.sources.teaching.Quadratic",
    "tunesmith.data.teaching.Xor": "tunesmith.data.sources.teaching.Xor",
    "tunesmith.lightning_module.LightningModule": "tunesmith.training.learner.Supervised",
    "tunesmith.losses.AutoLoss": "tunesmith.training.losses.AutoLoss",
    "tunesmith.profiler.NoProfiler": "tunesmith.training.profiler.NoProfiler",
}

_warned: set[str] = set()


def with_new_targets(cfg: DictConfig, key: str) -> DictConfig:
    """Return the config, or a copy with today's names if the node of the key holds old ones.

    Each old name is warned of in one line per process. The copy is of the whole config, not of the node alone, because
    the node may be an interpolation of another one.
    """
    if not _has_old_target(_plain(OmegaConf.select(cfg, key))):
        return cfg
    renamed = deepcopy(cfg)
    for name, node in nodes_with_target(renamed, ""):
        old = node["_target_"]
        if not _is_old(old):
            continue
        _warn_once(f"{name}._target_" if name else "_target_", old)
        with read_write(node):
            node["_target_"] = RENAMED[old]
    return renamed


def _plain(node: Any) -> Any:
    """Return a node as dicts and lists, interpolations resolved; None if one fails, which instantiate will report."""
    try:
        return OmegaConf.to_container(node, resolve=True) if OmegaConf.is_config(node) else None
    except OmegaConfBaseException:
        return None


def _has_old_target(value: Any) -> bool:
    if isinstance(value, dict):
        return _is_old(value.get("_target_")) or any(map(_has_old_target, value.values()))
    return isinstance(value, list) and any(map(_has_old_target, value))


def _is_old(target: Any) -> bool:
    return isinstance(target, str) and target in RENAMED


def nodes_with_target(node: DictConfig | ListConfig, key: str) -> Iterator[tuple[str, DictConfig]]:
    """Yield each node with a `_target_` and its key; an interpolated node is found at the key that holds it.

    key: the key of `node` itself, "" for the whole config.
    """
    if isinstance(node, DictConfig) and "_target_" in node:
        yield key, node
    names: Any = list(node) if isinstance(node, DictConfig) else range(len(node))
    for name in names:
        if not OmegaConf.is_missing(node, name) and not OmegaConf.is_interpolation(node, name):
            child = node[name]
            if isinstance(child, DictConfig | ListConfig):
                yield from nodes_with_target(child, f"{key}.{name}" if key else str(name))


def _warn_once(key: str, old: str) -> None:
    if old not in _warned:
        _warned.add(old)
        log.warning("%s: %s is now %s; write that", key, old, RENAMED[old])
