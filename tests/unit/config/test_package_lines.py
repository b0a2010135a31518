"""The line `# @package X`: found where Hydra does not see it, or missed where a file has no effect without it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from tunesmith.config.package_lines import check_package_lines
from tunesmith.errors import UserError

LINE = "# @package hydra.sweeper.params"


def composed(folder: Path, group: str, text: str, default: str = "null") -> DictConfig:
    """Compose an app with one group of one file, which is chosen."""
    (folder / group).mkdir()
    (folder / group / "mine.yaml").write_text(text)
    (folder / "app.yaml").write_text(f"defaults:\n  - _self_\n  - {group}: {default}\n")
    with initialize_config_dir(str(folder), version_base="1.3"):
        return compose("app", [f"{group}=mine"], return_hydra_config=True)


@pytest.mark.parametrize(
    ("group", "text", "package"),
    [
        pytest.param("space", f"# ranges\n{LINE}\nlr: 1", "hydra.sweeper.params", id="a space, below a comment"),
        pytest.param("space", "lr: 1", "hydra.sweeper.params", id="a space, none"),
        pytest.param(
            "experiment", "# try\n# @package _global_\nlr: 1", "_global_", id="an experiment, below a comment"
        ),
        pytest.param("experiment", "lr: 1", "_global_", id="an experiment, none"),
        pytest.param("search", "lr: 1", "_global_", id="a search, none"),
        pytest.param("local", "lr: 1", "_global_", id="a local file, none"),
        pytest.param("trainer", "\n# one batch\n\n  # @package _global_\nlr: 1", "_global_", id="any group"),
    ],
)
def test_a_line_that_hydra_does_not_see_is_refused(tmp_path: Path, group: str, text: str, package: str) -> None:
    message = (
        f"{group}=mine: '# @package {package}' must be the first line of {group}/mine.yaml, above any comment; "
        "Hydra does not see it elsewhere"
    )
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        check_package_lines(composed(tmp_path, group, text))


@pytest.mark.parametrize(
    ("group", "text"),
    [
        pytest.param("space", f"\n{LINE}\n# ranges\nlr: 1", id="in its place"),
        pytest.param("trainer", "# a comment\nlr: 1", id="no line"),
        pytest.param(
            "trainer", "# @package _global_\n# the line # @package is explained\nlr: 1", id="a comment about it"
        ),
        pytest.param("trainer", "lr: 1\n# @package _global_", id="below the content"),
    ],
)
def test_any_other_file_is_left_alone(tmp_path: Path, group: str, text: str) -> None:
    check_package_lines(composed(tmp_path, group, text))


def test_a_node_that_no_file_brought_is_left_alone(tmp_path: Path) -> None:
    check_package_lines(DictConfig({"space": {"width": 3}}))
    check_package_lines(DictConfig({"space": {}, "hydra": {"runtime": {"choices": {"space": None}}}}))
