"""What TensorBoard's HPARAMS shows of a run: a column for each key, so the keys have to be few."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from tunesmith.config.doors import typed_overrides, untaken_groups
from tunesmith.reporting import Reporter, is_trial

# Shown of every plain run, so that runs which were typed differently have values in common.
MAIN_KEYS = ("data", "model", "optimizer.lr", "data.batch_size", "seed")
# What is typed and changes no result, or may hold a password; a fold's and a refit's values are those of their run.
_NOT_SHOWN = {"hydra", "logger", "note", "tags", "study_name", "ckpt_path", "report", "probes", "refit"}


def shown_hparams(cfg: DictConfig, reporter: Reporter, fold: int | None = None) -> dict[str, Any]:
    """Return what HPARAMS shows: of a trial what its sweep varies, of a plain run MAIN_KEYS and what was typed.

    Of a group its choice is shown, such as model: cnn. Nothing is shown of a run without a logger, and of a fold and a
    refit, which are parts of a run.
    """
    if fold is not None or OmegaConf.is_config(cfg.get("refit")) or not cfg.get("logger"):
        return {}
    if reporter.params or is_trial():
        return dict(reporter.params)
    job: Any = HydraConfig.instance().cfg or OmegaConf.create()
    choices = OmegaConf.select(job, "hydra.runtime.choices", default=None) or {}
    return {
        key: choices[key] if key in choices else _plain(OmegaConf.select(cfg, key))
        for key in _keys(cfg, typed_overrides(job))
        if key in choices or _has_value(cfg, key)
    }


def _keys(cfg: DictConfig, typed: list[str]) -> Iterator[str]:
    """Yield each key once: the main ones, then those of the command line, except for deletions (~KEY)."""
    keys = [text.lstrip("+").partition("=")[0] for text in typed if not text.startswith("~")]
    not_shown = _NOT_SHOWN | untaken_groups(cfg)
    yield from (key for key in dict.fromkeys((*MAIN_KEYS, *keys)) if key.partition(".")[0] not in not_shown)


def _has_value(cfg: DictConfig, key: str) -> bool:
    """Whether a key has a value of its own; a whole group has none."""
    absent = object()
    value = OmegaConf.select(cfg, key, default=absent)
    return value is not absent and not isinstance(value, DictConfig)


def _plain(value: Any) -> Any:
    return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
