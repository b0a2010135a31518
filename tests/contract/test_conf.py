"""Every YAML of conf/ composes and builds, says what it is for, and the defaults act."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from tunesmith.checks import ACTIVATIONS, RULES, check_config
from tunesmith.cli import run_folder
from tunesmith.models import mlp
from tunesmith.run import _build, _build_learner
from tunesmith.search.handoff import NoReporter
from tunesmith.search.sampler import make_pruner, make_sampler
from tunesmith.search.space import parse_space

CONF = Path(__file__).parents[2] / "conf"
PLUGIN = CONF.parent / "src" / "hydra_plugins" / "tunesmith_sweeper" / "conf" / "hydra" / "sweeper"
GROUPS = sorted(path.name for path in CONF.iterdir() if path.is_dir() and path.name != "hydra")
CHOICES = [(group, path.stem) for group in GROUPS for path in sorted((CONF / group).glob("*.yaml"))]
FILES = [path for folder in (CONF, PLUGIN) for path in sorted(folder.rglob("*.yaml"))]


@pytest.fixture(autouse=True)
def _hydra() -> Iterator[None]:
    OmegaConf.register_new_resolver("run_folder", run_folder, replace=True)
    with initialize_config_dir(str(CONF), version_base="1.3"):
        yield
    GlobalHydra.instance().clear()


def composed(*overrides: str) -> DictConfig:
    return compose("train", list(overrides), return_hydra_config=True)


@pytest.mark.parametrize(("group", "choice"), CHOICES, ids=[f"{group}={choice}" for group, choice in CHOICES])
def test_every_choice_builds(group: str, choice: str, tmp_path: Path) -> None:
    fitting = {"mse": ["data=diabetes"], "mae": ["data=diabetes"]}.get(choice, [])
    cfg = composed(f"{group}={choice}", *fitting, *([] if choice == "gpu" else ["trainer.accelerator=cpu"]))
    check_config(cfg)
    if choice == "gpu":
        assert cfg.trainer.accelerator == "gpu"
    else:
        assert _build(cfg, tmp_path, NoReporter()).trainer.max_epochs == cfg.trainer.max_epochs


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_file_says_what_it_is_for(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if not line.startswith("# @package")]
    assert lines[0].startswith("# ")


@pytest.mark.parametrize("name", sorted(path.stem for path in (PLUGIN / "pruner").glob("*.yaml")))
def test_every_pruner_builds(name: str) -> None:
    bounds = ["hydra.sweeper.pruner.upper=1.0"] if name == "threshold" else []
    assert make_pruner(composed(f"hydra/sweeper/pruner={name}", *bounds).hydra.sweeper.pruner) is not None


@pytest.mark.parametrize("name", ["tpe", "random", "qmc", "cmaes", "nsgaii", "gp"])
def test_every_sampler_builds(name: str) -> None:
    cfg = composed(f"hydra/sweeper/sampler={name}").hydra.sweeper
    space = parse_space(cfg.params, [])
    assert type(make_sampler(cfg.sampler, space, 30, 0, 0)).__module__.startswith("optuna.samplers")


@pytest.mark.parametrize("name", ["mlp", "linear"])
def test_a_space_varies_only_keys_that_its_model_has(name: str) -> None:
    cfg = composed(f"model={name}")
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


def test_every_rule_is_about_a_key_of_some_choice() -> None:
    cfgs = [composed(*typed) for typed in ([], ["optimizer=sgd", "scheduler=step", "loss=cross_entropy"])]
    unknown = [key for key in RULES if all(OmegaConf.select(cfg, key, default="absent") == "absent" for cfg in cfgs)]
    assert unknown == []


def test_rules_and_model_know_the_same_activations() -> None:
    assert set(ACTIVATIONS) == set(mlp.ACTIVATIONS)


def test_regression_learns_numbers() -> None:
    data, module = _build_learner(composed("data=diabetes"))
    assert (data.has_classes, module.model.output.out_features) == (False, 1)


def test_optimizers_are_built_with_the_typed_values() -> None:
    optimizer = instantiate(composed("optimizer=sgd", "optimizer.lr=0.5", "optimizer.momentum=0.8").optimizer)
    assert (optimizer.keywords["lr"], optimizer.keywords["momentum"]) == (0.5, 0.8)
