"""conf/local/default.yaml: it reaches every config, what is typed wins, git and the tests leave it out."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from tunesmith.cli import ignore_schema_warning, register_resolvers

ROOT = Path(__file__).parents[2]
EXAMPLE = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "local.md").read_text(), flags=re.DOTALL)[0]
SETTINGS = "# @package _global_\ndata:\n  path: /here.csv\nhydra:\n  sweeper:\n    storage: sqlite:///here.db\n"


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    """A copy of conf/, which may have a local/default.yaml."""
    return Path(shutil.copytree(ROOT / "conf", tmp_path / "conf", ignore=shutil.ignore_patterns("local")))


def composed(conf: Path, text: str | None, *overrides: str) -> DictConfig:
    if text is not None:
        (conf / "local").mkdir()
        (conf / "local" / "default.yaml").write_text(text)
    register_resolvers()
    ignore_schema_warning()
    with initialize_config_dir(str(conf), version_base="1.3"):
        return compose("train", list(overrides), return_hydra_config=True)


def shown(cfg: DictConfig) -> tuple[Any, ...]:
    return cfg.data.path, cfg.hydra.sweeper.storage, cfg.hydra.launcher.get("partition")


CSV = ("data=csv", "data.target=y")


def test_it_changes_paths_and_storage_of_every_command(conf: Path) -> None:
    assert shown(composed(conf, SETTINGS, *CSV)) == ("/here.csv", "sqlite:///here.db", None)


def test_what_is_typed_wins_over_it(conf: Path) -> None:
    typed = ("data.path=typed.csv", "hydra.sweeper.storage=null")
    assert shown(composed(conf, SETTINGS, *CSV, *typed)) == ("typed.csv", None, None)


def test_it_wins_over_a_recipe(conf: Path) -> None:
    assert composed(conf, "# @package _global_\ndata:\n  batch_size: 7\n", "experiment=diabetes").data.batch_size == 7


def test_the_example_of_its_page_chooses_launcher_partition_and_database(conf: Path) -> None:
    cfg = composed(conf, EXAMPLE)
    launcher = cfg.hydra.launcher
    assert launcher._target_.endswith("SlurmLauncher")
    assert (launcher.partition, cfg.vars.data_root) == ("gpu", "/scratch/me")
    assert cfg.hydra.sweeper.storage == "postgresql+psycopg://me@dbhost/studies"


def test_the_example_gives_way_to_a_typed_partition(conf: Path) -> None:
    assert composed(conf, EXAMPLE, "hydra.launcher.partition=cpu").hydra.launcher.partition == "cpu"


def test_a_command_can_leave_it_out(conf: Path) -> None:
    assert shown(composed(conf, SETTINGS, *CSV, "data.path=a", "~local")) == ("a", None, None)


def test_without_it_nothing_is_missing(conf: Path) -> None:
    assert shown(composed(conf, None, *CSV, "data.path=a")) == ("a", None, None)


def test_git_ignores_it(tmp_path: Path) -> None:
    shutil.copy(ROOT / ".gitignore", tmp_path)
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    asked = ["conf/local/default.yaml", "conf/data/csv.yaml"]
    answer = subprocess.run(["git", "-C", str(tmp_path), "check-ignore", *asked], capture_output=True, text=True)
    assert answer.stdout.split() == ["conf/local/default.yaml"]


def test_the_tests_leave_out_the_file_of_whoever_runs_them() -> None:
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        cfg = compose("train", return_hydra_config=True)
    source = next(source for source in cfg.hydra.runtime.config_sources if source.provider == "tests")
    assert OmegaConf.load(Path(source.path) / "local" / "default.yaml") == {"report": False}  # tests write no pages
