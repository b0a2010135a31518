"""Models and learners such as users write, for tests of the engines."""

from __future__ import annotations

import random
from typing import Any

import lightning as L
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from tunesmith.training.learner import Supervised

# models


class Net(nn.Module):
    """Two layers, the base of the others."""

    def __init__(self, input_shape: tuple[int, ...], output_size: int) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(input_shape[0], 16), nn.Linear(16, output_size)

    def forward(self, inputs: Tensor) -> Tensor:
        """inputs: (batch, features) -> (batch, classes)."""
        outputs: Tensor = self.last(self.hidden(inputs))
        return outputs

    def hidden(self, inputs: Tensor) -> Tensor:
        return torch.relu(self.first(inputs))


class Pixels(nn.Module):
    """Two classes for each pixel."""

    def __init__(self, input_shape: tuple[int, ...], output_size: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, output_size, 1))

    def forward(self, images: Tensor) -> Tensor:
        outputs: Tensor = self.layers(images)
        return outputs


class TorchNoise(Net):
    def hidden(self, inputs: Tensor) -> Tensor:
        return super().hidden(inputs + 0.1 * torch.randn_like(inputs) if self.training else inputs)


class OtherNoise(Net):
    """Draws from the generators of Python and of numpy, in evaluations too."""

    def hidden(self, inputs: Tensor) -> Tensor:
        return super().hidden(inputs * (1 + 0.1 * random.random()) + 0.1 * float(np.random.normal()))


class Buffers(Net):
    """A moving mean of its own, and a buffer that no checkpoint holds."""

    def __init__(self, input_shape: tuple[int, ...], output_size: int) -> None:
        super().__init__(input_shape, output_size)
        self.register_buffer("mean", torch.zeros(input_shape))
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64), persistent=False)

    def hidden(self, inputs: Tensor) -> Tensor:
        self.calls += 1
        if self.training:
            self.mean.lerp_(inputs.mean(0), 0.1)
        return super().hidden(inputs - self.mean) * (1 + self.calls % 3)


class Tied(Net):
    """One weight in two layers."""

    def __init__(self, input_shape: tuple[int, ...], output_size: int) -> None:
        super().__init__(input_shape, output_size)
        self.inner, self.again = nn.Linear(16, 16), nn.Linear(16, 16)
        self.again.weight = self.inner.weight

    def hidden(self, inputs: Tensor) -> Tensor:
        return torch.tanh(self.again(torch.tanh(self.inner(super().hidden(inputs)))))


class Frozen(Net):
    """Its first layer is not trained."""

    def __init__(self, input_shape: tuple[int, ...], output_size: int) -> None:
        super().__init__(input_shape, output_size)
        self.first.requires_grad_(False)


class SometimesUnused(Net):
    """A layer that gets no gradient in the first step, and in every third one."""

    def __init__(self, input_shape: tuple[int, ...], output_size: int) -> None:
        super().__init__(input_shape, output_size)
        self.inner = nn.Linear(16, 16)
        self.calls = 0

    def hidden(self, inputs: Tensor) -> Tensor:
        self.calls += self.training
        hidden = super().hidden(inputs)
        return hidden if self.training and self.calls % 3 == 1 else torch.tanh(self.inner(hidden))


class Unfreezing(SometimesUnused):
    """Trains its first layer from the tenth step on."""

    def hidden(self, inputs: Tensor) -> Tensor:
        self.first.requires_grad_(self.calls > 10)
        return super().hidden(inputs)


class ExtraState(Net):
    """Counts its training batches, in checkpoints too, and grows with them."""

    calls = 0

    def hidden(self, inputs: Tensor) -> Tensor:
        self.calls += self.training
        return super().hidden(inputs) * (1 + self.calls / 10)

    def get_extra_state(self) -> dict[str, int]:
        return {"calls": self.calls}

    def set_extra_state(self, state: dict[str, int]) -> None:
        self.calls = state["calls"]


class Groups(Net):
    """Two learning rates, and a weight decay of its own."""

    def parameter_groups(self, lr: float) -> list[dict[str, Any]]:
        return [
            {"params": self.first.parameters(), "lr": lr / 10, "weight_decay": 1e-2},
            {"params": self.last.parameters()},
        ]


class Spectral(Net):
    """A norm whose vectors move in each training batch."""

    def __init__(self, input_shape: tuple[int, ...], output_size: int) -> None:
        super().__init__(input_shape, output_size)
        self.first = spectral_norm(self.first)


class FrozenNorm(Net):
    """A batch norm that stays in eval mode, whatever mode the net is put in."""

    def __init__(self, input_shape: tuple[int, ...], output_size: int) -> None:
        super().__init__(input_shape, output_size)
        self.norm, self.frozen = nn.BatchNorm1d(16), nn.BatchNorm1d(16).eval()

    def hidden(self, inputs: Tensor) -> Tensor:
        return torch.tanh(self.frozen(self.norm(super().hidden(inputs))))


