"""A learner that makes its schedules of the run's length goes on for no more epochs than it began with."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, LRScheduler, OneCycleLR, ReduceLROnPlateau, StepLR
from torch.utils.data import DataLoader

from tunesmith.errors import UserError
from tunesmith.training.callbacks.schedule_length import ScheduleLength

Make = Callable[[torch.optim.Optimizer, L.Trainer], LRScheduler]


class Own(L.LightningModule):
    """A learner with a schedule of its own, which it keeps for a hook of its own."""

    def __init__(self, make: Make, interval: str) -> None:
        super().__init__()
        self.layer, self.make, self.interval = nn.Linear(1, 1), make, interval

    def training_step(self, batch: Tensor, index: int) -> Tensor:
        return self.layer(batch).square().mean()

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.SGD(self.parameters(), lr=0.1)
        self.schedule = self.make(optimizer, self.trainer)
        config = {"scheduler": self.schedule, "interval": self.interval, "monitor": "loss", "strict": False}
        return {"optimizer": optimizer, "lr_scheduler": config}


def trained(module: L.LightningModule, folder: Path, max_epochs: int, checkpoint: Path | None = None) -> Path:
    trainer = L.Trainer(
        accelerator="cpu",
        max_epochs=max_epochs,
        callbacks=[ScheduleLength()],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
    )
    trainer.fit(module, DataLoader(torch.ones(8, 1), batch_size=4), ckpt_path=checkpoint, weights_only=True)
    trainer.save_checkpoint(folder / "a.ckpt")
    return folder / "a.ckpt"


def cosine_lambda(optimizer: torch.optim.Optimizer, trainer: L.Trainer) -> LRScheduler:
    length = trainer.max_epochs or 1
    return LambdaLR(optimizer, lambda epoch: 0.5 + 0.5 * math.cos(math.pi * epoch / length))


SPANNING = [
    pytest.param(lambda optimizer, trainer: CosineAnnealingLR(optimizer, trainer.max_epochs), "epoch", id="cosine"),
    pytest.param(
        lambda optimizer, trainer: OneCycleLR(optimizer, 0.1, total_steps=int(trainer.estimated_stepping_batches)),
        "step",
        id="one cycle by step",
    ),
    pytest.param(cosine_lambda, "epoch", id="a function of its own, whose state is in no checkpoint"),
]
OTHERS = [
    pytest.param(lambda optimizer, trainer: StepLR(optimizer, 2), "epoch", id="steps"),
    pytest.param(lambda optimizer, trainer: ReduceLROnPlateau(optimizer), "epoch", id="plateau"),
    pytest.param(lambda optimizer, trainer: CosineAnnealingLR(optimizer, 7), "epoch", id="a length of its own"),
]


@pytest.mark.filterwarnings("ignore:.*:UserWarning", "ignore:.*:RuntimeWarning")
@pytest.mark.parametrize(("make", "interval"), SPANNING)
def test_a_schedule_that_spans_the_run_keeps_its_length(make: Make, interval: str, tmp_path: Path) -> None:
    checkpoint = trained(Own(make, interval), tmp_path, 3)
    message = r"^trainer\.max_epochs must stay 3: a schedule of Own spans the whole run; got 6: start a new run"
    with pytest.raises(UserError, match=message):
        trained(Own(make, interval), tmp_path, 6, checkpoint)


@pytest.mark.filterwarnings("ignore:.*:UserWarning", "ignore:.*:RuntimeWarning")
@pytest.mark.parametrize(("make", "interval"), OTHERS)
def test_another_schedule_goes_on(make: Make, interval: str, tmp_path: Path) -> None:
    checkpoint = trained(Own(make, interval), tmp_path, 3)
    module = Own(make, interval)
    trained(module, tmp_path, 6, checkpoint)
    assert module.trainer.current_epoch == 6
    assert module.schedule is module.trainer.lr_scheduler_configs[0].scheduler  # that of the run, not of the comparison
