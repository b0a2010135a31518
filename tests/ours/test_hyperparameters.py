"""docs/hyperparameters.md is conf/, and each hyperparameter changes the run by one override."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf, open_dict

from tunesmith.checks import check_config
from tunesmith.cli import register_resolvers
from tunesmith.reporting import NoReporter
from tunesmith.rules.keys import KEYS
from tunesmith.rules.table import TARGETS
from tunesmith.run_folder import read_metrics
from tunesmith.training.run import train_in

ROOT = Path(__file__).parents[2]
TABLE = (ROOT / "docs" / "hyperparameters.md").read_text()
ROWS = [tuple(cell.strip() for cell in line.split("|")[1:-1]) for line in TABLE.splitlines() if line.startswith("| `")]
GROUPS = {path.name for path in (ROOT / "conf").iterdir() if path.is_dir()}
# A run in which each of them can act: 16 units, 3 epochs, the learning rate falls within them.
BASE = ("optimizer.lr=0.01", "data.batch_size=256", "trainer.max_epochs=3", "logger=none")
TABLE_OVERRIDES = ("data.path=a.csv", "data.target=b")


@pytest.fixture(autouse=True, scope="module")
def _hydra() -> Iterator[None]:
    register_resolvers()
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        yield
    GlobalHydra.instance().clear()


def test_every_key_exists_and_its_default_is_the_one_in_conf() -> None:
    expected = {row[:2]: float(row[3]) if row[3] == "1e-7" else yaml.safe_load(row[3]) for row in ROWS}
    assert len(expected) == len(ROWS)
    assert {(key, context): default_of(key.strip("`"), context) for key, context in expected} == expected


def default_of(key: str, context: str) -> Any:
    """Return the value that a key has beside the choices of its context."""
    cfg = config(*context.split(), *(TABLE_OVERRIDES if "data=csv" in context else ()))
    value = cfg.hydra.runtime.choices[key] if key in GROUPS else OmegaConf.select(cfg, key, throw_on_missing=True)
    return list(value) if OmegaConf.is_list(value) else value


def config(*overrides: str) -> DictConfig:
    """Compose each set of choices once; set the values on a copy, as Hydra does."""
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    choices = tuple(override.input_line or "" for override in parsed if override.key_or_group in GROUPS)
    cfg: DictConfig = pickle.loads(with_choices(choices))
    for override in parsed:
        if override.key_or_group not in GROUPS:
            OmegaConf.update(cfg, override.key_or_group, override.value())
    return cfg


@cache
def with_choices(choices: tuple[str, ...]) -> bytes:
    """Return a pickled config: loading it takes a fifth of a deep copy's time."""
    return pickle.dumps(compose("train", list(choices), return_hydra_config=True))


# Class that takes a hyperparameter -> the node that names the class.
NODES = {
    "torch.optim.*": "optimizer",
    "torch.optim.lr_scheduler.*": "scheduler",
    "torch.optim.lr_scheduler.OneCycleLR": "scheduler",
    "torch.optim.lr_scheduler.ReduceLROnPlateau": "scheduler",
    "torch.nn.*Loss": "loss",
    "tunesmith.data.*DataModule": "data",
    "tunesmith.models.mlp.Mlp": "model",
    "tunesmith.models.cnn.Cnn": "model",
    "tunesmith.models.linear.Linear": "model",
    "lightning.*Trainer": "trainer",
    "lightning.*EarlyStopping": "callbacks.early_stopping",
}


def test_every_rule_of_a_hyperparameter_is_in_the_table() -> None:
    with_rules = {f"{node}.{argument}" for target, node in NODES.items() for argument in TARGETS[target]}
    with_rules |= {key for key in KEYS if not key.startswith("lr_finder.")}
    no_hyperparameters = {
        "note",
        "tags",
        "study_name",
        "weights",
        "ckpt_path",
        "data.targets",
        "objective.mode",
        "trainer.accelerator",
        "trainer.strategy",
        *("trainer.engine", "trainer.save_interval", "probes", "report"),
        *(
            "trainer.max_steps",
            "trainer.limit_train_batches",
            "trainer.fast_dev_run",
        ),  # flags of Lightning that conf/ has not
        *("trainer.val_check_interval", "trainer.check_val_every_n_epoch"),
    }
    assert with_rules - {row[0].strip("`") for row in ROWS} == no_hyperparameters


