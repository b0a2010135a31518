"""The rules of Lightning's and torch's classes are about arguments that these have, and let their own values pass."""

from __future__ import annotations

from fnmatch import fnmatchcase
from inspect import Parameter, signature
from typing import Any

import lightning
import pytest
import torch
from lightning.fabric.plugins.precision.precision import _PRECISION_INPUT
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from torch.optim import lr_scheduler

from tunesmith.rules.table import rules_of
from tunesmith.rules.training import TRAINING_TARGETS

CLASSES: dict[str, Any] = {
    "lightning.Trainer": lightning.Trainer,
    "lightning.pytorch.callbacks.EarlyStopping": EarlyStopping,
    "lightning.pytorch.callbacks.ModelCheckpoint": ModelCheckpoint,
    **{f"torch.optim.{name}": getattr(torch.optim, name) for name in torch.optim.__all__ if name[0].isupper()},
    **{
        f"torch.optim.lr_scheduler.{name}": getattr(lr_scheduler, name)
        for name in ("ReduceLROnPlateau", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "OneCycleLR")
    },
}


@pytest.mark.parametrize("pattern", TRAINING_TARGETS)
def test_each_argument_is_one_of_a_class(pattern: str) -> None:
    of_pattern = [cls for path, cls in CLASSES.items() if fnmatchcase(path, pattern)]
    assert set(TRAINING_TARGETS[pattern]) - {name for cls in of_pattern for name in signature(cls).parameters} == set()


@pytest.mark.parametrize("path", CLASSES)
def test_the_classes_own_values_pass(path: str) -> None:
    rules = {
        argument: rule
        for pattern, of_pattern in TRAINING_TARGETS.items()
        if fnmatchcase(path, pattern)
        for argument, rule in of_pattern.items()
    }
    defaults = {name: parameter.default for name, parameter in signature(CLASSES[path]).parameters.items()}
    given = {name: value for name, value in defaults.items() if value is not Parameter.empty}
    given |= {name: list(value) for name, value in given.items() if isinstance(value, tuple)}  # as YAML has it
    assert {name: given[name] for name, rule in rules.items() if name in given and not rule.holds(given[name])} == {}


def test_a_schedule_takes_a_rate_for_each_group_of_weights() -> None:
    rule = rules_of("torch.optim.lr_scheduler.OneCycleLR")["max_lr"]
    assert [rule.holds(value) for value in (0.1, [0.1, 0.01], [0.1, 0], 0)] == [True, True, False, False]


def test_each_precision_of_lightning_passes() -> None:
    rule = rules_of("lightning.Trainer")["precision"]
    known = [value for kind in _PRECISION_INPUT.__args__ for value in kind.__args__]
    assert [value for value in known if not rule.holds(value)] == []
    assert [value for value in ("bf17", 17, True, "") if rule.holds(value)] == []


@pytest.mark.parametrize("devices", [1, 8, -1, "auto", [0], [1, 3], "0,1", "2"], ids=repr)
def test_devices_that_lightning_takes(devices: Any) -> None:
    assert rules_of("lightning.Trainer")["devices"].holds(devices)


@pytest.mark.parametrize("devices", [0, -2, 1.5, "abc", "", [], [0, 0], [-1], ["a"], None, True, "0,"], ids=repr)
def test_devices_that_nothing_is(devices: Any) -> None:
    assert not rules_of("lightning.Trainer")["devices"].holds(devices)


@pytest.mark.parametrize(
    ("argument", "allowed", "refused"),
    [
        ("limit_train_batches", [None, 1, 0.5, 1.0], [0, 0.0, 1.5, -1, True]),
        ("limit_val_batches", [None, 0, 3, 0.5, 1.0], [1.5, -1, True, "all"]),
    ],
)
def test_limits_of_batches(argument: str, allowed: list[Any], refused: list[Any]) -> None:
    rule = rules_of("lightning.Trainer")[argument]
    assert [value for value in allowed if not rule.holds(value)] == []
    assert [value for value in refused if rule.holds(value)] == []
