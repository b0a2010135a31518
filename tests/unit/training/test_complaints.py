"""What Lightning and torch raise for a mistake in the config is one line; a bug keeps its own error."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from omegaconf import DictConfig, OmegaConf
from tiny import composed, small
from torch import Tensor, nn
from torch.optim import SGD
from torch.optim.lr_scheduler import OneCycleLR
from torch.utils.data import DataLoader, TensorDataset

from tunesmith.errors import UserError
from tunesmith.reporting import NoReporter
from tunesmith.training.complaints import explain
from tunesmith.training.fit import train_once


class Foreign(L.LightningModule):
    """A learner of a user's own, with batch norm and loaders of five samples in batches of four."""

    def __init__(self, total_steps: int = 0, missing: str = "") -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
        self.total_steps, self.missing = total_steps, missing

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        if self.missing:
            getattr(self, self.missing)
        return self.net(batch[0]).square().mean()

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:
        self.log("val/loss", self.net(batch[0]).square().mean())

    def train_dataloader(self) -> DataLoader[Any]:
        return DataLoader(TensorDataset(torch.randn(5 if not self.total_steps else 4, 2)), batch_size=4)

    def val_dataloader(self) -> DataLoader[Any]:
        return DataLoader(TensorDataset(torch.randn(4, 2)), batch_size=4)

    def configure_optimizers(self) -> Any:
        optimizer = SGD(self.parameters(), lr=0.01)
        if not self.total_steps:
            return optimizer
        schedule = OneCycleLR(optimizer, 0.1, total_steps=self.total_steps)
        return [optimizer], [{"scheduler": schedule, "interval": "step"}]


def foreign(*typed: str, **arguments: Any) -> DictConfig:
    none = [f"{group}=none" for group in ("data", "scheduler", "callbacks", "logger")]
    cfg = composed(*none, "trainer.accelerator=cpu", "trainer.max_epochs=3", *typed)
    cfg.learner = OmegaConf.create({"_target_": f"{__name__}.Foreign", **arguments})
    return cfg


@pytest.mark.filterwarnings("ignore:.*does not have many workers")
@pytest.mark.parametrize(
    ("cfg", "line"),
    [
        (foreign(), r"data: batch norm cannot be trained on a batch of one sample, and the loader gave one"),
        (foreign(total_steps=2), r"scheduler\.total_steps must be at least the 3 steps of the run; got 2"),
        (
            small("data=iris", "+trainer.val_check_interval=10", "trainer.max_epochs=2"),
            r"trainer: `val_check_interval` \(10\) must be less than or equal to the number of the training batches",
        ),
        (
            small("data=iris", "+callbacks.a._target_=lightning.pytorch.callbacks.BackboneFinetuning"),
            r"trainer: 'Supervised' object has no attribute 'backbone'",
        ),
    ],
    ids=["a loader's last batch", "one cycle", "an interval", "a missing part"],
)
def test_a_mistake_is_one_line_and_no_result(tmp_path: Path, cfg: DictConfig, line: str) -> None:
    with pytest.raises(UserError, match=f"^{line}"):
        train_once(cfg, tmp_path, NoReporter())
    assert not (tmp_path / "result.yaml").exists()


@pytest.mark.filterwarnings("ignore:.*does not have many workers")
def test_an_attribute_that_a_users_own_code_misses_is_a_bug(tmp_path: Path) -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        train_once(foreign(missing="nothing"), tmp_path, NoReporter())


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            RuntimeError("Early stopping conditioned on metric `val/los` which is not available."),
            "objective.metric must be a metric that the learner logs; got 'val/los': Early stopping",
        ),
        (RuntimeError("Early stopping conditioned on metric `b` which is not available."), "trainer: Early stopping"),
        (MisconfigurationException("No\n  loader"), "trainer: No loader"),
        (ValueError("Tried to step 8 times. The specified number of total steps is 7"), "scheduler must last as long"),
        (
            RuntimeError("Error(s) in loading state_dict for Mlp"),
            "ckpt_path must be a checkpoint of this model; got 'a.ckpt': Error(s) in loading",
        ),
    ],
    ids=["the objective", "another monitor", "Lightning's own", "a schedule that is over", "another model"],
)
def test_explain(error: Exception, line: str) -> None:
    mistake = explain(error, "val/los", Path("a.ckpt"))
    assert re.match(re.escape(line), str(mistake))


@pytest.mark.parametrize("error", [ValueError("a bug"), RuntimeError("loaded state dict is odd"), KeyError("train")])
def test_a_bug_is_no_mistake(error: Exception) -> None:
    assert explain(error, "val/loss", None) is None


def test_clipping_with_a_fused_optimizer_and_mixed_precision_is_one_line(tmp_path: Path) -> None:
    typed = ["trainer.precision=bf16-mixed", "trainer.gradient_clip_val=1.0"]
    with pytest.raises(UserError, match=r"gradient_clip_val must be null .*: optimizer\.fused=false lets"):
        train_once(small(*typed, "optimizer.fused=true"), tmp_path, NoReporter())
    assert train_once(small(*typed, "optimizer.fused=false"), tmp_path, NoReporter())["state"] == "COMPLETE"
