"""Config groups: which file a value means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hydra_app import app_context

from tunesmith.search.space.groups import Groups


@pytest.fixture(scope="module")
def groups(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Groups]:
    folder = tmp_path_factory.mktemp("conf")
    (folder / "model").mkdir()
    for name in ("0", "1.0", "1.00", "true", "on", "mlp"):
        (folder / "model" / f"{name}.yaml").write_text("{}")
    with app_context(folder, "x: 1") as context:
        yield Groups(context.config_loader)


@pytest.mark.parametrize(
    ("value", "text", "name"),
    [
        (0, "model=0", "0"),
        (True, "model=true", "true"),
        (1.0, "model=1.00,mlp", "1.00"),
        (1.0, "", "1.0"),
        (7, "model=7", "7"),
        ("mlp", "model=mlp", "mlp"),
        (None, "model=null", None),
    ],
)
def test_the_file_that_a_value_means(groups: Groups, value: Any, text: str, name: str | None) -> None:
    assert groups.choice_name("model", value, text) == name


@pytest.mark.parametrize(
    ("key", "is_group"),
    [("model", True), ("+model@a.b", True), ("~model", True), ("model.units", False), ("lr", False)],
)
def test_a_group_is_told_by_its_name(groups: Groups, key: str, is_group: bool) -> None:
    assert groups.has(key) is is_group
    assert not Groups(None).has(key)
