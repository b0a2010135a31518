"""The table of rules: where each begins and ends, and the rules that another package brings."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from torch import nn
from torch.nn import init

from tunesmith.errors import UserError
from tunesmith.rules.keys import KEYS
from tunesmith.rules.table import ACTIVATIONS, INITIALIZERS, REPLACED, TARGETS, replacements_of, rules_of
from tunesmith.rules.training import TRAINING_TARGETS

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
ACTIVATION: Bounds = (["relu", "tanh"], ["ReLU", None, ["relu"]])
INITIALIZER: Bounds = (["torch", "he", "zeros", 0, -0.5], ["kaiming", True, float("nan"), None])
TASK: Bounds = (["auto", "classification", "regression"], ["classes", None])
REDUCTION: Bounds = (["mean", "sum"], ["none", None])
# Class that takes the value, "" for none -> its argument, or the key -> bounds.
BOUNDS: dict[str, dict[str, Bounds]] = {
    "": {
        "seed": SEED,
        "study_name": (["a", "a b", 5, "a" * 200], ["", None, "a" * 201]),
        "threads": FROM_ONE,
        "weights": ([None, "a.ckpt"], ["", 1]),
        "ckpt_path": ([None, "a.ckpt"], ["", 1]),
        "l1": NOT_NEGATIVE,
        "warmup_epochs": FROM_ZERO,
        "note": ([None, "why"], ["", 3, ["why"]]),
        "report": FLAG,
        "tags": ([[], ["a", "b"]], ["a", None, [1], [""]]),
        "find_lr": FLAG,
        "probes": ([True, False, "auto"], [None, 1, "on"]),
        "refit": FLAG,
        "objective.others": ([None, [], ["parameters"]], ["parameters", 3]),
        "lr_finder.min_lr": POSITIVE,
        "lr_finder.max_lr": POSITIVE,
        "lr_finder.steps": ([50, 51], [49, 50.0, None]),
        "trainer.engine": (["auto", "lightning", "lean"], ["fast", "", None]),
        "trainer.save_interval": NOT_NEGATIVE,
        "objective.metric": (["val/loss"], ["", 3, None]),
        "objective.mode": (["min", "max"], ["minimum", "", None]),
    },
    "torch.optim.*": {"lr": POSITIVE, "weight_decay": NOT_NEGATIVE, "momentum": BELOW_ONE},
    "torch.optim.lr_scheduler.*": {
        "interval": (["epoch", "step"], ["batch", None]),
        "step_size": FROM_ONE,
        "gamma": POSITIVE,
        "eta_min": NOT_NEGATIVE,
    },
    "torch.optim.lr_scheduler.OneCycleLR": {"pct_start": BETWEEN_ZERO_AND_ONE},
    "torch.optim.lr_scheduler.ReduceLROnPlateau": {
        "patience": FROM_ZERO,
        "factor": BETWEEN_ZERO_AND_ONE,
        "min_lr": NOT_NEGATIVE,
    },
    "torch.nn.*Loss": {
        "label_smoothing": BELOW_ONE,
        "reduction": (["mean", "sum", "none"], ["max", None]),
        "delta": POSITIVE,
    },
    "tunesmith.training.losses.AutoLoss": {"label_smoothing": BELOW_ONE, "reduction": REDUCTION},
    "tunesmith.training.learner.Supervised": {"loss.reduction": REDUCTION},
    "tunesmith.data.*DataModule": {
        "batch_size": FROM_ONE,
        "shuffle": FLAG,
        "val_fraction": BETWEEN_ZERO_AND_ONE,
        "test_fraction": ([None, 0.001, 0.999], [0, 1, "null"]),
        "split": (["random", "time", "group"], ["groups", None]),
        "split_seed": SEED,
        "folds": ([None, 2, 10], [1, 0, 2.0, "5"]),
        "fraction": ([0.001, 1, 1.0], [0, 1.001, True, None]),
        "scale": (["standard", "global", "minmax", "robust", "none"], ["std", True, None]),
        "targets": (["source", "inputs"], ["outputs", None]),
        "scale_targets": FLAG,
        "missing": (["refuse", "impute"], ["drop", None]),
        "class_weights": ([None, "balanced", [1, 2.5]], ["equal", [], [1, 0], [1, "2"], 2, True]),
        "augmentation.rotation": ([0, 180, 12.5], [-1, 180.5, None]),
        "augmentation.shift": BELOW_ONE,
        "augmentation.scale": BELOW_ONE,
        "augmentation.flip": ([0, 0.5, 1], [-0.1, 1.1, True, None]),
    },
    "tunesmith.data.sources.table.Csv": {
        "task": TASK,
        "max_categories": FROM_TWO,
        "path": TEXT,
        "target": (["y", 2, ["y"], ["y", 2], None], [[], 2.5, True]),
        "dates": (["parts", "elapsed", "drop", "text"], ["days", None]),
        "split_column": ([None, "y", 2], [["y"], 2.5]),
        "drop": LIST,
        "separator": ([",", "\\t"], ["", ",,", None]),
        "encoding": TEXT,
        "na_values": LIST,
        "header": ([None, 0, 2], [-1, 0.5, True, "first"]),
        "keep_default_na": FLAG,
        "decimal": ([".", ","], [";", "", None]),
        "thousands": ([None, ",", ".", "'", " ", "_"], [";", "", 1]),
    },
    "tunesmith.data.sources.npz.Npz": {"path": TEXT, "task": TASK, "tokens": FLAG, "mapped": FLAG},
    "tunesmith.data.sources.npy.Npy": {
        "path": TEXT,
        "targets_path": ([None, "a"], ["", 3]),
        "task": TASK,
        "tokens": FLAG,
        "mapped": FLAG,
    },
    "tunesmith.data.sources.sklearn_dataset.SklearnDataset": {"name": TEXT},
    "tunesmith.data.sources.images.ImageSet": {
        "folder": ([None, "a"], [3, [None]]),
        "debian": ([None, "a"], [3]),
        "cache": TEXT,
    },
    "tunesmith.data.sources.teaching.Quadratic": {"samples": ([3, 400], [2, 2.5, "a"])},
    "tunesmith.data.sources.teaching.Line": {"samples": ([3, 400], [2, 2.5, "a"]), "noise": ([0, 0.5], [-1, None])},
    "tunesmith.data.sources.teaching.Xor": {
        "samples_per_class": ([3], [2]),
        "test_samples": ([1], [0, -3]),
        "sigma": ([0, 0.3], [-1]),
    },
    "tunesmith.models.mlp.Mlp": {
        "num_layers": FROM_ONE,
        "hidden_units": FROM_ONE,
        "shape": (["constant", "taper", [1], [256, 128]], ["funnel", [], [64, 0], [64.0], 64, None]),
        "activation": ACTIVATION,
        "initializer": INITIALIZER,
        "dropout": ([0, 0.999, [0, 0.5]], [-0.001, 1, [], [0.5, 1], "0.5", None]),
        "input_dropout": BELOW_ONE,
        "batch_norm": FLAG,
    },
    "tunesmith.models.cnn.Cnn": {
        "channels": ([[1], [16, 32]], [16, [], [16, 0], "16", None]),
        "kernel_size": FROM_ONE,
        "stride": FROM_ONE,
        "padding": FROM_ZERO,
        "pooling": FROM_ONE,
        "activation": ACTIVATION,
        "initializer": INITIALIZER,
        "dropout": BELOW_ONE,
        "batch_norm": FLAG,
    },
    "tunesmith.models.linear.Linear": {"bias": FLAG, "initializer": INITIALIZER},
    "lightning.*Trainer": {
        "max_epochs": FROM_ONE,
        "max_steps": ([1, -1], [0, -2, 1.5]),
        "fast_dev_run": ([False, 0], [True, 1, 5]),
        "limit_train_batches": ([1, 0.5, None], [0, 0.0]),
        "check_val_every_n_epoch": ([1, 2, None], [0, 0.5]),
        "val_check_interval": ([1, 0.25, "00:00:10:00", None], [0, 0.0, -1]),
        "strategy": (
            ["auto", "ddp", {"_target_": "a.Strategy"}],
            [
                *("fsdp", "deepspeed", "ddp_spawn", "", {}, None),
                *({"_target_": f"a.{name}Strategy"} for name in ("FSDP", "DeepSpeed", "ModelParallel")),
            ],
        ),
        "accelerator": (["auto", "cpu", "gpu"], ["cpu0", None]),
        "gradient_clip_val": ([None, 0.5], [0, -1.0]),
        "gradient_clip_algorithm": (["norm", "value"], ["max", None]),
        "accumulate_grad_batches": FROM_ONE,
        "deterministic": ([True, False, "warn"], ["yes", None]),
    },
    "lightning.*EarlyStopping": {"patience": FROM_ONE},
}
CASES = [(target, argument) for target, arguments in BOUNDS.items() for argument in arguments]


def test_every_rule_has_its_bounds_here() -> None:
    tables = {"": KEYS, **TARGETS}
    assert {target: set(bounds) for target, bounds in BOUNDS.items()} == {key: set(of) for key, of in tables.items()}


@pytest.mark.parametrize(("target", "argument"), CASES, ids=[f"{target} {argument}" for target, argument in CASES])
def test_a_rule_ends_at_its_bounds(target: str, argument: str) -> None:
    rule = (TARGETS[target] if target else KEYS)[argument]
    allowed, refused = BOUNDS[target][argument]
    assert [value for value in allowed if not rule.holds(value)] == []
    assert [value for value in refused if rule.holds(value)] == []


OF_OPTIMIZERS = sorted({"lr", "momentum", "weight_decay", *TRAINING_TARGETS["torch.optim.*"]})
OF_STOPPING = sorted({"patience", *TRAINING_TARGETS["lightning.*EarlyStopping"]})


@pytest.mark.parametrize(
    ("target", "arguments"),
    [
        pytest.param("torch.optim.Adam", OF_OPTIMIZERS, id="a family"),
        pytest.param("torch.optim.adam.Adam", OF_OPTIMIZERS, id="its module's own path"),
        pytest.param("torch.nn.Linear", [], id="another family"),
        pytest.param("lightning.a.path.EarlyStopping", OF_STOPPING, id="any path of Lightning"),
        pytest.param("tunesmith.models.linear.Linear", ["bias", "initializer"], id="one class"),
        pytest.param("tunesmith.models.linear.Linear2", [], id="a longer name"),
        pytest.param("project.models.linear.Linear", [], id="another's class of the same name"),
        pytest.param("nowhere.Net", [], id="a package that is not there"),
        pytest.param("Net", [], id="no package at all"),
    ],
)
def test_the_rules_of_a_target(target: str, arguments: list[str]) -> None:
    assert sorted(rules_of(target)) == arguments


def test_replaced_arguments_have_rules() -> None:
    for pattern, pairs in REPLACED.items():
        known = {*TARGETS[pattern], *TARGETS["tunesmith.data.*DataModule"]}  # whose keys a source stands beside
        assert {name for name, _, other in pairs for name in (name, other)} <= known
        assert replacements_of(pattern.replace("*", "")) == pairs


def test_names_of_activations_and_initializers_are_torchs() -> None:
    assert [name for name in ACTIVATIONS.values() if not hasattr(nn, name)] == []
    assert [name for name in INITIALIZERS.values() if not hasattr(init, name)] == []


# rules of another package


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a package of a user's own, which can be imported."""
    folder = tmp_path / f"mine_{tmp_path.name}"
    folder.mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == folder.name]:
        del sys.modules[name]


