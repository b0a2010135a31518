"""Rules on config values that can be seen without torch: key, rule, what is allowed."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tunesmith.errors import UserError, closest

ACTIVATIONS = ("elu", "gelu", "leaky_relu", "relu", "sigmoid", "silu", "tanh")
ACCELERATORS = ("auto", "cpu", "cuda", "gpu", "mps", "tpu")


@dataclass(frozen=True)
class Rule:
    """What the value of a key must be; `says` completes the sentence "KEY must be ..."."""

    says: str
    holds: Callable[[Any], bool]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def number(says: str, holds: Callable[[float], bool]) -> Rule:
    return Rule(f"a number {says}", lambda value: _is_number(value) and holds(value))


def integer(least: int) -> Rule:
    return Rule(f"an integer >= {least}", lambda value: _is_integer(value) and value >= least)


def one_of(*options: str) -> Rule:
    return Rule(f"one of {', '.join(options)}", lambda value: value in options)


def or_null(rule: Rule) -> Rule:
    return Rule(f"{rule.says}, or null", lambda value: value is None or rule.holds(value))


POSITIVE = number("> 0", lambda value: value > 0)
NOT_NEGATIVE = number(">= 0", lambda value: value >= 0)
BELOW_ONE = number("in [0, 1)", lambda value: 0 <= value < 1)
FLAG = Rule("true or false", lambda value: isinstance(value, bool))

RULES: dict[str, Rule] = {
    "seed": Rule("an integer in [0, 2**32)", lambda value: _is_integer(value) and 0 <= value < 2**32),
    "threads": integer(1),
    "objective.metric": Rule("the name of a logged metric", lambda value: isinstance(value, str) and value != ""),
    "objective.mode": one_of("min", "max"),
    "optimizer.lr": POSITIVE,
    "optimizer.weight_decay": NOT_NEGATIVE,
    "optimizer.momentum": BELOW_ONE,
    "scheduler.patience": integer(0),
    "scheduler.factor": number("in (0, 1)", lambda value: 0 < value < 1),
    "scheduler.min_lr": NOT_NEGATIVE,
    "scheduler.step_size": integer(1),
    "scheduler.gamma": POSITIVE,
    "loss.label_smoothing": BELOW_ONE,
    "data.batch_size": integer(1),
    "data.val_fraction": number("in (0, 1)", lambda value: 0 < value < 1),
    "data.test_fraction": number("in (0, 1)", lambda value: 0 < value < 1),
    "data.scale": FLAG,
    "model.num_layers": integer(1),
    "model.hidden_units": integer(1),
    "model.activation": one_of(*ACTIVATIONS),
    "model.dropout": BELOW_ONE,
    "model.batch_norm": FLAG,
    "trainer.max_epochs": integer(1),
    "trainer.accelerator": one_of(*ACCELERATORS),
    "trainer.gradient_clip_val": or_null(POSITIVE),
    "trainer.accumulate_grad_batches": integer(1),
    "callbacks.early_stopping.patience": integer(1),
}


def check_config(cfg: DictConfig) -> None:
    """Check every key that has a rule and is there.

    Raises:
        UserError: names the first key at fault, its rule and the value.
    """
    for key, rule in RULES.items():
        value = _select(cfg, key)
        if value is not _ABSENT and not rule.holds(value):
            hint = closest(value, _options(rule)) if isinstance(value, str) and _options(rule) else ""
            raise UserError(
                f"{key} must be {rule.says}; got {_shown(value)}{hint.partition(' options')[0]}".rstrip(";")
            )


def check_rule(key: str, rule: Rule, value: Any) -> None:
    """Raise UserError unless the value of this one key keeps its rule."""
    if not rule.holds(value):
        raise UserError(f"{key} must be {rule.says}; got {_shown(value)}")


def check_folder(key: str, folder: Path) -> None:
    """Raise UserError unless the output folder that a key names can be made and written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        writable = os.access(folder, os.W_OK | os.X_OK)
    except OSError as error:
        raise UserError(f"{key} must be a folder that can be written to; got {folder} ({error.strerror})") from None
    if not writable:
        raise UserError(f"{key} must be a folder that can be written to; got {folder} (permission denied)")


_ABSENT = object()


def _select(cfg: DictConfig, key: str) -> Any:
    try:
        return OmegaConf.select(cfg, key, default=_ABSENT, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise UserError(f"{key}: {' '.join(str(error).split())}") from None


def _options(rule: Rule) -> list[str]:
    return rule.says.removeprefix("one of ").split(", ") if rule.says.startswith("one of ") else []


def _shown(value: Any) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value)
