"""Which values an argument of a `_target_` may take: a rule belongs to the class that takes it; see also keys.py."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from tunesmith.errors import UserError
from tunesmith.rules import (
    BELOW_ONE,
    FLAG,
    FRACTION,
    LIST,
    NOT_NEGATIVE,
    POSITIVE,
    PROBABILITY,
    SEED,
    TEXT,
    Rule,
    either,
    integer,
    is_list,
    is_number,
    list_of,
    number,
    one_of,
    or_null,
)
from tunesmith.rules.search import SEARCH_TARGETS
from tunesmith.rules.training import ACCELERATORS, STRATEGIES, TRAINING_TARGETS, WHOLE_MODEL

# Name in a config -> class of torch.nn. A line here is all that a new activation takes.
ACTIVATIONS = {
    "elu": "ELU",
    "gelu": "GELU",
    "leaky_relu": "LeakyReLU",
    "relu": "ReLU",
    "sigmoid": "Sigmoid",
    "silu": "SiLU",
    "tanh": "Tanh",
}
# Name in a config -> function of torch.nn.init.
INITIALIZERS = {
    "he": "kaiming_normal_",  # He et al. 2015, for ReLU, which its default is: a leaky ReLU of slope 0
    "orthogonal": "orthogonal_",  # Saxe et al. 2014
    "xavier": "xavier_uniform_",  # Glorot and Bengio 2010, for tanh and sigmoid
    "zeros": "zeros_",  # a fault to demonstrate: all units of a layer stay the same
}

_NET: dict[str, Rule] = {
    "activation": one_of(*ACTIVATIONS),
    "initializer": either(one_of("torch", *INITIALIZERS), number("of any size", lambda value: True)),
    "batch_norm": FLAG,
}
_COLUMN = Rule("the name of a column", lambda value: isinstance(value, str | int) and not isinstance(value, bool))
_TASK = one_of("auto", "classification", "regression")
_ARRAYS: dict[str, Rule] = {"path": TEXT, "task": _TASK, "tokens": FLAG, "mapped": FLAG}
_LOSS: dict[str, Rule] = {"label_smoothing": BELOW_ONE, "reduction": one_of("mean", "sum")}

# `_target_` -> argument -> rule; * stands for any text, and an argument may be a key inside a node ("loss.reduction").
TARGETS: dict[str, dict[str, Rule]] = {
    "torch.optim.*": {"lr": POSITIVE, "weight_decay": NOT_NEGATIVE, "momentum": BELOW_ONE},
    "torch.optim.lr_scheduler.*": {
        "interval": one_of("epoch", "step"),
        "step_size": integer(1),
        "gamma": POSITIVE,
        "eta_min": NOT_NEGATIVE,
    },
    "torch.optim.lr_scheduler.OneCycleLR": {"pct_start": FRACTION},
    "torch.optim.lr_scheduler.ReduceLROnPlateau": {"patience": integer(0), "factor": FRACTION, "min_lr": NOT_NEGATIVE},
    "torch.nn.*Loss": {**_LOSS, "reduction": one_of("mean", "sum", "none"), "delta": POSITIVE},
    "tunesmith.training.losses.AutoLoss": _LOSS,
    "tunesmith.training.learner.Supervised": {"loss.reduction": _LOSS["reduction"]},
    "tunesmith.data.*DataModule": {
        "batch_size": integer(1),
        "shuffle": FLAG,
        "val_fraction": FRACTION,
        "test_fraction": or_null(FRACTION),
        "split": one_of("random", "time", "group"),
        "split_seed": SEED,
        "folds": or_null(integer(2)),
        "fraction": number("in (0, 1]", lambda value: 0 < value <= 1),
        "scale": one_of("standard", "global", "minmax", "robust", "none"),
        "targets": one_of("source", "inputs"),
        "scale_targets": FLAG,
        "missing": one_of("refuse", "impute"),
        "class_weights": or_null(either(one_of("balanced"), list_of(POSITIVE))),
        "augmentation.rotation": number("in [0, 180]", lambda value: 0 <= value <= 180),
        "augmentation.shift": BELOW_ONE,
        "augmentation.scale": BELOW_ONE,
        "augmentation.flip": PROBABILITY,
    },
    "tunesmith.data.sources.table.Csv": {
        "path": TEXT,
        "target": or_null(either(_COLUMN, Rule("a list of names", is_list))),
        "task": _TASK,
        "drop": LIST,
        "separator": Rule(
            "one character", lambda value: isinstance(value, str) and len(value.replace("\\t", "t")) == 1
        ),
        "encoding": TEXT,
        "na_values": LIST,
        "max_categories": integer(2),
        "dates": one_of("parts", "elapsed", "drop", "text"),
        "split_column": or_null(_COLUMN),
        "header": or_null(integer(0)),
        "keep_default_na": FLAG,
        "decimal": one_of(".", ","),
        "thousands": or_null(one_of(",", ".", "'", " ", "_")),
    },
    "tunesmith.data.sources.npz.Npz": _ARRAYS,
    "tunesmith.data.sources.npy.Npy": {**_ARRAYS, "targets_path": or_null(TEXT)},
    "tunesmith.data.sources.sklearn_dataset.SklearnDataset": {"name": TEXT},
    "tunesmith.data.sources.images.ImageSet": {"folder": or_null(TEXT), "debian": or_null(TEXT), "cache": TEXT},
    "tunesmith.data.sources.teaching.Quadratic": {"samples": integer(3)},
    "tunesmith.data.sources.teaching.Line": {"samples": integer(3), "noise": NOT_NEGATIVE},
    "tunesmith.data.sources.teaching.Xor": {
        "samples_per_class": integer(3),
        "test_samples": integer(1),
        "sigma": NOT_NEGATIVE,
    },
    "tunesmith.models.mlp.Mlp": {
        **_NET,
        "num_layers": integer(1),
        "hidden_units": integer(1),
        "shape": either(one_of("constant", "taper"), list_of(integer(1))),
        "dropout": either(BELOW_ONE, list_of(BELOW_ONE)),
        "input_dropout": BELOW_ONE,
    },
    "tunesmith.models.cnn.Cnn": {
        **_NET,
        "channels": list_of(integer(1)),
        "kernel_size": integer(1),
        "stride": integer(1),
        "padding": integer(0),
        "pooling": integer(1),
        "dropout": BELOW_ONE,
    },
    "tunesmith.models.linear.Linear": {"bias": FLAG, "initializer": _NET["initializer"]},
    "lightning.*Trainer": {
        "max_epochs": integer(1),
        "max_steps": either(integer(1), Rule("-1", lambda value: value == -1)),
        "fast_dev_run": Rule("false (trainer=smoke is a check of a few seconds)", lambda value: not value),
        "limit_train_batches": or_null(POSITIVE),
        "check_val_every_n_epoch": or_null(integer(1)),
        "val_check_interval": Rule("more than 0", lambda value: not is_number(value) or value > 0),
        "accelerator": one_of(*ACCELERATORS),
        "strategy": either(one_of(*STRATEGIES), WHOLE_MODEL),
        "gradient_clip_val": or_null(POSITIVE),
        "gradient_clip_algorithm": one_of("norm", "value"),
        "accumulate_grad_batches": integer(1),
        "deterministic": either(FLAG, one_of("warn")),
    },
    "lightning.*EarlyStopping": {"patience": integer(1)},
}

# A key or argument that can make another one useless: (name, whether its value does so, what then has no effect).
Replacement = tuple[str, Callable[[Any], bool], str]
REPLACED_KEYS: tuple[Replacement, ...] = (
    ("find_lr", lambda value: value is True, "optimizer.lr"),
    # They set the learning rate of each step by themselves, whatever another schedule has made of it.
    ("scheduler._target_", lambda value: str(value).endswith((".OneCycleLR", ".CyclicLR")), "warmup_epochs"),
)
REPLACED: dict[str, tuple[Replacement, ...]] = {
    "tunesmith.data.sources.table.Csv": (("split", lambda value: value == "random", "split_column"),),
    "tunesmith.models.mlp.Mlp": (("shape", is_list, "num_layers"), ("shape", is_list, "hidden_units")),
    "tunesmith.data.*DataModule": (
        ("folds", lambda value: value is not None, "val_fraction"),
        ("targets", lambda value: value == "inputs", "scale_targets"),
    ),
}


@cache
def rules_of(target: str) -> Mapping[str, Rule]:
    """Return argument -> rule of a `_target_`: from the table above, and from RULES in rules.py of its own package.

    Raises:
        UserError: the package's rules.py cannot be imported, or its RULES are no rules.
    """
    return {
        argument: rule
        for table in (TARGETS, TRAINING_TARGETS, SEARCH_TARGETS, rules_of_package(target.partition(".")[0]))
        for pattern, rules in table.items()
        if fnmatchcase(target, pattern)
        for argument, rule in rules.items()
    }


def replacements_of(target: str) -> tuple[Replacement, ...]:
    return tuple(pair for pattern, pairs in REPLACED.items() if fnmatchcase(target, pattern) for pair in pairs)


@cache
def rules_of_package(package: str) -> Mapping[str, Mapping[str, Rule]]:
    """Return RULES of a package's rules.py, {} if there is none; packages without that file are not imported."""
    try:
        folders = getattr(find_spec(package), "submodule_search_locations", None) or ()
    except (ImportError, ValueError):  # no package, or __main__
        return {}
    if not any((Path(folder) / "rules.py").is_file() for folder in folders):
        return {}
    table = getattr(_import(f"{package}.rules"), "RULES", {})
    if not isinstance(table, Mapping) or not all(map(_is_rules, table.values())):
        raise UserError(f"{package}.rules: RULES must be {{_target_: {{argument: rule}}}}; got {table}")
    return table


def _import(module: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except Exception as error:
        raise UserError(f"{module} must be importable; got {type(error).__name__}: {error}") from None


def _is_rules(rules: object) -> bool:
    return isinstance(rules, Mapping) and all(isinstance(rule, Rule) for rule in rules.values())
