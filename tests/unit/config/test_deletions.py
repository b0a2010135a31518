"""Keys that ~KEY may not delete."""

from __future__ import annotations

import pytest

from tunesmith.config.deletions import NEEDED, refuse_deletions
from tunesmith.errors import UserError


@pytest.mark.parametrize("key", NEEDED)
def test_a_key_that_every_run_needs_stays(key: str) -> None:
    with pytest.raises(UserError, match=rf"^{key} must not be deleted; got '~{key}': "):
        refuse_deletions(["seed=1", f"~{key}"])


@pytest.mark.parametrize("argument", ["~optimizer=adam", "~hydra/run/dir"])
def test_however_it_is_typed(argument: str) -> None:
    with pytest.raises(UserError, match=r" must not be deleted; got '~"):
        refuse_deletions([argument])


@pytest.mark.parametrize(
    "argument", ["~optimizer.weight_decay", "~callbacks.early_stopping", "optimizer=sgd", "~space"]
)
def test_others_may_go(argument: str) -> None:
    refuse_deletions([argument])
