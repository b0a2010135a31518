"""Keys of the official plugin that this one lacks."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tunesmith.errors import UserError
from tunesmith.search.old_keys import check_old


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"type": "categorical", "choices": [32, "a b", True]}, "choice(32, 'a b', True)"),
        ({"type": "int", "low": 1, "high": 8}, "int(interval(1, 8))"),
        ({"type": "int", "low": 1, "high": 8, "log": True}, "tag(log, int(interval(1, 8)))"),
        ({"type": "float", "low": 0.1, "high": 0.9}, "interval(0.1, 0.9)"),
        ({"type": "float", "low": 0.1, "high": 0.9, "step": 0.2}, "range(0.1, 0.9, 0.2)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_old_search_space_is_refused_with_what_to_write(old: dict[str, Any], new: str) -> None:
    message = f"hydra.sweeper.search_space is an old name: write hydra.sweeper.params: {{lr: {new}}}"
    with pytest.raises(UserError, match=re.escape(message) + "$"):
        check_old({"search_space": {"lr": old}})
