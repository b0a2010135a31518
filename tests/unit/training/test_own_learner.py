"""What a learner of the user's own needs of Lightning's Trainer, as far as its class tells."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import lightning as L
import pytest
import torch
from torch import Tensor

from tunesmith.training.learner import Supervised
from tunesmith.training.own_learner import why_learner_needs_trainer

Batch = TypeVar("Batch")


class Free(Supervised, Generic[Batch]):
    """Overrides all that both engines call, and has a method and a constant of its own."""

    NOISE = 0.1

    def __init__(self, noise: float = 0.0, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.save_hyperparameters("noise")
        self.noise = self.hparams.noise
        self.example_input_array = torch.zeros(1, 2)  # for a graph or an export, which a training does not need

    def extra_repr(self) -> str:
        return f"noise={self.noise}"

    def step(self, batch: Any) -> tuple[Tensor, Tensor, Tensor | None]:
        inputs = self.noisy(batch[0].to(self.device))
        print("log", torch.log(inputs.abs() + 1).log())  # neither is the learner's
        return super().step((inputs, batch[1]))

    def predict(self, batch: Any) -> Tensor:
        return self.model(batch[0])

    def forward(self, inputs: Tensor) -> Tensor:
        return super().forward(inputs)

    def parameter_groups(self) -> list[dict[str, Any]]:
        return [{"params": list(self.model.parameters())}]

    @staticmethod
    def entropy(probabilities: Tensor) -> Tensor:
        return -(probabilities * probabilities.log()).sum()

    def noisy(self, inputs: Tensor) -> Tensor:
        return inputs + self.noise * torch.randn_like(inputs) if self.training else inputs


class BelowFree(Free):
    """A subclass of a subclass, which changes nothing."""


class Hook(Supervised):
    def on_train_epoch_start(self) -> None:
        super().on_train_epoch_start()


class BelowHook(Hook):
    def predict(self, batch: Any) -> Tensor:
        return batch[0]


class Manual(Supervised):
    automatic_optimization = False


class ManualInInit(Supervised):
    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.automatic_optimization = False


class Logs(Supervised):
    def step(self, batch: Any) -> tuple[Tensor, Tensor, Tensor | None]:
        loss, outputs, targets = super().step(batch)
        self.log("extra", loss)
        return loss, outputs, targets


class LogsInside(Supervised):
    def step(self, batch: Any) -> tuple[Tensor, Tensor, Tensor | None]:
        def scaled(loss: Tensor) -> Tensor:
            return loss * (1 + self.current_epoch)

        loss, outputs, targets = super().step(batch)
        return scaled(loss), outputs, targets


class InAProperty(Supervised):
    @property
    def share(self) -> float:
        return self.global_step / 100


class InAHelper(Supervised):
    def helper(learner) -> Any:
        return learner.trainer.datamodule


class Metrics(Supervised):
    def new_metrics(self, part: str) -> Any:
        return super().new_metrics(part)


class Mixin:
    def on_fit_start(self) -> None:
        return


class Mixed(Mixin, Supervised):
    pass


def make_learner(data: Any) -> L.LightningModule:
    raise NotImplementedError


@pytest.mark.parametrize("learner", [Free, BelowFree], ids=lambda each: each.__name__)
def test_a_subclass_that_says_what_a_batch_costs_needs_no_trainer(learner: type) -> None:
    assert why_learner_needs_trainer(f"{__name__}.{learner.__name__}") is None


@pytest.mark.parametrize(
    ("learner", "reason"),
    [
        (Hook, "overrides on_train_epoch_start"),
        (BelowHook, "overrides on_train_epoch_start"),
        (Mixed, "overrides on_fit_start"),
        (Manual, "overrides automatic_optimization"),
        (Metrics, "overrides new_metrics"),
        (ManualInInit, "uses self.automatic_optimization in __init__"),
        (Logs, "uses self.log in step"),
        (LogsInside, "uses self.current_epoch in step"),
        (InAProperty, "uses self.global_step in share"),
        (InAHelper, "uses self.trainer in helper"),
        (make_learner, "is no subclass of tunesmith.training.learner.Supervised"),
        (L.LightningModule, "is no subclass of tunesmith.training.learner.Supervised"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_what_needs_the_trainer_is_named(learner: type | Callable[..., Any], reason: str) -> None:
    target = learner.__name__ if learner is not L.LightningModule else "lightning.LightningModule"
    assert why_learner_needs_trainer(target if "." in target else f"{__name__}.{target}") == reason


def test_a_class_that_cannot_be_imported_is_left_to_the_one_that_builds_it() -> None:
    assert why_learner_needs_trainer("no.such.Learner") == "cannot be imported"
    assert "no" not in sys.modules
