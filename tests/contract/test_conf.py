"""Every YAML of conf/ composes and builds, says what it is for, and the defaults act."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cache
from itertools import zip_longest
from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from optuna.pruners import BasePruner

from tunesmith.checks import ACTIVATIONS, INITIALIZERS, RULES, check_config
from tunesmith.cli import register_resolvers
from tunesmith.models import layers
from tunesmith.reporting import NoReporter
from tunesmith.search.sampling.sampler import make_pruner, make_sampler
from tunesmith.search.space.space import parse_space
from tunesmith.training.build import build, build_learner
from tunesmith.training.loggers import closed_loggers

CONF = Path(__file__).parents[2] / "conf"
PLUGIN = CONF.parent / "src" / "hydra_plugins" / "tunesmith_sweeper" / "conf" / "hydra" / "sweeper"
GROUPS = sorted(path.name for path in CONF.iterdir() if path.is_dir() and path.name not in ("hydra", "local"))
CHOICES = [(group, path.stem) for group in GROUPS for path in sorted((CONF / group).glob("*.yaml"))]
CHOICES.remove(("data", "base"))  # what all data sets have; no choice itself
FILES = [path for folder in (CONF, PLUGIN) for path in sorted(folder.rglob("*.yaml"))]


@pytest.fixture(autouse=True, scope="module")
def _hydra() -> Iterator[None]:
    register_resolvers()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        yield
    GlobalHydra.instance().clear()


@cache
def composed(*overrides: str) -> DictConfig:
    """Compose a config that tests may share; it cannot be changed."""
    cpu = [] if "trainer=gpu" in overrides else ["trainer.accelerator=cpu"]
    cfg = compose("train", [*overrides, *cpu], return_hydra_config=True)
    OmegaConf.set_readonly(cfg, True)
    return cfg


def chosen(group: str, choice: str, *needed: str) -> DictConfig:
    """Compose the config with one choice; needed: what the choice cannot be built without."""
    is_default = composed().hydra.runtime.choices.get(group) == choice
    return composed(*needed) if is_default else composed(f"{group}={choice}", *needed)


@pytest.mark.parametrize(("group", "choice"), CHOICES, ids=[f"{group}={choice}" for group, choice in CHOICES])
def test_every_choice_builds(group: str, choice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # for the file of logger=mlflow
    cfg = chosen(group, choice, *fitting(group, choice, tmp_path))
    check_config(cfg)
    if choice == "gpu":
        assert cfg.trainer.accelerator == "gpu"
    else:
        trainer = build(cfg, tmp_path, NoReporter()).trainer
        with closed_loggers(trainer.loggers):
            assert trainer.max_epochs == cfg.trainer.max_epochs


def fitting(group: str, choice: str, folder: Path) -> list[str]:
    """Return what a choice needs beside it: data of its own, or a model and data that it fits."""
    typed = []
    if (group, choice) == ("logger", "wandb"):
        typed.append("+logger.wandb.offline=true")
    if choice in ("mnist", "fashion_mnist"):
        write_idx_files(folder)
        typed.append(f"data.folder='{folder}'")
    if (group, choice) == ("data", "csv"):
        (folder / "a.csv").write_text("x,y\n" + "1,a\n2,b\n" * 10)
        typed += [f"data.path='{folder}/a.csv'", "data.target=y"]
    if choice == "npz":
        np.savez(folder / "a.npz", inputs=np.arange(20.0), targets=np.arange(20) % 2)
        typed.append(f"data.path='{folder}/a.npz'")
    if choice in ("mse", "mae", "huber"):
        typed.append("data=diabetes")
    if (group, choice) == ("callbacks", "parameters"):
        typed += ["model=linear", "data=iris"]
    return typed


def write_idx_files(folder: Path) -> None:
    """Write 60 images in the format of MNIST's files."""
    for split in ("train", "t10k"):
        images, labels = np.zeros((60, 28, 28), np.uint8), np.arange(60, dtype=np.uint8) % 10
        for name, values in (("images-idx3", images), ("labels-idx1", labels)):
            header = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
            (folder / f"{split}-{name}-ubyte").write_bytes(header + values.tobytes())


def test_every_file_says_what_it_is_for() -> None:
    texts = {path: path.read_text().splitlines() for path in FILES}
    first = {path: next(line for line in lines if not line.startswith("# @package")) for path, lines in texts.items()}
    assert [path for path, line in first.items() if not line.startswith("# ")] == []


