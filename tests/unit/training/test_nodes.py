"""A node of a config is built, and a mistake in it names the key under which it is written."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hydra.errors import InstantiationException
from omegaconf import OmegaConf

from tunesmith.errors import UserError
from tunesmith.training.nodes import build_node


@pytest.mark.parametrize(
    ("key", "node", "message"),
    [
        pytest.param(
            "data",
            {
                "_target_": "tunesmith.data.splits.load_splits",
                "source": {"_target_": "builtins.object"},
                "config": None,
            },
            "data.source must have a method load; got object",
            id="one of our own",
        ),
        *(
            pytest.param(
                "callbacks.a",
                {"_target_": target, "cmd": "id"},
                f"callbacks.a._target_ is refused by Hydra: Target '{target}' is blocklisted because it allows",
                id=f"what Hydra refuses: {target}",
            )
            for target in ("os.system", "builtins.eval", "subprocess.Popen")
        ),
        pytest.param(
            "trainer",
            {"_target_": "lightning.Trainer", "accelerator": "cpu", "max_epoch": 3},
            "trainer: Trainer.__init__() got an unexpected keyword argument 'max_epoch'",
            id="a flag that is not there",
        ),
        pytest.param(
            "callbacks.stop",
            {"_target_": "lightning.pytorch.callbacks.EarlyStopping", "monitor": "val/loss", "mode": "up"},
            "callbacks.stop: `mode` can be min, max, got up",
            id="what Lightning refuses",
        ),
        pytest.param(
            "model",
            {"_target_": "tunesmith.models.Nothing"},
            "model._target_ must be the path of something importable; got Error loading 'tunesmith.models.Nothing'",
            id="a target that is not there",
        ),
    ],
)
def test_a_mistake_in_a_node_names_the_node(key: str, node: dict[str, Any], message: str) -> None:
    cfg = OmegaConf.create()
    OmegaConf.update(cfg, key, node)
    with pytest.raises(UserError, match=f"^{re.escape(message)}"):
        build_node(cfg, key)


def test_a_bug_in_what_is_built_is_none_of_a_users_mistakes() -> None:
    cfg = OmegaConf.create({"loss": {"_target_": "fractions.Fraction", "_args_": [1, 0]}})
    with pytest.raises(InstantiationException, match=r"ZeroDivisionError\('Fraction\(1, 0\)'\)"):
        build_node(cfg, "loss")


def test_a_partial_that_is_given_arguments_is_called() -> None:
    cfg = OmegaConf.create({"model": {"_target_": "builtins.dict", "_partial_": True, "sizes": [1, 2]}})
    assert build_node(cfg, "model", more=3) == {"sizes": [1, 2], "more": 3}
    assert build_node(cfg, "model")() == {"sizes": [1, 2]}


@pytest.mark.parametrize(
    ("learner", "message"),
    [
        ({"loss": "${loss}"}, "loss: _Loss.__init__() got an unexpected keyword argument 'delta'"),
        ({"inner": {"_target_": "torch.nn.ReLU", "slope": 1}}, "learner.inner: ReLU.__init__() got an unexpected "),
    ],
    ids=["of another group", "of its own"],
)
def test_a_mistake_inside_a_learner_names_where_it_is_written(learner: dict[str, Any], message: str) -> None:
    cfg = OmegaConf.create({"learner": {"_target_": "builtins.dict", **learner}})
    cfg.loss = {"_target_": "torch.nn.MSELoss", "delta": 1}
    with pytest.raises(UserError, match=f"^{re.escape(message)}"):
        build_node(cfg, "learner")


class Base:
    def __init__(self, size: int) -> None:
        self.size = size


class HandsOn(Base):
    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)


class Inner(Base):
    def __init__(self) -> None:
        Base(depth=3)  # type: ignore[call-arg]


def test_a_bug_in_a_users_constructor_keeps_its_traceback() -> None:
    cfg = OmegaConf.create({"learner": {"_target_": f"{__name__}.Inner"}})
    with pytest.raises(InstantiationException, match="unexpected keyword argument 'depth'"):
        build_node(cfg, "learner")


def test_a_key_that_a_subclass_hands_on_is_a_mistake_of_the_node() -> None:
    cfg = OmegaConf.create({"learner": {"_target_": f"{__name__}.HandsOn", "size": 1, "depth": 3}})
    with pytest.raises(UserError, match=r"^learner: Base\.__init__\(\) got an unexpected keyword argument 'depth'$"):
        build_node(cfg, "learner")


def test_two_callbacks_with_one_state_are_refused() -> None:
    stop = {"_target_": "lightning.pytorch.callbacks.EarlyStopping", "monitor": "val/loss"}
    cfg = OmegaConf.create({"trainer": {"_target_": "lightning.Trainer", "callbacks": [stop, stop], "logger": False}})
    with pytest.raises(UserError, match=r"^callbacks: Found more than one stateful callback of type `EarlyStopping`: "):
        build_node(cfg, "trainer")
