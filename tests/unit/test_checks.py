"""Rules on config values: where each begins and ends, and what a refusal says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig, OmegaConf

from tunesmith.checks import RULES, check_config, check_folder, check_rule, integer
from tunesmith.errors import UserError

BELOW_ONE = ([0, 0.0, 0.999], [-0.001, 1, 1.0, "0.5", None])
BETWEEN_ZERO_AND_ONE = ([0.001, 0.999], [0, 0.0, 1, 1.0])
POSITIVE = ([1e-12, 1, 10.0], [0, 0.0, -1e-12, float("inf"), float("nan"), True, "0.1", None])
NOT_NEGATIVE = ([0, 0.0, 1e-12], [-1e-12, float("inf"), False, None])
FROM_ZERO = ([0, 1], [-1, 0.0, False, None])
FROM_ONE = ([1, 1000], [0, 1.0, True, "1", None, [1]])
FLAG = ([True, False], [0, 1, "true", None])

# key -> values just inside its rule, values just outside
BOUNDS: dict[str, tuple[list[Any], list[Any]]] = {
    "seed": ([0, 2**32 - 1], [-1, 2**32, 0.0, True, None]),
    "threads": FROM_ONE,
    "objective.metric": (["val/loss"], ["", 3, None]),
    "objective.mode": (["min", "max"], ["minimum", "", None]),
    "optimizer.lr": POSITIVE,
    "optimizer.weight_decay": NOT_NEGATIVE,
    "optimizer.momentum": BELOW_ONE,
    "scheduler.patience": FROM_ZERO,
    "scheduler.factor": BETWEEN_ZERO_AND_ONE,
    "scheduler.min_lr": NOT_NEGATIVE,
    "scheduler.step_size": FROM_ONE,
    "scheduler.gamma": POSITIVE,
    "loss.label_smoothing": BELOW_ONE,
    "data.batch_size": FROM_ONE,
    "data.val_fraction": BETWEEN_ZERO_AND_ONE,
    "data.test_fraction": BETWEEN_ZERO_AND_ONE,
    "data.scale": FLAG,
    "model.num_layers": FROM_ONE,
    "model.hidden_units": FROM_ONE,
    "model.activation": (["relu", "tanh"], ["ReLU", None, ["relu"]]),
    "model.dropout": BELOW_ONE,
    "model.batch_norm": FLAG,
    "trainer.max_epochs": FROM_ONE,
    "trainer.accelerator": (["auto", "cpu", "gpu"], ["cpu0", None]),
    "trainer.gradient_clip_val": ([None, 0.5], [0, -1.0]),
    "trainer.accumulate_grad_batches": FROM_ONE,
    "callbacks.early_stopping.patience": FROM_ONE,
}


def config(key: str, value: Any) -> DictConfig:
    cfg = OmegaConf.create()
    OmegaConf.update(cfg, key, value)
    return cfg


def cases(inside: bool) -> list[Any]:
    return [
        pytest.param(key, value, id=f"{key}={value!r}")
        for key, bounds in BOUNDS.items()
        for value in bounds[0 if inside else 1]
    ]


def test_every_rule_has_its_bounds_here() -> None:
    assert set(BOUNDS) == set(RULES)


@pytest.mark.parametrize(("key", "value"), cases(inside=True))
def test_allowed(key: str, value: Any) -> None:
    check_config(config(key, value))


@pytest.mark.parametrize(("key", "value"), cases(inside=False))
def test_refused(key: str, value: Any) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(key)} must be {re.escape(RULES[key].says)}; got "):
        check_config(config(key, value))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        pytest.param("optimizer.lr", -1, "optimizer.lr must be a number > 0; got -1", id="a number"),
        pytest.param("optimizer.lr", "0.1", "optimizer.lr must be a number > 0; got '0.1'", id="a text"),
        pytest.param(
            "objective.mode",
            "mn",
            "objective.mode must be one of min, max; got 'mn'; did you mean min?",
            id="a misspelled option",
        ),
        pytest.param("objective.mode", "up", "objective.mode must be one of min, max; got 'up'", id="no such option"),
        pytest.param(
            "trainer.gradient_clip_val",
            0,
            "trainer.gradient_clip_val must be a number > 0, or null; got 0",
            id="null is allowed too",
        ),
    ],
)
def test_a_refusal_has_key_rule_and_value(key: str, value: Any, message: str) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        check_config(config(key, value))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param("???", "optimizer.lr: Missing mandatory value", id="a value that is missing"),
        pytest.param("${nowhere}", "optimizer.lr: Interpolation key 'nowhere' not found", id="a broken interpolation"),
    ],
)
def test_a_value_that_cannot_be_read_is_refused(value: str, message: str) -> None:
    with pytest.raises(UserError, match=f"^{message}.*$"):
        check_config(config("optimizer.lr", value))


@pytest.mark.parametrize("content", [{}, {"scheduler": None}, {"scheduler": {}}, {"scheduler": {"T_max": 3}}], ids=str)
def test_keys_that_are_not_there_are_not_checked(content: dict[str, Any]) -> None:
    check_config(OmegaConf.create(content))


def test_a_rule_of_one_key() -> None:
    check_rule("hydra.sweeper.n_trials", integer(1), 1)
    with pytest.raises(UserError, match=r"^hydra\.sweeper\.n_trials must be an integer >= 1; got 0$"):
        check_rule("hydra.sweeper.n_trials", integer(1), 0)


def test_an_output_folder_is_made(tmp_path: Path) -> None:
    check_folder("hydra.run.dir", tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


def test_an_output_folder_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"^hydra\.run\.dir must be a folder .*; got .*/file/a \(Not a directory\)$"):
        check_folder("hydra.run.dir", tmp_path / "file" / "a")