CHANGES = [
    ("", "model=linear"),
    ("", "model.num_layers=3"),
    ("", "model.hidden_units=32"),
    ("", "model.shape=taper"),
    ("", "model.shape=[32,16]"),
    ("", "model.activation=tanh"),
    ("", "model.initializer=xavier"),
    ("", "model.batch_norm=false"),
    ("", "model.dropout=0.5"),
    ("", "model.dropout=[0.1,0.2]"),
    ("", "model.input_dropout=0.2"),
    ("model=cnn", "model.channels=[8]"),
    ("model=cnn model.padding=2", "model.kernel_size=5"),
    ("model=cnn model.pooling=1", "model.stride=2"),
    ("model=cnn", "model.padding=2"),
    ("model=cnn", "model.pooling=1"),
    ("model=cnn", "model.dropout=0.3"),
    ("model=linear", "model.bias=false"),
    ("", "optimizer=sgd"),
    ("", "optimizer.lr=0.02"),
    ("optimizer=sgd", "optimizer.momentum=0.5"),
    ("optimizer=sgd", "optimizer.nesterov=true"),
    ("", "optimizer.weight_decay=0.1"),
    ("", "l1=0.01"),
    ("", "trainer.gradient_clip_val=0.1"),
    ("optimizer=sgd trainer.gradient_clip_val=0.01", "trainer.gradient_clip_algorithm=value"),
    ("", "data.batch_size=64"),
    ("", "trainer.max_epochs=4"),
    ("", "data.shuffle=false"),
    ("", "trainer.accumulate_grad_batches=2"),
    ("", "trainer.precision=bf16-mixed"),
    ("", "data.fraction=0.5"),
    ("", "data.folds=3"),
    ("", "data.val_fraction=0.3"),
    ("", "data.test_fraction=0.1"),
    ("", "data.split_seed=1"),
    ("", "data.split=time"),
    ("", "data.scale=minmax"),
    ("", "data.scale=none"),
    ("data=diabetes", "data.scale_targets=false"),
    ("", "seed=1"),
    ("", "scheduler=cosine"),
    ("scheduler.patience=0 scheduler.mode=max", "scheduler.factor=0.1"),  # a loss that falls is then a plateau
    ("scheduler.mode=max", "scheduler.patience=0"),
    ("scheduler.patience=0 scheduler.mode=max", "scheduler.min_lr=0.009"),
    ("scheduler=step scheduler.step_size=1", "scheduler.gamma=0.1"),
    ("scheduler=step", "scheduler.step_size=1"),
    ("scheduler=cosine", "scheduler.eta_min=0.001"),
    ("", "scheduler=onecycle"),
    ("scheduler=onecycle", "scheduler.pct_start=0.5"),
    ("scheduler=cosine", "scheduler.interval=step"),
    ("", "warmup_epochs=2"),
    ("lr_finder.max_lr=1", "find_lr=true"),
    ("callbacks.early_stopping.mode=max scheduler=none", "callbacks.early_stopping.patience=1"),
    ("data=diabetes", "loss=mae"),
    ("", "loss.label_smoothing=0.1"),
    ("optimizer=sgd", "loss.reduction=sum"),
    ("data=diabetes loss=huber", "loss.delta=0.1"),
    ("data=breast_cancer", "data.class_weights=balanced"),
    ("", "data.augmentation.rotation=20"),
    ("", "data.augmentation.shift=0.2"),
    ("", "data.augmentation.scale=0.2"),
    ("", "data.augmentation.flip=0.5"),
]
WITHOUT_EFFECT_HERE = {
    "trainer.deterministic": "acts on a GPU",
    "threads": "changes the last digits, on some machines",
    "data.missing": "test_table.py",
    "data.dates": "test_dates.py",
    "objective.metric": "test_conf.py",
    "objective.others": "test_values_of_objectives.py",
    "refit": "test_refit.py",
}


def test_every_hyperparameter_is_changed_below() -> None:
    changed = {re.split("[=]", change)[0] for _, change in CHANGES}
    assert {row[0].strip("`") for row in ROWS} - changed == set(WITHOUT_EFFECT_HERE)


@pytest.mark.parametrize(("context", "change"), CHANGES, ids=[f"{context} {change}" for context, change in CHANGES])
def test_one_override_changes_the_run(context: str, change: str) -> None:
    assert trained(*context.split(), change) != trained(*context.split())


@cache
def trained(*overrides: str) -> Any:
    """Return every epoch's metrics, of the first fold where there are any."""
    has_units = not {"model=cnn", "model=linear"} & {*overrides}
    cfg = config(*BASE, *(["model.hidden_units=16"] if has_units else []), *overrides)
    with open_dict(cfg):
        del cfg["hydra"]
    check_config(cfg)
    with TemporaryDirectory() as name:
        result = train_in(cfg, Path(name), NoReporter())
        return result["value"], read_metrics(Path(name))
