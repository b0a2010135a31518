"""LightningModules that are not ours: each class has one of the usual idioms, beside the least that trains."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lightning as L
import torch
from foreign.points import FEATURES, Noisy
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.demos.boring_classes import BoringModel
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Adam, Optimizer
from torch.optim.lr_scheduler import OneCycleLR
from torch.utils.data import DataLoader


def make_net(features: int = FEATURES) -> nn.Sequential:
    return nn.Sequential(nn.Linear(features, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 2))


class Plain(L.LightningModule):
    """Logs train/loss and val/loss once an epoch."""

    def __init__(self, lr: float = 0.01, features: int = FEATURES) -> None:
        super().__init__()
        self.lr = lr
        self.net = make_net(features)

    def loss(self, batch: Any) -> Tensor:
        inputs, classes = batch
        return functional.cross_entropy(self.net(inputs), classes)

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        loss = self.loss(batch)
        self.log("train/loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> Any:
        self.log("val/loss", self.loss(batch))

    def configure_optimizers(self) -> Any:
        return Adam(self.parameters(), self.lr)


class Tested(Plain):
    """Has a test_step, too."""

    def test_step(self, batch: Any, batch_idx: int) -> None:
        self.log("test/loss", self.loss(batch))


class StepLogger(Tested):
    """Logs by step, by epoch, in both ways, and at some steps alone."""

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        loss = self.loss(batch)
        self.log("train/step", loss)
        self.log("train/both", loss, on_step=True, on_epoch=True)
        self.log("train/epoch", loss, on_step=False, on_epoch=True)
        if batch_idx % 3 == 0:
            self.log("train/some", torch.tensor(float(batch_idx)))
        return loss

    def validation_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> Any:
        self.log("val/loss", self.loss(batch), on_step=True, on_epoch=True)


class LateLogger(Plain):
    """Logs the objective in hooks at the end of an epoch."""

    def on_train_epoch_start(self) -> None:
        self.losses: list[Tensor] = []

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        loss = self.loss(batch)
        self.losses.append(loss.detach())
        return loss

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        self.log("late/batch", torch.tensor(float(batch_idx)))

    def on_train_epoch_end(self) -> None:
        self.log("late/loss", torch.stack(self.losses).mean())
        self.log("late/epoch", float(self.current_epoch))


class WithNet(L.LightningModule):
    """Saves a net and partials among its hyperparameters, and has a schedule of steps; it has no forward."""

    def __init__(
        self,
        net: nn.Module,
        optimizer: Callable[..., Optimizer],
        max_lr: float = 0.1,
        widths: tuple[int, ...] = (16, 2),
    ) -> None:
        super().__init__()
        self.save_hyperparameters(ignore=["widths"])
        self.save_hyperparameters({"widths": list(widths)})
        self.net = net

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        return functional.cross_entropy(self.net(batch[0]), batch[1])

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.log("val/loss", functional.cross_entropy(self.net(batch[0]), batch[1]))

    def configure_optimizers(self) -> Any:
        optimizer = self.hparams.optimizer(self.parameters())
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = OneCycleLR(optimizer, max_lr=self.hparams.max_lr, total_steps=steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class Gan(L.LightningModule):
    """Two optimizers in turn, by hand."""

    def __init__(self, lr: float = 0.01) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.lr = lr
        self.generator = nn.Linear(4, FEATURES)
        self.critic = nn.Sequential(nn.Linear(FEATURES, 16), nn.ReLU(), nn.Linear(16, 1))

    def losses(self, batch: Any) -> tuple[Tensor, Tensor]:
        real = batch[0]
        fake = self.generator(torch.randn(len(real), 4))
        judged = torch.cat([self.critic(real), self.critic(fake.detach())])
        truth = torch.cat([torch.ones(len(real), 1), torch.zeros(len(real), 1)])
        fooled = self.critic(fake)
        as_logits = functional.binary_cross_entropy_with_logits
        return as_logits(judged, truth), as_logits(fooled, torch.ones_like(fooled))

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        names = ("train/critic", "train/generator")
        for number, (optimizer, name) in enumerate(zip(self.optimizers(), names, strict=True)):
            loss = self.losses(batch)[number]
            optimizer.zero_grad()
            self.manual_backward(loss)
            optimizer.step()
            self.log(name, loss, on_step=True, on_epoch=True)

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.log("val/loss", self.losses(batch)[0])

    def configure_optimizers(self) -> Any:
        return [Adam(self.critic.parameters(), self.lr), Adam(self.generator.parameters(), self.lr)]


class OwnCallbacks(Plain):
    """Brings its own early stopping, which finds no epoch good enough, and its own checkpoints."""

    def __init__(self, lr: float = 0.01, patience: int = 1) -> None:
        super().__init__(lr)
        self.patience = patience

    def configure_callbacks(self) -> Any:
        stop = EarlyStopping("val/loss", patience=self.patience, min_delta=100.0)
        return [stop, ModelCheckpoint(monitor="val/loss")]


class LateLayers(Tested):
    """Makes its layers in configure_model."""

    def __init__(self, lr: float = 0.01) -> None:
        super().__init__(lr)
        del self.net

    def configure_model(self) -> None:
        if not hasattr(self, "net"):
            self.net = make_net()


class Compiled(Tested):
    """Compiles a part in setup, for training alone."""

    def setup(self, stage: str) -> None:
        if stage == "fit":
            self.net = torch.compile(self.net, backend="eager")


class OfDicts(Tested):
    """Takes batches that are dicts."""

    def loss(self, batch: Any) -> Tensor:
        return functional.cross_entropy(self.net(batch["inputs"]), batch["classes"])


class TrainOnly(L.LightningModule):
    """Has no validation; logs its loss by step alone, and brings its loaders."""

    def __init__(self, lr: float = 0.01) -> None:
        super().__init__()
        self.lr, self.net = lr, make_net()

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        loss = functional.cross_entropy(self.net(batch[0]), batch[1])
        self.log("train_loss", loss)
        return loss

    def configure_optimizers(self) -> Any:
        return Adam(self.parameters(), self.lr)

    def train_dataloader(self) -> Any:
        return DataLoader(Noisy(64, 0), 16, shuffle=True)


class Boring(BoringModel):
    """Lightning's demo, which logs nothing by itself."""

    def validation_step(self, batch: Any, batch_idx: int) -> Any:
        loss = self.step(batch)
        self.log("val/loss", loss)
        return loss
