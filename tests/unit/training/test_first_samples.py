"""What a model, its loss and the other parts must be: one line that names the key, before an epoch is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from omegaconf import OmegaConf
from tiny import small
from torch import Tensor, nn

from tunesmith.errors import UserError
from tunesmith.reporting import NoReporter
from tunesmith.training.fit import train_once


class Net(nn.Module):
    """A layer whose outputs a test makes odd."""

    def __init__(self, input_shape: tuple[int, ...], output_size: int, odd: str = "") -> None:
        super().__init__()
        self.layer = nn.Linear(input_shape[0], output_size).requires_grad_(odd != "frozen")
        self.odd = odd

    def forward(self, inputs: Tensor) -> Any:
        outputs = self.layer(inputs)
        odd: dict[str, Any] = {
            "tuple": (outputs, inputs),
            "tuple in training": (outputs, inputs) if self.training else outputs,
            "nothing": None,
            "float": 1.0,
            "int": outputs.long(),
            "detached": outputs.detach(),
        }
        return odd.get(self.odd, outputs)


class Weightless(nn.Module):
    def __init__(self, input_shape: tuple[int, ...], output_size: int) -> None:
        super().__init__()

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs[:, :3]


class Misfit(Net):
    def forward(self, inputs: Tensor) -> Tensor:
        return self.layer(inputs) + inputs


class TwoArguments(Net):
    def forward(self, inputs: Tensor, more: Tensor) -> Tensor:  # type: ignore[override]
        return self.layer(inputs)


class Loss(nn.Module):
    def __init__(self, odd: str) -> None:
        super().__init__()
        self.odd = odd

    def forward(self, outputs: Tensor, targets: Tensor) -> Any:
        losses = nn.functional.cross_entropy(outputs, targets, reduction="none")
        return {"vector": losses, "float": 1.0, "nothing": None, "detached": losses.mean().detach()}[self.odd]


def number(input_shape: tuple[int, ...], output_size: int) -> int:
    return 3


def nothing(*arguments: object) -> None:
    return


@pytest.mark.parametrize(
    ("group", "node", "line"),
    [
        ("model", {"odd": "tuple"}, r"model\._target_ must put out one tensor; got a tuple of 2 from Net: let forward"),
        ("model", {"odd": "tuple in training"}, r"model\._target_ must put out one tensor; got a tuple of 2 from Net"),
        ("model", {"odd": "nothing"}, r"model\._target_ must put out one tensor; got None from Net"),
        ("model", {"odd": "float"}, r"model\._target_ must put out one tensor; got a float from Net"),
        ("model", {"odd": "int"}, r"model\._target_ must put out real numbers; got torch\.int64 from Net"),
        (
            "model",
            {"odd": "detached"},
            r"model\._target_ must put out what depends on the parameters; got a",
        ),
        (
            "model",
            {"odd": "frozen"},
            r"model\._target_ must have parameters to train; got Net, whose",
        ),
        ("model", {"_target_": "Weightless"}, r"model\._target_ must have parameters to train; got Weightless, which"),
        ("model", {"_target_": "number"}, r"model\._target_ must make a torch\.nn\.Module; got int"),
        (
            "model",
            {"_target_": "Misfit"},
            r"model must take samples of shape \(4,\); it does not: .*_samples\.py, line",
        ),
        ("model", {"_target_": "TwoArguments"}, r"model must take samples of shape .* missing 1 required positional"),
        (
            "loss",
            {"odd": "vector"},
            r"loss\._target_ must give one number, .*; got a tensor of shape \(90,\): ret",
        ),
        ("loss", {"odd": "float"}, r"loss\._target_ must give one number, a tensor of shape \(\); got a float"),
        ("loss", {"odd": "nothing"}, r"loss\._target_ must give one number, a tensor of shape \(\); got None"),
        ("loss", {"odd": "detached"}, r"loss\._target_ must give a loss that depends on the parameters; got a tensor"),
        (
            "optimizer",
            {"_target_": "nothing"},
            r"optimizer\._target_ must make a torch\.optim\.Optimizer; got None",
        ),
        ("scheduler", {"_target_": "nothing"}, r"scheduler\._target_ must make a schedule of .*; got NoneType"),
        (
            "callbacks.x",
            {"_target_": "builtins.dict"},
            r"callbacks\.x must be a node whose .*; got dict: ~",
        ),
        (
            "callbacks.x",
            "abc",
            r"callbacks\.x must be a node with a _target_; got 'abc'",
        ),
        ("logger.x", {"_target_": "builtins.dict"}, r"logger\.x\._target_ must make a logger of .*; got dict"),
    ],
)
def test_an_odd_part_is_one_line(tmp_path: Path, group: str, node: Any, line: str) -> None:
    cfg = small("data=iris", "trainer.max_epochs=1", "trainer.num_sanity_val_steps=0")
    if isinstance(node, dict):
        target = node.get("_target_", {"model": "Net", "loss": "Loss"}.get(group))
        target = target if "." in target else f"{__name__}.{target}"
        node = {
            **node,
            "_target_": target,
            **({} if group in ("loss", "callbacks.x", "logger.x") else {"_partial_": True}),
        }
    OmegaConf.set_struct(cfg, False)
    OmegaConf.update(cfg, group, node, merge=False)
    with pytest.raises(UserError, match=f"^{line}"):
        train_once(cfg, tmp_path, NoReporter())
    assert not (tmp_path / "result.yaml").exists()


class Foreign(L.LightningModule):
    """A learner of a user's own whose training step returns something odd."""

    def __init__(self, odd: str) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)
        self.odd = odd

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Any:
        losses = self.layer(batch[0]).square()
        return {"nothing": None, "vector": losses, "detached": losses.mean().detach(), "text": "a"}.get(
            self.odd, losses.mean()
        )

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:
        self.log("val/loss", self.layer(batch[0]).square().mean())

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD([] if self.odd == "no parameters" else self.parameters(), lr=0.01)


@pytest.mark.parametrize(
    ("odd", "line"),
    [
        ("nothing", "training_step must return a loss; got None at each step of an epoch"),
        ("vector", "training_step must return one number; got a tensor of several"),
        ("detached", "training_step must return a loss that depends on its parameters; got one without a gradient"),
        ("text", "In automatic optimization, `training_step` must return a Tensor"),
        ("no parameters", "configure_optimizers must give the optimizer parameters to train; got none"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*returned `None`")
def test_a_learner_of_ones_own_that_cannot_be_trained_is_one_line(tmp_path: Path, odd: str, line: str) -> None:
    cfg = small("data=iris", "trainer.max_epochs=1")
    cfg.learner = OmegaConf.create({"_target_": f"{__name__}.Foreign", "odd": odd})
    with pytest.raises(UserError, match=rf"^learner\._target_: {line}"):
        train_once(cfg, tmp_path, NoReporter())
