"""Keys that may change between what was begun and what goes on."""

from __future__ import annotations

import pytest

from tunesmith.config.free_keys import is_free, names_a_place


@pytest.mark.parametrize(
    ("key", "free"),
    [
        ("note", True),
        ("logger", True),
        ("logger.csv.version", True),
        ("trainer.devices", True),
        ("trainer.engine", True),
        ("trainer.save_interval", True),
        ("trainer.max_epochs", False),
        ("notes", False),
        ("seed", False),
        ("data.path", False),
    ],
)
def test_a_key_and_all_below_it_may_change(key: str, free: bool) -> None:
    assert is_free(key) is free


@pytest.mark.parametrize(
    ("key", "place"), [("data.path", True), ("data.source.cache_dir", True), ("data.target", False), ("path", False)]
)
def test_a_key_of_the_data_may_name_a_place(key: str, place: bool) -> None:
    assert names_a_place(key) is place
