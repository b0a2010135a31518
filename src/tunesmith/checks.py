"""The rule of each config key, and checks of keys that depend on each other; all without torch."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tunesmith.errors import UserError, closest
from tunesmith.rules import (
    BELOW_ONE,
    FLAG,
    FRACTION,
    LIST,
    NODE,
    NOT_NEGATIVE,
    POSITIVE,
    PROBABILITY,
    SEED,
    TEXT,
    Rule,
    either,
    integer,
    is_list,
    list_of,
    number,
    one_of,
    or_null,
)

ACTIVATIONS = ("elu", "gelu", "leaky_relu", "relu", "sigmoid", "silu", "tanh")
INITIALIZERS = ("torch", "he", "orthogonal", "xavier", "zeros")
# Strategies whose processes each hold the whole model and are started by the same command.
STRATEGIES = ("auto", "ddp", "ddp_find_unused_parameters_true", "ddp_find_unused_parameters_false")
# Strategies whose processes each hold a part of it: no process has the plain checkpoint that a run goes on from.
SHARDED = ("FSDP", "DeepSpeed", "ModelParallel")
ACCELERATORS = ("auto", "cpu", "cuda", "gpu", "mps", "tpu")

WHOLE_MODEL = Rule(
    "a node with a _target_ whose processes each hold the whole model",
    lambda value: NODE.holds(value) and not any(name in str(value["_target_"]) for name in SHARDED),
)

RULES: dict[str, Rule] = {
    "seed": SEED,
    "threads": integer(1),
    "l1": NOT_NEGATIVE,
    "warmup_epochs": integer(0),
    "find_lr": FLAG,
    "lr_finder.min_lr": POSITIVE,
    "lr_finder.max_lr": POSITIVE,
    "lr_finder.steps": integer(50),
    "objective.metric": Rule("the name of a logged metric", lambda value: isinstance(value, str) and value != ""),
    "objective.mode": one_of("min", "max"),
    "optimizer.lr": POSITIVE,
    "optimizer.weight_decay": NOT_NEGATIVE,
    "optimizer.momentum": BELOW_ONE,
    "scheduler.patience": integer(0),
    "scheduler.factor": FRACTION,
    "scheduler.min_lr": NOT_NEGATIVE,
    "scheduler.step_size": integer(1),
    "scheduler.gamma": POSITIVE,
    "scheduler.eta_min": NOT_NEGATIVE,
    "loss.label_smoothing": BELOW_ONE,
    "loss.reduction": one_of("mean", "sum"),
    "loss.delta": POSITIVE,
    "data.batch_size": integer(1),
    "data.shuffle": FLAG,
    "data.val_fraction": FRACTION,
    "data.test_fraction": or_null(FRACTION),
    "data.split_seed": SEED,
    "data.folds": or_null(integer(2)),
    "data.fraction": number("in (0, 1]", lambda value: 0 < value <= 1),
    "data.scale": one_of("standard", "global", "minmax", "robust", "none"),
    "data.scale_targets": FLAG,
    "data.missing": one_of("refuse", "impute"),
    "data.class_weights": or_null(either(one_of("balanced"), list_of(POSITIVE))),
    "data.augmentation.rotation": number("in [0, 180]", lambda value: 0 <= value <= 180),
    "data.augmentation.shift": BELOW_ONE,
    "data.augmentation.scale": BELOW_ONE,
    "data.augmentation.flip": PROBABILITY,
    "data.task": one_of("auto", "classification", "regression"),
    "data.max_categories": integer(2),
    "data.path": TEXT,
    "data.target": Rule("the name of a column", lambda value: value is not None and not is_list(value)),
    "data.drop": LIST,
    "data.separator": Rule(
        "one character", lambda value: isinstance(value, str) and len(value.replace("\\t", "t")) == 1
    ),
    "data.encoding": TEXT,
    "data.na_values": LIST,
    "data.name": TEXT,
    "data.folder": or_null(TEXT),
    "data.debian": or_null(TEXT),
    "data.cache": TEXT,
    "data.samples": integer(3),
    "data.noise": NOT_NEGATIVE,
    "data.samples_per_class": integer(3),
    "data.test_samples": integer(1),
    "data.sigma": NOT_NEGATIVE,
    "model.num_layers": integer(1),
    "model.hidden_units": integer(1),
    "model.shape": either(one_of("constant", "taper"), list_of(integer(1))),
    "model.activation": one_of(*ACTIVATIONS),
    "model.initializer": either(one_of(*INITIALIZERS), number("of any size", lambda value: True)),
    "model.dropout": either(BELOW_ONE, list_of(BELOW_ONE)),
    "model.input_dropout": BELOW_ONE,
    "model.batch_norm": FLAG,
    "model.bias": FLAG,
    "model.channels": list_of(integer(1)),
    "model.kernel_size": integer(1),
    "model.stride": integer(1),
    "model.padding": integer(0),
    "model.pooling": integer(1),
    "trainer.max_epochs": integer(1),
    "trainer.accelerator": one_of(*ACCELERATORS),
    "trainer.strategy": either(one_of(*STRATEGIES), WHOLE_MODEL),
    "trainer.gradient_clip_val": or_null(POSITIVE),
    "trainer.gradient_clip_algorithm": one_of("norm", "value"),
    "trainer.accumulate_grad_batches": integer(1),
    "trainer.deterministic": either(FLAG, one_of("warn")),
    "callbacks.early_stopping.patience": integer(1),
}

# Keys that can make another key useless: (key, whether its value does so, the key that then has no effect).
REPLACED: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    ("find_lr", lambda value: value is True, "optimizer.lr"),
    ("model.shape", is_list, "model.num_layers"),
    ("model.shape", is_list, "model.hidden_units"),
    ("data.folds", lambda value: value is not None, "data.val_fraction"),
)


def check_config(cfg: DictConfig) -> None:
    """Check the value of every key that has a rule, and keys that depend on each other; skip keys that are not there.

    Raises:
        UserError: names the first key at fault, its rule and its value.
    """
    data = cfg.get("data")
    for key in sorted(OmegaConf.missing_keys(data)) if isinstance(data, DictConfig) else ():
        raise UserError(f"{key} must be given: add {key}=VALUE")
    for key, rule in RULES.items():
        value = _select(cfg, key)
        if value is not _ABSENT and not rule.holds(value):
            hint = closest(value, _options(rule)) if isinstance(value, str) and _options(rule) else ""
            raise UserError(
                f"{key} must be {rule.says}; got {_format(value)}{hint.partition(' options')[0]}".rstrip(";")
            )

    _check_order(cfg, "warmup_epochs", "trainer.max_epochs")
    _check_order(cfg, "lr_finder.min_lr", "lr_finder.max_lr")
    _check_replaced(cfg)
    _check_devices(cfg)


def check_rule(key: str, rule: Rule, value: Any) -> None:
    """Raise UserError unless a key's value keeps its rule."""
    if not rule.holds(value):
        raise UserError(f"{key} must be {rule.says}; got {_format(value)}")