def test_a_package_brings_its_rules(package: Path) -> None:
    (package / "__init__.py").touch()
    (package / "rules.py").write_text(
        "from tunesmith.rules import integer\n"
        f"RULES = {{'{package.name}.Net': {{'depth': integer(1)}}, '{package.name}.nets.*': {{'width': integer(2)}}}}\n"
    )
    assert {name: rule.says for name, rule in rules_of(f"{package.name}.Net").items()} == {"depth": "an integer >= 1"}
    assert list(rules_of(f"{package.name}.nets.Wide")) == ["width"]
    assert rules_of(f"{package.name}.Other") == {}


def test_a_script_brings_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)  # as Python does for a script
    assert rules_of("__main__.Net") == {}


def test_a_package_without_rules_is_not_imported(package: Path) -> None:
    (package / "__init__.py").write_text("1 / 0")
    assert rules_of(f"{package.name}.Net") == {}


def test_a_module_of_rules_without_a_table_has_none(package: Path) -> None:
    (package / "rules.py").write_text("x = 1")
    assert rules_of(f"{package.name}.Net") == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("1 / 0", r"must be importable; got ZeroDivisionError: division by zero", id="an error"),
        pytest.param(
            "def", r"must be importable; got SyntaxError: invalid syntax \(rules\.py, line 1\)", id="no Python"
        ),
        pytest.param(
            "import gone", "must be importable; got ModuleNotFoundError: No module named 'gone'", id="an import"
        ),
        pytest.param(
            "RULES = {'lr': 3}", r"RULES must be \{_target_: \{argument: rule\}\}; got \{'lr': 3\}", id="no table"
        ),
        pytest.param("RULES = {'a.B': {'lr': 3}}", r"RULES must be .*; got \{'a\.B': \{'lr': 3\}\}", id="no rule"),
    ],
)
def test_broken_rules_are_refused_in_one_line(package: Path, text: str, message: str) -> None:
    (package / "rules.py").write_text(text)
    with pytest.raises(UserError, match=rf"^{package.name}\.rules:? {message}$"):
        rules_of(f"{package.name}.Net")
