"""docs/migration.md names keys of the sweeper and of samplers, and files, that are there."""

from __future__ import annotations

import re
from inspect import signature
from pathlib import Path

import optuna
import pytest
import yaml
from tiny import composed

from tunesmith.reporting import NoReporter
from tunesmith.run_folder import read_metrics
from tunesmith.training.run import train

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


@pytest.mark.filterwarnings("ignore:Attribute 'net' is an instance of `nn.Module` and is already saved")
def test_its_two_files_run_a_module_and_a_data_module_of_lightning_hydra_template(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With tests/foreign/template.py in the place of the template's own code, which it repeats."""
    monkeypatch.syspath_prepend(str(ROOT / "tests"))
    for file, text in re.findall(r"`conf/((?:learner|data)/mnist_lit)\.yaml`\n```yaml\n(.*?)```", PAGE, re.DOTALL):
        path = tmp_path / "conf" / f"{file}.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(re.sub(r"project\.\w+\.(\w+)$", r"foreign.template.\1", text, flags=re.MULTILINE))
    choices = ("learner=mnist_lit", "data=mnist_lit", f"hydra.searchpath=[file://{tmp_path / 'conf'}]", "logger=none")
    small = ("learner.net.input_size=8", "data.train_val_test_split=[64,32,32]", "trainer.max_epochs=2")
    train(composed(*choices, *small, "trainer.accelerator=cpu"), tmp_path, NoReporter())
    columns = ["epoch", "val/loss", "val/acc", "val/acc_best", "train/loss", "train/acc"]
    assert list(read_metrics(tmp_path)[-1]) == columns


def test_its_scripts_are_there() -> None:
    for path in re.findall(r"(?:scripts|tests/\w+)/\w+\.py", PAGE):
        assert (ROOT / path).exists()
