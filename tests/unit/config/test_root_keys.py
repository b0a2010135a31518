"""Keys at the root of a config: those of train.yaml, of groups, of a + and vars."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from tunesmith.config.root_keys import check_root_keys
from tunesmith.errors import UserError


def composed(folder: Path, primary: str, *overrides: str) -> DictConfig:
    """Compose an app of a folder that has train.yaml, a group `model`, and an own primary config."""
    (folder / "model").mkdir()
    (folder / "model" / "net.yaml").write_text("units: 3\n")
    (folder / "train.yaml").write_text("seed: 1\nobjective: {metric: loss}\n")
    (folder / "own.yaml").write_text(primary)
    with initialize_config_dir(str(folder), version_base="1.3"):
        return compose("own", list(overrides), return_hydra_config=True)


@pytest.mark.parametrize(
    ("primary", "overrides"),
    [
        pytest.param("defaults: [train, model: net, _self_]", [], id="keys and groups"),
        pytest.param("defaults: [train, _self_]\nvars: {a: 1}", [], id="vars"),
        pytest.param("defaults: [train, _self_]", ["+mine=3", "+objective.mine=3"], id="plus"),
        pytest.param("defaults: [train, model@teacher: net, _self_]", [], id="a package"),
        pytest.param(
            "# The best trial's configuration.\ndefaults: [train, _self_]\nmine: 1", [], id="written by a sweep"
        ),
    ],
)
def test_keys_that_somebody_reads(tmp_path: Path, primary: str, overrides: list[str]) -> None:
    check_root_keys(composed(tmp_path, primary, *overrides), tmp_path)


@pytest.mark.parametrize(
    ("primary", "message"),
    [
        pytest.param(
            "defaults: [train, _self_]\nsede: 1", "sede: .*own.yaml has it; did you mean seed", id="a root key"
        ),
        pytest.param(
            "defaults: [train, _self_]\nobjective: {metrik: a}", "objective.metrik: .*own.yaml", id="a key below"
        ),
    ],
)
def test_keys_that_nobody_reads(tmp_path: Path, primary: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_root_keys(composed(tmp_path, primary), tmp_path)


def test_a_config_that_hydra_has_not_composed_is_left_alone(tmp_path: Path) -> None:
    check_root_keys(OmegaConf.create({"mine": 1}), tmp_path)
