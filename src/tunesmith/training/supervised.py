"""What the learner of learner=supervised does, whoever trains it: loss, optimizer and metrics of the config."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from tunesmith.errors import UserError
from tunesmith.insight.part_outputs import CLASSES, LABELS, NUMBERS
from tunesmith.training.data_facts import read_facts
from tunesmith.training.epoch_metrics import SECOND, EpochMetrics
from tunesmith.training.losses import check_loss, explain_misfit, target_weights, weigh_classes
from tunesmith.training.metrics import Metrics
from tunesmith.training.step_values import check_is_tensor, check_loss_value
from tunesmith.training.weight_groups import group_parameters, is_weight


class SupervisedLearning(nn.Module):
    """A model with its loss, optimizer and metrics; knows no Trainer.

    A training calls, for each part of the data, start_part, then train_on or evaluate_on with each batch, then
    part_metrics. The loss among the metrics is the mean over samples (by their class weights, if there are any),
    whatever the loss's reduction and the batch size, and leaves out the L1 penalty: the parts can then be compared.
    """

    def __init__(
        self,
        data: Any,
        model: nn.Module | Callable[..., nn.Module],
        loss: nn.Module,
        optimizer: Callable[..., Optimizer],
        scheduler: Callable[..., LRScheduler] | None = None,
        monitor: str = "val/loss",
        metrics: Mapping[str, Any] | None = None,
        l1: float = 0.0,
        warmup_epochs: int = 0,
    ) -> None:
        """data: the data module, see DataFacts; optimizer takes parameter groups, scheduler the optimizer.

        model: takes input_shape and output_size; monitor: the objective's metric, which a plateau schedule follows.
        metrics: name -> torchmetrics object or function (outputs, targets) -> number.
        l1: factor of the sum of absolute weights that training adds to the loss; biases and norms are spared.
        warmup_epochs: the learning rate rises over them in a straight line, in addition to what the scheduler does.

        Raises:
            UserError: the data does not say its shapes, or the loss does not fit its targets.
        """
        super().__init__()
        self.facts = facts = read_facts(data)
        self.model: nn.Module = (
            model
            if isinstance(model, nn.Module)
            else model(input_shape=facts.input_shape, output_size=facts.output_size)
        )
        if self.is_step_ours:  # a step of one's own may make other targets
            check_loss(loss, facts.has_classes)
        self.loss = weigh_classes(loss, facts.class_weights)
        self.is_sum = getattr(loss, "reduction", "mean") == "sum"
        self.l1 = l1
        self.warmup_epochs = warmup_epochs
        self.make_optimizer = optimizer
        self.make_scheduler = scheduler or None  # scheduler=none is an empty node
        self.monitor = monitor
        self.metrics = dict(metrics or {})
        self.epoch_metrics: dict[str, EpochMetrics] = {}
        self._metrics: dict[str, Metrics] = {}

    def step(self, batch: Any) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return a batch's loss, outputs and targets, from which the metrics are computed; targets may be None.

        loss: (); outputs: (batch, classes, ...) for int64 targets, else of the targets' shape (batch, ...).
        """
        inputs, targets = batch
        outputs = self(inputs)
        return self.loss(outputs, targets), outputs, targets

    def predict(self, batch: Any) -> Tensor:
        """Return the outputs of a batch, whose targets are not looked at."""
        outputs: Tensor = self(batch[0])
        return outputs

    def forward(self, inputs: Tensor) -> Tensor:
        """inputs: (batch, *input_shape) -> (batch, classes, *target_shape), or (batch, *target_shape) for numbers.

        A model of two classes has one output, the logit of the second class; the first class gets the logit zero.
        """
        outputs: Tensor = self.model(inputs)
        if not self.facts.has_classes:
            return outputs.reshape(len(outputs), *self.facts.target_shape)
        if outputs.shape[1] > 1:
            return outputs
        return functional.pad(outputs, (0, 0) * (outputs.ndim - 2) + (1, 0))

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return the optimizer's groups: those of the model's method parameter_groups(lr), or by weight decay."""
        keywords = getattr(self.make_optimizer, "keywords", {})
        own: Callable[[Any], list[dict[str, Any]]] | None = getattr(self.model, "parameter_groups", None)
        if own is not None:
            return own(keywords.get("lr"))
        return group_parameters(self.parameters(), keywords.get("weight_decay"))

    def build_optimizer(self) -> Optimizer:
        """Build the optimizer over parameter_groups.

        Raises:
            UserError: there is nothing to train, or what is built is no optimizer.
        """
        if next(self.parameters(), None) is None:
            name = type(self.model).__qualname__
            raise UserError(f"model._target_ must have parameters to train; got {name}, which has none")
        optimizer = self.make_optimizer(self.parameter_groups())
        if not hasattr(optimizer, "param_groups"):  # Lightning takes whatever looks like an optimizer
            raise UserError(f"optimizer._target_ must make a torch.optim.Optimizer; got {type(optimizer).__name__}")
        return optimizer

    def start_part(self, part: str) -> None:
        """Begin the metrics of a part (train, val or test) for one epoch or one evaluation."""
        self.epoch_metrics[part] = self.new_metrics(part)

    def train_on(self, batch: Any) -> Tensor:
        """Add a batch to the metrics of training; return what to take the gradient of, (): its loss and the penalty."""
        loss = self._step("train", batch)
        return loss + self.l1 * self._sum_of_weights() if self.l1 else loss

    def evaluate_on(self, batch: Any, part: str = "val") -> None:
        """Add a batch to the metrics of a part that is not trained on."""
        if not _is_empty(batch):
            self._step(part, batch)

    def part_metrics(self, part: str) -> dict[str, float]:
        """Return a part's metrics over all batches since start_part."""
        metrics = self.epoch_metrics[part]
        return metrics.part_metrics(metrics.totals())

    @property
    def is_step_ours(self) -> bool:
        """Whether no subclass says itself what a batch costs."""
        return type(self).step is SupervisedLearning.step

    @property
    def metric_names(self) -> set[str]:
        """Names of the metrics that training and validation log; those of a subclass's own step may be others."""
        kind = CLASSES if self.facts.has_classes else LABELS if isinstance(self.loss, nn.BCEWithLogitsLoss) else NUMBERS
        return {
            "lr",
            *(f"{part}/{name}" for part in ("train", "val") for name in ("loss", SECOND[kind], *self.metrics)),
        }

    def new_metrics(self, part: str) -> EpochMetrics:
        """Return empty metrics of a part, for one epoch or one evaluation."""
        facts, has_labels = self.facts, isinstance(self.loss, nn.BCEWithLogitsLoss)
        if part not in self._metrics:
            self._metrics[part] = Metrics(deepcopy(self.metrics), facts.target_mean, facts.target_scale)
        if self._metrics[part]:
            self._metrics[part].start(self._parameters_device)
        unit = facts.target_scale, self.is_sum, has_labels
        weigh = target_weights(self.loss)
        return EpochMetrics(part, facts.has_classes, *unit, self._metrics[part], facts.target_shape, weigh)

    def _step(self, part: str, batch: Any) -> Tensor:
        metrics = self.epoch_metrics[part]
        try:
            loss, outputs, targets = self.step(batch)
        except RuntimeError as error:
            explain_misfit(error, self.facts)
            raise
        except (AttributeError, TypeError):
            self._check_model(batch)
            raise
        if not metrics.losses:
            key = "loss._target_" if self.is_step_ours else "learner._target_"
            is_trained = part == "train" and getattr(self, "automatic_optimization", True)
            check_loss_value(loss, outputs, self.model, key, is_trained)
        metrics.add(loss, outputs, targets)
        return loss

    def _check_model(self, batch: Any) -> None:
        """Raise UserError if a step of ours has failed because the model puts out no tensor."""
        if self.is_step_ours:
            check_is_tensor(self.model(batch[0]), self.model)

    def _sum_of_weights(self) -> Tensor:
        return torch.stack([weight.abs().sum() for weight in filter(is_weight, self.parameters())]).sum()

    @property
    def _parameters_device(self) -> torch.device:
        tensors = chain(self.parameters(), self.buffers())
        return next((tensor.device for tensor in tensors), torch.device("cpu"))


def _is_empty(batch: Any) -> bool:
    """Tell a batch without samples: a rank gets one if the other ranks have one batch more, as all take each step."""
    return isinstance(batch, tuple) and isinstance(batch[0], Tensor) and len(batch[0]) == 0
