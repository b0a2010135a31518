"""docs/migration.md names keys of the sweeper and of samplers, and files, that are there."""

from __future__ import annotations

import re
from inspect import signature
from pathlib import Path

import optuna
import yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "migration.md").read_text()
SWEEPER = ROOT / "src" / "hydra_plugins" / "tunesmith_sweeper" / "conf" / "hydra" / "sweeper"
# Keys of the official plugin that are here no more; the page says what to write instead.
GONE = {"search_space"}
SAMPLERS = (optuna.samplers.TPESampler, optuna.samplers.CmaEsSampler, optuna.samplers.NSGAIISampler)


def test_it_names_the_sweepers_keys_and_every_official_one() -> None:
    named = set(re.findall(r"hydra\.sweeper\.(\w+)", PAGE))
    config = yaml.safe_load((SWEEPER / "tunesmith.yaml").read_text())
    keys = config.keys() | {group for entry in config["defaults"] if isinstance(entry, dict) for group in entry}
    assert named - keys == GONE
    official = {"sampler", "direction", "storage", "study_name", "n_trials", "n_jobs", "max_failure_rate", "params"}
    assert named >= official | GONE | {"_target_", "custom_search_space"}


def test_the_samplers_take_the_keys_that_it_names() -> None:
    part = PAGE.partition("**Keys of samplers.**")[2].partition("**What is left behind**")[0]
    rows = [line.split("|")[1] for line in part.splitlines() if line.startswith("| ") and "`" in line]
    named = {key for row in rows for key in re.findall(r"`(\w+)`", row)}
    assert len(named) > 10
    assert named <= {name for sampler in SAMPLERS for name in signature(sampler).parameters}


def test_its_scripts_are_there() -> None:
    for path in re.findall(r"(?:scripts|tests/\w+)/\w+\.py", PAGE):
        assert (ROOT / path).exists()
