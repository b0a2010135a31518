"""What TensorBoard's HPARAMS shows of a run: a column for each key, so the keys have to be few."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from tunesmith.config.doors import typed_overrides, untaken_groups
from tunesmith.config.free_keys import is_free
from tunesmith.reporting import Reporter, is_trial

# Shown of every run: TensorBoard's parallel coordinates leave out a run that lacks the value of a column, such as a
# trial among plain runs. A column is hidden as long as all runs have one value.
MAIN_KEYS = ("data", "model", "optimizer.lr", "data.batch_size", "seed")
# What changes no result, beside config.free_keys.
_NOT_SHOWN = ("hydra", "report", "probes")


def shown_hparams(cfg: DictConfig, reporter: Reporter, fold: int | None = None) -> dict[str, Any]:
    """Return what HPARAMS shows of a run: MAIN_KEYS, and what its sweep varies or, of a plain run, what was typed.

    Of a group its choice is shown, such as model: cnn. Nothing is shown of a run without a logger, and of a fold and a
    refit, which are parts of a run.
    """
    if fold is not None or OmegaConf.is_config(cfg.get("refit")) or not cfg.get("logger"):
        return {}
    job: Any = HydraConfig.instance().cfg or OmegaConf.create()
    choices = OmegaConf.select(job, "hydra.runtime.choices", default=None) or {}
    typed = [] if reporter.params or is_trial() else typed_overrides(job)
    shown = {
        key: choices[key] if key in choices else _plain(OmegaConf.select(cfg, key))
        for key in _keys(cfg, typed)
        if key in choices or _has_value(cfg, key)
    }
    return {**shown, **reporter.params}


def _keys(cfg: DictConfig, typed: list[str]) -> Iterator[str]:
    """Yield each key once: the main ones, then those of the command line, except for deletions (~KEY)."""
    keys = [text.lstrip("+").partition("=")[0] for text in typed if not text.startswith("~")]
    not_shown = {*_NOT_SHOWN, *untaken_groups(cfg)}
    for key in dict.fromkeys((*MAIN_KEYS, *keys)):
        if key.partition(".")[0] not in not_shown and not is_free(key):
            yield key


def _has_value(cfg: DictConfig, key: str) -> bool:
    """Whether a key has a value of its own; a whole group has none."""
    absent = object()
    value = OmegaConf.select(cfg, key, default=absent)
    return value is not absent and not isinstance(value, DictConfig)


def _plain(value: Any) -> Any:
    return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
