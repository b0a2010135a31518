"""Rules on config values: where each begins and ends, and what a refusal says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig, OmegaConf

from tunesmith.checks import RULES, check_config, check_folder, check_rule
from tunesmith.errors import UserError
from tunesmith.rules import integer

# values just inside a rule, values just outside
Bounds = tuple[list[Any], list[Any]]

BELOW_ONE: Bounds = ([0, 0.0, 0.999], [-0.001, 1, 1.0, "0.5", None])
BETWEEN_ZERO_AND_ONE: Bounds = ([0.001, 0.999], [0, 0.0, 1, 1.0, True])
POSITIVE: Bounds = ([1e-12, 1, 10.0], [0, 0.0, -1e-12, float("inf"), float("nan"), True, "0.1", None])
NOT_NEGATIVE: Bounds = ([0, 0.0, 1e-12], [-1e-12, float("inf"), False, None])
FROM_ZERO: Bounds = ([0, 1], [-1, 0.0, False, None])
FROM_ONE: Bounds = ([1, 1000], [0, 1.0, True, "1", None, [1]])
FROM_TWO: Bounds = ([2, 10], [1, 2.0, None])
FLAG: Bounds = ([True, False], [0, 1, "true", None])
SEED: Bounds = ([0, 2**32 - 1], [-1, 2**32, 0.0, True, None])

TEXT: Any = (["a"], ["", 3, None])
LIST: Any = ([[], ["a"]], ["a", 1, None])
BOUNDS: dict[str, Bounds] = {
    "seed": SEED,
    "threads": FROM_ONE,
    "l1": NOT_NEGATIVE,
    "warmup_epochs": FROM_ZERO,
    "find_lr": FLAG,
    "lr_finder.min_lr": POSITIVE,
    "lr_finder.max_lr": POSITIVE,
    "lr_finder.steps": ([50, 51], [49, 50.0, None]),
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
    "scheduler.eta_min": NOT_NEGATIVE,
    "loss.label_smoothing": BELOW_ONE,
    "loss.reduction": (["mean", "sum"], ["none", None]),
    "loss.delta": POSITIVE,
    "data.batch_size": FROM_ONE,
    "data.shuffle": FLAG,
    "data.val_fraction": BETWEEN_ZERO_AND_ONE,
    "data.test_fraction": ([None, 0.001, 0.999], [0, 1, "null"]),
    "data.split_seed": SEED,
    "data.folds": ([None, 2, 10], [1, 0, 2.0, "5"]),
    "data.fraction": ([0.001, 1, 1.0], [0, 1.001, True, None]),
    "data.scale": (["standard", "global", "minmax", "robust", "none"], ["std", True, None]),
    "data.scale_targets": FLAG,
    "data.missing": (["refuse", "impute"], ["drop", None]),
    "data.class_weights": ([None, "balanced", [1, 2.5]], ["equal", [], [1, 0], [1, "2"], 2, True]),
    "data.augmentation.rotation": ([0, 180, 12.5], [-1, 180.5, None]),
    "data.augmentation.shift": BELOW_ONE,
    "data.augmentation.scale": BELOW_ONE,
    "data.augmentation.flip": ([0, 0.5, 1], [-0.1, 1.1, True, None]),
    "data.task": (["auto", "classification", "regression"], ["classes", None]),
    "data.max_categories": FROM_TWO,
    "data.path": TEXT,
    "data.target": (["y", 2], [None, ["y"]]),
    "data.drop": LIST,
    "data.separator": ([",", "\\t"], ["", ",,", None]),
    "data.encoding": TEXT,
    "data.na_values": LIST,
    "data.name": TEXT,
    "data.folder": ([None, "a"], [3, [None]]),
    "data.debian": ([None, "a"], [3]),
    "data.cache": TEXT,
    "data.samples": ([3, 400], [2, 2.5, "a"]),
    "data.noise": ([0, 0.5], [-1, None]),
    "data.samples_per_class": ([3], [2]),
    "data.test_samples": ([1], [0, -3]),
    "data.sigma": ([0, 0.3], [-1]),
    "model.num_layers": FROM_ONE,
    "model.hidden_units": FROM_ONE,
    "model.shape": (["constant", "taper", [1], [256, 128]], ["funnel", [], [64, 0], [64.0], 64, None]),
    "model.activation": (["relu", "tanh"], ["ReLU", None, ["relu"]]),
    "model.initializer": (["torch", "he", "zeros", 0, -0.5], ["kaiming", True, float("nan"), None]),
    "model.dropout": ([0, 0.999, [0, 0.5]], [-0.001, 1, [], [0.5, 1], "0.5", None]),
    "model.input_dropout": BELOW_ONE,
    "model.batch_norm": FLAG,
    "model.bias": FLAG,
    "model.channels": ([[1], [16, 32]], [16, [], [16, 0], "16", None]),
    "model.kernel_size": FROM_ONE,
    "model.stride": FROM_ONE,
    "model.padding": FROM_ZERO,
    "model.pooling": FROM_ONE,
    "trainer.max_epochs": FROM_ONE,
    "trainer.strategy": (
        ["auto", "ddp", {"_target_": "a.Strategy"}],
        [
            *("fsdp", "deepspeed", "ddp_spawn", "", {}, None),
            *(
                {"_target_": f"lightning.pytorch.strategies.{name}Strategy"}
                for name in ("FSDP", "DeepSpeed", "ModelParallel")
            ),
        ],
    ),
    "trainer.accelerator": (["auto", "cpu", "gpu"], ["cpu0", None]),
    "trainer.gradient_clip_val": ([None, 0.5], [0, -1.0]),
    "trainer.gradient_clip_algorithm": (["norm", "value"], ["max", None]),
    "trainer.accumulate_grad_batches": FROM_ONE,
    "trainer.deterministic": ([True, False, "warn"], ["yes", None]),
    "callbacks.early_stopping.patience": FROM_ONE,
}


def config(key: str, value: Any) -> DictConfig:
    cfg = OmegaConf.create()
    OmegaConf.update(cfg, key, value)
    return cfg


def refusal(key: str, value: Any) -> str:
    """Return what check_config says of a config with this one key; nothing if the value is allowed."""
    try:
        check_config(config(key, value))
    except UserError as error:
        return str(error)
    return ""


def test_every_rule_has_its_bounds_here() -> None:
    assert set(BOUNDS) == set(RULES)


@pytest.mark.parametrize("key", BOUNDS)
def test_a_rule_ends_at_its_bounds(key: str) -> None:
    allowed, refused = BOUNDS[key]
    says = f"{key} must be {RULES[key].says}; got "
    assert {repr(value): refusal(key, value) for value in allowed} == {repr(value): "" for value in allowed}
    assert [value for value in refused if not refusal(key, value).startswith(says)] == []


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
        pytest.param(
            "model.shape",
            [64, 0],
            "model.shape must be one of constant, taper, or a list, each an integer >= 1; got [64, 0]",
            id="a list",
        ),
        pytest.param(
            "model.shape",
            "tapr",
            "model.shape must be one of constant, taper, or a list, each an integer >= 1; got 'tapr'; "
            "did you mean taper?",
            id="a misspelled option beside a list",
        ),
        pytest.param(
            "model.shape",
            "list",
            "model.shape must be one of constant, taper, or a list, each an integer >= 1; got 'list'",
            id="a word that is no option",
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


# keys that say something of each other


def given(*typed: str, **content: Any) -> DictConfig:
    """A config with what was typed to get it."""
    return OmegaConf.create({**content, "hydra": {"overrides": {"task": list(typed)}}})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(
            {"warmup_epochs": 5, "trainer": {"max_epochs": 5}},
            "warmup_epochs must be less than trainer.max_epochs=5; got 5",
            id="a warm-up as long as the run",
        ),
        pytest.param(
            {"lr_finder": {"min_lr": 0.1, "max_lr": 0.01}},
            "lr_finder.min_lr must be less than lr_finder.max_lr=0.01; got 0.1",
            id="a range that falls",
        ),
    ],
)
def test_an_order_of_two_keys(content: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        check_config(OmegaConf.create(content))


def test_a_warm_up_may_end_in_the_last_epoch_but_one() -> None:
    check_config(OmegaConf.create({"warmup_epochs": 4, "trainer": {"max_epochs": 5}}))


@pytest.mark.parametrize(
    ("cfg", "message"),
    [
        pytest.param(
            given("optimizer.lr=0.1", find_lr=True),
            "optimizer.lr has no effect beside find_lr=true; got 'optimizer.lr=0.1': leave one out",
            id="a learning rate beside its finder",
        ),
        pytest.param(
            given("++model.num_layers=3", "seed=1", model={"shape": [8, 4]}),
            "model.num_layers has no effect beside model.shape=[8, 4]; got '++model.num_layers=3': leave one out",
            id="a depth beside a list of units",
        ),
        pytest.param(
            given("model.hidden_units=3", model={"shape": [8, 4]}),
            "model.hidden_units has no effect beside model.shape=[8, 4]; got 'model.hidden_units=3': leave one out",
            id="a width beside a list of units",
        ),
        pytest.param(
            given("data.val_fraction=0.5", data={"folds": 5}),
            "data.val_fraction has no effect beside data.folds=5; got 'data.val_fraction=0.5': leave one out",
            id="a validation part beside folds",
        ),
    ],
)
def test_a_key_that_would_be_ignored_is_refused(cfg: DictConfig, message: str) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        check_config(cfg)


@pytest.mark.parametrize(
    "cfg",
    [
        pytest.param(given("optimizer.lr=0.1", find_lr=False), id="the finder is off"),
        pytest.param(given("model.num_layers=3", model={"shape": "taper"}), id="a shape that needs the other key"),
        pytest.param(given("data.val_fraction=0.5", data={"folds": None}), id="no folds"),
        pytest.param(given(find_lr=True, optimizer={"lr": 0.1}), id="a default that nobody typed"),
        pytest.param(given("optimizer.lr_decay=1", find_lr=True), id="a key of a similar name"),
    ],
)
def test_a_key_that_has_its_effect_is_allowed(cfg: DictConfig) -> None:
    check_config(cfg)


# other checks


def test_folds_need_one_device() -> None:
    check_config(OmegaConf.create({"data": {"folds": None}, "trainer": {"devices": 2}}))
    check_config(OmegaConf.create({"data": {"folds": 5}, "trainer": {"devices": 1}}))
    with pytest.raises(UserError, match=r"^trainer\.devices must be 1 with data\.folds; got 2$"):
        check_config(OmegaConf.create({"data": {"folds": 5}, "trainer": {"devices": 2}}))


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
