"""One training of the lean engine: all that changes while it goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from tunesmith.errors import UserError, closest
from tunesmith.training.float32 import as_float32
from tunesmith.training.lean.steps import Steps
from tunesmith.training.patience import Patience
from tunesmith.training.probes.probes import Probes
from tunesmith.training.record import RunRecord
from tunesmith.training.schedules import Schedule
from tunesmith.training.supervised import SupervisedLearning

Clip = Callable[[Sequence[Tensor]], Any]


@dataclass
class Member:
    """A learner with its optimizer, schedules, early stopping and record; it knows no other member.

    patiences: of the early stoppings of the config; clip: changes the gradients of all parameters before a step.
    epoch: how many epochs are trained, num_steps: how often the optimizer has stepped, over all attempts.
    probes: None: nothing is measured beside the metrics.
    """

    learner: SupervisedLearning
    optimizer: Optimizer
    schedules: Sequence[Schedule]
    record: RunRecord
    patiences: Sequence[Patience] = ()
    clip: Clip | None = None
    epoch: int = 0
    num_steps: int = 0
    probes: Probes | None = None
    _params: list[Tensor] = field(init=False)
    _steps: Steps = field(init=False)

    def __post_init__(self) -> None:
        self._params = [param for group in self.optimizer.param_groups for param in group["params"]]
        self._steps = Steps(self.optimizer)

    def train_on(self, batch: Any, is_last: bool = False) -> None:
        """Take a step of the optimizer on a batch, the epoch's last one or not, and of the schedules by step."""
        loss = self.learner.train_on(batch)
        for param in self._params:
            param.grad = None
        loss.backward()  # type: ignore[no-untyped-call]
        if self.probes is not None and (is_last or self.probes.is_starting):
            self.probes.before_step(self.learner, is_last=is_last)
        if self.clip is not None:
            self.clip(self._params)
        self._steps.step()
        self.num_steps += 1
        self.move_schedules("step")

    def move_schedules(self, interval: str) -> None:
        """Move the schedules of an interval (step or epoch) that follow no metric."""
        for each in self.schedules:
            if each.interval == interval and not isinstance(each.scheduler, ReduceLROnPlateau):
                each.scheduler.step()

    @torch.no_grad()
    def read_metrics(self, parts: Sequence[str]) -> dict[str, float]:
        """Return the metrics of the parts over the epoch, and the learning rate, which the next step will have."""
        metrics = {name: value for part in parts for name, value in self.learner.part_metrics(part).items()}
        return {**metrics, "lr": float(self.optimizer.param_groups[0]["lr"])}

    def follow_plateaus(self, metrics: Mapping[str, float]) -> None:
        """Move the schedules that follow a metric, whose float32 they compare as in Lightning.

        Raises:
            UserError: the metric is none of these.
        """
        for each in self.schedules:
            if not isinstance(each.scheduler, ReduceLROnPlateau):
                continue
            monitor = str(each.monitor)
            if monitor not in metrics:
                hint = closest(monitor, metrics)
                raise UserError(f"learner.monitor must be a metric that is logged; got '{monitor}'{hint}")
            each.scheduler.step(as_float32(metrics[monitor]))


def make_clip(value: float | None, algorithm: str | None) -> Clip | None:
    """Return what clips gradients as Lightning's flags say; None if they ask for nothing."""
    if not value or value < 0:
        return None
    if algorithm == "value":
        return partial(torch.nn.utils.clip_grad_value_, clip_value=value)
    return partial(torch.nn.utils.clip_grad_norm_, max_norm=value)