SAMPLERS = ("tpe", "random", "qmc", "cmaes", "nsgaii", "gp")
PRUNERS = sorted(path.stem for path in (PLUGIN / "pruner").glob("*.yaml"))
PAIRS = list(zip_longest(SAMPLERS, PRUNERS, fillvalue="random" if len(SAMPLERS) < len(PRUNERS) else "none"))


@pytest.mark.parametrize(("sampler", "pruner"), PAIRS)
def test_every_sampler_and_pruner_builds(sampler: str, pruner: str) -> None:
    bounds = ["hydra.sweeper.pruner.upper=1.0"] if pruner == "threshold" else []
    cfg = composed(f"hydra/sweeper/sampler={sampler}", f"hydra/sweeper/pruner={pruner}", *bounds).hydra.sweeper
    space = parse_space(cfg.params, [])
    assert type(make_sampler(cfg.sampler, space, 30, 0, 0)).__module__.startswith("optuna.samplers")
    assert isinstance(make_pruner(cfg.pruner), BasePruner)


@pytest.mark.parametrize("name", ["cnn", "linear", "mlp"])
def test_a_space_varies_only_keys_that_its_model_has(name: str) -> None:
    cfg = chosen("model", name)
    space = parse_space(cfg.hydra.sweeper.params, [])
    assert [key for key in space.dimensions if OmegaConf.select(cfg, key) is None] == []


def test_a_model_brings_its_own_space_and_a_typed_one_replaces_it() -> None:
    assert "model.dropout" in composed().hydra.sweeper.params
    assert "model.dropout" not in composed("model=linear").hydra.sweeper.params
    assert composed("space=none").hydra.sweeper.params == {}


def test_the_learning_rate_is_drawn_on_a_log_scale() -> None:
    space = parse_space(composed().hydra.sweeper.params, [])
    assert space.dimensions["optimizer.lr"].distribution.log  # type: ignore[attr-defined]


def test_plateau_acts_before_early_stopping_before_the_last_epoch() -> None:
    cfg = composed()
    assert cfg.scheduler.patience < cfg.callbacks.early_stopping.patience < cfg.trainer.max_epochs


def test_every_part_follows_the_one_objective() -> None:
    cfg = composed("objective.metric=val/acc", "objective.mode=max")
    assert cfg.callbacks.early_stopping.monitor == "val/acc"
    assert cfg.callbacks.early_stopping.mode == cfg.scheduler.mode == cfg.hydra.sweeper.direction == "max"


def test_optuna_is_an_alias_of_the_sweeper() -> None:
    target = composed("hydra/sweeper=optuna").hydra.sweeper._target_
    assert target == "hydra_plugins.tunesmith_sweeper.sweeper.TunesmithSweeper"


# Together with the defaults they have all keys; each group's choice comes from the tests above as it is.
CHOICES_WITH_KEYS = [
    *(["optimizer=sgd"], ["scheduler=step"], ["scheduler=cosine"], ["loss=huber", "data=diabetes"]),
    *(["model=cnn"], ["model=linear"], ["data=line"], ["data=xor"]),
    *(["data=mnist"], ["data=csv", "data.path=a", "data.target=b"]),
]


def test_every_rule_is_about_a_key_of_some_choice() -> None:
    cfgs = [composed(), *(composed(*typed) for typed in CHOICES_WITH_KEYS)]
    unknown = [key for key in RULES if all(OmegaConf.select(cfg, key, default="absent") == "absent" for cfg in cfgs)]
    assert unknown == []


def test_rules_and_model_know_the_same_initializers() -> None:
    assert set(INITIALIZERS) == {"torch", *layers.INITIALIZERS}


def test_rules_and_model_know_the_same_activations() -> None:
    assert set(ACTIVATIONS) == set(layers.ACTIVATIONS)


def test_pruners_count_folds_where_there_are_folds() -> None:
    for typed, warmup, top in (([], 5, 100), (["data.folds=4"], 2, 4)):
        assert composed(*typed).hydra.sweeper.pruner.n_warmup_steps == warmup
        assert composed(*typed, "hydra/sweeper/pruner=hyperband").hydra.sweeper.pruner.max_resource == top


def test_a_choice_that_is_none_says_so() -> None:
    assert OmegaConf.is_missing(composed("data=base").data, "source")


def test_regression_learns_numbers() -> None:
    data, module = build_learner(composed("data=diabetes"))
    assert (data.has_classes, module.model.output.out_features) == (False, 1)


def test_optimizers_are_built_with_the_typed_values() -> None:
    optimizer = instantiate(composed("optimizer=sgd", "optimizer.lr=0.5", "optimizer.momentum=0.8").optimizer)
    assert (optimizer.keywords["lr"], optimizer.keywords["momentum"]) == (0.5, 0.8)
