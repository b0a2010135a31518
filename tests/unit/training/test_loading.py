"""What trains is loaded once, and stays out of garbage collections."""

from __future__ import annotations

import gc
import sys
import weakref

import pytest
from tiny import composed

from tunesmith.training.loading import load, load_training


@pytest.mark.parametrize("is_on", [True, False])
def test_what_trains_stays_out_of_garbage_collections_which_go_on_as_they_were(is_on: bool) -> None:
    load.cache_clear()
    gc.unfreeze()
    try:
        if not is_on:
            gc.disable()
        load_training()
        assert gc.isenabled() == is_on
        assert gc.get_freeze_count() > 100_000
    finally:
        gc.enable()


def test_what_trains_is_loaded_once_so_that_no_trial_s_garbage_stays() -> None:
    load_training()
    gc.unfreeze()
    load_training()
    assert gc.get_freeze_count() == 0
    gc.freeze()


class Circle:
    def __init__(self) -> None:
        self.itself = self


def test_an_engine_that_is_loaded_later_keeps_no_earlier_trial_s_garbage() -> None:
    gc.freeze()
    garbage = weakref.ref(Circle())
    load.cache_clear()
    load_training()
    assert garbage() is None


@pytest.fixture
def unloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    load.cache_clear()
    for module in ("tunesmith.training.fit", "tunesmith.training.lean.fit"):
        monkeypatch.delitem(sys.modules, module, raising=False)


@pytest.mark.parametrize(
    ("overrides", "is_lean"),
    [
        (["hydra.mode=MULTIRUN"], True),
        (["hydra.mode=MULTIRUN", "trainer.precision=bf16-mixed"], False),
        (["hydra.mode=MULTIRUN", "trainer.engine=lightning"], False),
        (["hydra.mode=MULTIRUN", "trainer.precision=???"], True),
        (["hydra.mode=RUN"], False),
        (["hydra.mode=RUN", "trainer.engine=lean"], True),
        (["hydra.mode=RUN", "trainer.engine=lean", "trainer.precision=bf16-mixed"], True),
    ],
)
def test_the_engine_of_the_config_is_loaded_and_not_the_other(
    unloaded: None, overrides: list[str], is_lean: bool
) -> None:
    load_training(composed(*overrides, with_hydra=True))
    assert ("tunesmith.training.lean.fit" in sys.modules) == is_lean
    assert ("tunesmith.training.fit" in sys.modules) != is_lean
