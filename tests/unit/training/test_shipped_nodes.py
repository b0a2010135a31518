"""What is known of Lightning's classes without importing them is what their signatures say."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from hydra.utils import get_class
from omegaconf import OmegaConf
from tiny import composed

from tunesmith.config.node_keys import parts_of_run
from tunesmith.training.shipped_nodes import ARGUMENTS, REQUIRED, is_as_shipped

EARLY_STOPPING = "lightning.pytorch.callbacks.EarlyStopping"
TENSORBOARD = "lightning.pytorch.loggers.TensorBoardLogger"


@pytest.mark.parametrize("target", ARGUMENTS)
def test_the_class_takes_the_arguments_and_needs_no_other(target: str) -> None:
    parameters = inspect.signature(get_class(target)).parameters.values()
    named = [each for each in parameters if each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)]
    assert ARGUMENTS[target] <= {each.name for each in named}
    needed = {each.name for each in named if each.default is each.empty}
    assert needed == ({REQUIRED[target]} if target in REQUIRED else set())


def test_the_shipped_config_gives_lightning_nothing_else() -> None:
    nodes = [node for _, node in parts_of_run(composed()) if str(node["_target_"]).startswith("lightning.")]
    assert len(nodes) == 3  # the trainer, early stopping and TensorBoard
    assert all(is_as_shipped(node, frozenset({"engine", "save_interval"})) for node in nodes)  # those are ours


@pytest.mark.parametrize(
    ("node", "is_known"),
    [
        ({"_target_": EARLY_STOPPING, "monitor": "val/loss"}, True),
        ({"_target_": EARLY_STOPPING, "monitor": "val/loss", "patiense": 3}, False),
        ({"_target_": EARLY_STOPPING, "patience": 3}, False),
        ({"_target_": EARLY_STOPPING, "_args_": ["val/loss"], "monitor": "val/loss"}, False),
        ({"_target_": "lightning.pytorch.callbacks.Timer"}, False),
        ({"_target_": TENSORBOARD}, False),
        ({"_target_": TENSORBOARD, "_partial_": True}, True),
        ({"_target_": "lightning.Trainer", "ours": 1}, True),
    ],
)
def test_another_argument_and_a_missing_one_have_to_be_looked_at(node: dict[str, Any], is_known: bool) -> None:
    assert is_as_shipped(OmegaConf.create(node), frozenset(["ours"])) == is_known