def check_folder(key: str, folder: Path) -> None:
    """Make the output folder that a key names; raise UserError if it cannot be made or written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        writable = os.access(folder, os.W_OK | os.X_OK)
    except OSError as error:
        raise UserError(f"{key} must be a folder that can be written to; got {folder} ({error.strerror})") from None
    if not writable:
        raise UserError(f"{key} must be a folder that can be written to; got {folder} (permission denied)")


def _check_order(cfg: DictConfig, less: str, more: str) -> None:
    values = [_select(cfg, key) for key in (less, more)]
    if _ABSENT not in values and not values[0] < values[1]:
        raise UserError(f"{less} must be less than {more}={values[1]}; got {values[0]}")


def _check_devices(cfg: DictConfig) -> None:
    """Raise UserError for folds on several devices: a process starts its other ranks once, but each fold is a run."""
    devices = _select(cfg, "trainer.devices")
    if _select(cfg, "data.folds") not in (None, _ABSENT) and devices not in (1, _ABSENT):
        raise UserError(f"trainer.devices must be 1 with data.folds; got {_format(devices)}")


def _check_replaced(cfg: DictConfig) -> None:
    """Raise UserError if both keys of a pair are given: the second would be ignored silently."""
    given = [str(text) for text in OmegaConf.select(cfg, "hydra.overrides.task", default=None) or ()]
    for key, has_effect, replaced in REPLACED:
        value = _select(cfg, key)
        typed = next((text for text in given if text.lstrip("+").startswith(f"{replaced}=")), None)
        if value is not _ABSENT and has_effect(value) and typed is not None:
            raise UserError(f"{replaced} has no effect beside {key}={_format(value)}; got '{typed}': leave one out")


_ABSENT = object()


def _select(cfg: DictConfig, key: str) -> Any:
    try:
        return OmegaConf.select(cfg, key, default=_ABSENT, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise UserError(f"{key}: {' '.join(str(error).split())}") from None


def _options(rule: Rule) -> list[str]:
    says = rule.says.partition(", or ")[0]
    return says.removeprefix("one of ").split(", ") if says.startswith("one of ") else []


def _format(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"'{value}'" if isinstance(value, str) else str(value)