class Hooked(Net):
    """Clips the gradient of a layer by a hook."""

    def __init__(self, input_shape: tuple[int, ...], output_size: int) -> None:
        super().__init__(input_shape, output_size)
        self.first.weight.register_hook(lambda gradient: gradient.clamp(-0.01, 0.01))


class Double(Net):
    """Works in float64 inside."""

    def __init__(self, input_shape: tuple[int, ...], output_size: int) -> None:
        super().__init__(input_shape, output_size)
        self.double()

    def forward(self, inputs: Tensor) -> Tensor:
        return super().forward(inputs.double()).float()


class Lazy(nn.Module):
    """A layer that learns its width from the first batch."""

    def __init__(self, input_shape: tuple[int, ...], output_size: int) -> None:
        super().__init__()
        self.layer = nn.LazyLinear(output_size)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.layer(inputs)
        return outputs


class LooksAtGradient(Net):
    """Reads the gradients of the last batch, which an evaluation has none of."""

    def hidden(self, inputs: Tensor) -> Tensor:
        gradient = self.first.weight.grad
        return super().hidden(inputs) * (1 if gradient is None else 1 + gradient.abs().mean())


class LightningNet(L.LightningModule):
    """A model that is a LightningModule, and does without its Trainer."""

    def __init__(self, input_shape: tuple[int, ...], output_size: int) -> None:
        super().__init__()
        self.net = Net(input_shape, output_size)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.net(inputs)
        return outputs


class EpochNet(LightningNet):
    """A model that asks the Trainer for the epoch; Lightning's learner hands its Trainer on to it."""

    def forward(self, inputs: Tensor) -> Tensor:
        return super().forward(inputs) * (1 + self.current_epoch)


class EpochLoss(L.LightningModule):
    """A loss that asks the Trainer for its steps."""

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return nn.functional.cross_entropy(outputs, targets) * (1 + self.global_step)


def has_gradients(outputs: Tensor, targets: Tensor) -> float:
    """A metric: whether gradients are switched on where it is computed."""
    return float(torch.is_grad_enabled())


# learners


class Denoising(Supervised):
    """Draws noise in each step, in evaluations too; its targets are the data's."""

    def step(self, batch: Any) -> tuple[Tensor, Tensor, Tensor]:
        inputs, targets = batch
        outputs = self(inputs + 0.1 * torch.randn_like(inputs))
        return self.loss(outputs, targets), outputs, targets


class LossAlone(Supervised):
    """Has no targets: the loss is its only metric."""

    def step(self, batch: Any) -> tuple[Tensor, Tensor, None]:
        outputs = self(batch[0])
        return self.loss(outputs, batch[1]), outputs, None


class OwnTargets(Supervised):
    """Makes targets of another kind and shape than the data's."""

    def step(self, batch: Any) -> tuple[Tensor, Tensor, Tensor]:
        outputs = self.model(batch[0])
        targets = batch[0][:, :1].expand(len(outputs), outputs.shape[1])
        return nn.functional.mse_loss(outputs, targets), outputs, targets


class Tempered(Supervised):
    """A parameter of the learner's own, in its forward; a group of its own in the optimizer."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.temperature = nn.Parameter(torch.ones(()))

    def forward(self, inputs: Tensor) -> Tensor:
        return super().forward(inputs) / self.temperature

    def parameter_groups(self) -> list[dict[str, Any]]:
        return [{"params": self.model.parameters()}, {"params": [self.temperature], "lr": 1e-4}]


class Predicting(Supervised):
    """Predicts by the mean over two views."""

    def predict(self, batch: Any) -> Tensor:
        return (self(batch[0]) + self(batch[0] * 1.1)) / 2


class OwnMetrics(Supervised):
    """Counts an epoch's batches beside the metrics."""

    def step(self, batch: Any) -> tuple[Tensor, Tensor, Tensor | None]:
        loss, outputs, targets = super().step(batch)
        return loss * (1 + len(self.epoch_metrics) / 10), outputs, targets


class LooksAtEpoch(Supervised):
    """Its loss grows with the epoch, which a Trainer knows; its class does not tell that it asks."""

    def step(self, batch: Any) -> tuple[Tensor, Tensor, Tensor | None]:
        loss, outputs, targets = super().step(batch)
        return loss * (1 + _epoch_of(self)), outputs, targets


def _epoch_of(learner: Supervised) -> int:
    return learner.current_epoch


class StepsItself(Supervised):
    """Takes the optimizer's steps itself, and leaves them out; its class does not tell."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        _set(self, "automatic_optimization", False)


def _set(learner: Supervised, name: str, value: object) -> None:
    setattr(learner, name, value)


class Logs(Supervised):
    """Logs a metric of its own, as any LightningModule may; its class does not tell."""

    def step(self, batch: Any) -> tuple[Tensor, Tensor, Tensor | None]:
        loss, outputs, targets = super().step(batch)
        _log_size(self, outputs)
        return loss, outputs, targets


def _log_size(learner: Supervised, outputs: Tensor) -> None:
    learner.log("size", outputs.detach().abs().mean())
