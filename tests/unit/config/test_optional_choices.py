"""A misspelt choice of an optional group, which Hydra ignores, is refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from tunesmith.config.optional_choices import check_optional_choices
from tunesmith.errors import UserError


def composed(folder: Path, *overrides: str) -> DictConfig:
    """Compose an app whose optional space is mlp, of which there is no file; there is one of wide."""
    (folder / "space").mkdir()
    (folder / "space" / "wide.yaml").write_text("x: 1\n")
    (folder / "app.yaml").write_text("defaults:\n  - _self_\n  - optional space: mlp\n")
    with initialize_config_dir(str(folder), version_base="1.3"):
        return compose("app", list(overrides), return_hydra_config=True)


@pytest.mark.parametrize("override", ["space=wid", "space=[wide,wid]", "space=['wid', wide]"])
def test_a_misspelt_space_is_refused(tmp_path: Path, override: str) -> None:
    with pytest.raises(UserError, match="space: there is no such choice; got 'wid'; did you mean wide"):
        check_optional_choices(composed(tmp_path, override), [override])


@pytest.mark.parametrize("overrides", [(), ("space=wide",), ("space=[wide]",), ("space=[]",)])
def test_a_file_that_is_there_or_was_not_typed_is_not(tmp_path: Path, overrides: tuple[str, ...]) -> None:
    check_optional_choices(composed(tmp_path, *overrides), overrides)
