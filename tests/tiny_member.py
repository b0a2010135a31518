"""A member of the lean engine that trains in microseconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from listener import Listener
from tiny import NUMBERS
from torch import nn
from torch.optim import SGD

from tunesmith.data.batches import Batches
from tunesmith.data.splits import Split
from tunesmith.objective import Objective
from tunesmith.training.lean.member import Clip, Member
from tunesmith.training.losses import AutoLoss
from tunesmith.training.patience import Patience
from tunesmith.training.record import RunRecord
from tunesmith.training.schedules import PlainLength, make_schedules
from tunesmith.training.supervised import SupervisedLearning

NUM_BATCHES = 3


def batches() -> Batches:
    generator = torch.Generator().manual_seed(0)
    inputs, targets = torch.randn(12, 4, generator=generator), torch.randn(12, generator=generator)
    return Batches(Split(inputs, targets), 12 // NUM_BATCHES)


def member(
    folder: Path,
    model: nn.Module | None = None,
    scheduler: Callable[..., Any] | None = None,
    patiences: Sequence[Patience] = (),
    clip: Clip | None = None,
    reporter: Listener | None = None,
    objective: str = "val/loss",
    **keys: Any,
) -> Member:
    """Return a member that fits numbers by SGD; keys: of its learner."""
    torch.manual_seed(0)
    net = model or nn.Linear(4, 1)
    learner = SupervisedLearning(NUMBERS, net, AutoLoss(), partial(SGD, lr=0.1, fused=True), scheduler, **keys)
    record = RunRecord(folder, Objective(objective, "min"), reporter or Listener())
    record.open_table()
    optimizer = learner.build_optimizer()
    schedules = make_schedules(learner, optimizer, PlainLength(10, NUM_BATCHES))
    return Member(learner, optimizer, schedules, record, patiences, clip)
