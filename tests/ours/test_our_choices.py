"""Our own files of conf/: each builds, says what it is for, and its defaults act; a clone may change them."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import zip_longest
from pathlib import Path

import pytest
from choices import CHOICES, CONF, GROUPS, IDS, build_choice, chosen, composed, needed
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from optuna.pruners import BasePruner

from tunesmith.config.doors import SUPERVISED
from tunesmith.config.renamed_targets import nodes_with_target
from tunesmith.objective import known_mode
from tunesmith.rules.keys import KEYS
from tunesmith.rules.table import TARGETS
from tunesmith.search.sampling.sampler import make_pruner, make_sampler
from tunesmith.search.space.space import parse_space
from tunesmith.training.learner_and_data import build_learner

PLUGIN = CONF.parent / "src" / "hydra_plugins" / "tunesmith_sweeper" / "conf" / "hydra" / "sweeper"
ABSENT = "absent"
FILES = [path for folder in (CONF, PLUGIN) for path in sorted(folder.rglob("*.yaml"))]


@pytest.mark.parametrize(("group", "choice"), CHOICES, ids=IDS)
def test_every_choice_builds(group: str, choice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # some loggers write there
    cfg, run = build_choice(group, choice, tmp_path)
    assert run.trainer.max_epochs == cfg.trainer.max_epochs


def test_every_file_says_what_it_is_for() -> None:
    texts = {path: path.read_text().splitlines() for path in FILES}
    first = {path: next(line for line in lines if not line.startswith("# @package")) for path, lines in texts.items()}
    assert [path for path, line in first.items() if not line.startswith("# ") or line.startswith("# test:")] == []


def test_every_group_has_a_line_in_the_help() -> None:
    text = (CONF / "hydra" / "help" / "tunesmith.yaml").read_text()
    assert [group for group in GROUPS if f"\n    {group} " not in text] == []


def test_a_gpu_is_asked_for() -> None:
    assert composed("trainer=gpu").trainer.accelerator == "gpu"


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
    cfg = composed("objective.metric=val/acc")
    assert cfg.callbacks.early_stopping.monitor == "val/acc"
    assert cfg.callbacks.early_stopping.mode == cfg.scheduler.mode == cfg.hydra.sweeper.direction == "max"


def test_the_mode_of_each_of_our_metrics_is_known() -> None:
    names = {name for path in (CONF / "metrics").glob("*.yaml") for name in OmegaConf.load(path)}
    assert {name: known_mode(f"val/{name}") for name in names} == {
        **dict.fromkeys(("auroc", "f1", "r2", "recall", "top5"), "max"),
        "mae": "min",
    }


def test_optuna_is_an_alias_of_the_sweeper() -> None:
    target = composed("hydra/sweeper=optuna").hydra.sweeper._target_
    assert target == "hydra_plugins.tunesmith_sweeper.sweeper.TunesmithSweeper"


def test_every_rule_is_about_an_argument_of_some_choice(tmp_path: Path) -> None:
    unknown = {(pattern, argument) for pattern, rules in TARGETS.items() for argument in rules}
    unknown -= {("tunesmith.training.learner.Supervised", "loss.reduction")}  # by interpolation
    for group, choice in CHOICES:
        if choice != "base":
            cfg = chosen(group, choice, *needed(group, choice, tmp_path))
            assert [key for key in KEYS if OmegaConf.select(cfg, key, default=ABSENT) == ABSENT] == []
            unknown -= set(arguments(cfg))
    assert unknown == set()


def arguments(cfg: DictConfig) -> Iterator[tuple[str, str]]:
    """Yield each pattern of the table with each argument that a node of the config has for it."""
    for part in ("data", "model", "loss", "optimizer", "scheduler", "trainer", "callbacks"):
        for _, node in nodes_with_target(cfg[part], part) if isinstance(cfg.get(part), DictConfig) else ():
            sources = [node["source"]] if isinstance(node.get("source"), DictConfig) else []
            for target in (node["_target_"], *(source["_target_"] for source in sources)):
                for pattern in (pattern for pattern in TARGETS if fnmatchcase(target, pattern)):
                    here = {name for name in TARGETS[pattern] if OmegaConf.select(node, name, default=ABSENT) != ABSENT}
                    yield from ((pattern, name) for name in here)


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


def test_configs_without_a_learner_get_the_one_of_conf() -> None:
    """conf/learner/supervised.yaml, but for groups that older configs lack."""
    file = CONF / "learner" / "supervised.yaml"
    older = {key: f"${{oc.select:{key},null}}" for key in ("scheduler", "metrics")}
    assert OmegaConf.to_container(OmegaConf.load(file)) | older == SUPERVISED
