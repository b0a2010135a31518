"""What a data module says of its shapes: ours everything, another one the least."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest

from tunesmith.errors import UserError
from tunesmith.training.data_facts import DataFacts, read_facts


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"output_size": 3}, DataFacts((4,), 3, has_classes=True)),
        ({"output_size": 1}, DataFacts((4,), 1)),
        ({"output_size": 3, "has_classes": False}, DataFacts((4,), 3, target_shape=(3,))),
        ({"output_size": 1, "has_classes": True}, DataFacts((4,), 1, has_classes=True)),
        ({"output_size": 2, "target_scale": 5.0}, DataFacts((4,), 2, has_classes=True, target_scale=5.0)),
    ],
    ids=["classes", "a number", "three numbers", "two classes", "in a unit"],
)
def test_what_is_not_said_follows_from_what_is(said: dict[str, Any], expected: DataFacts) -> None:
    assert read_facts(SimpleNamespace(input_shape=[4], **said)) == expected


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "data must be given for learner=supervised; got data=none"),
        (
            SimpleNamespace(input_shape=(4,)),
            "data must say its output_size, as an attribute of the data module, for learner=supervised; got "
            "SimpleNamespace without it: add it, or use a learner of your own",
        ),
    ],
    ids=["no data", "no output size"],
)
def test_data_that_does_not_say_its_shapes_is_refused(data: Any, message: str) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        read_facts(data)
