"""Parameters of a small network as metrics."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from tiny import NUMBERS, fit
from torch import nn
from torch.optim import SGD

from tunesmith.data.splits import Split
from tunesmith.errors import UserError
from tunesmith.objective import Objective
from tunesmith.training.callbacks.parameters import MAX_PARAMETERS, Parameters
from tunesmith.training.learner import Supervised
from tunesmith.training.losses import AutoLoss


def shown(model: nn.Module) -> dict[str, float]:
    """Train two epochs on samples of as many numbers as the model takes; return the metrics of parameters."""
    size = next(model.parameters()).shape[1]
    part = Split(torch.ones(4, size), torch.zeros(4))
    objective = Objective("val/loss", "min")
    module = Supervised(NUMBERS, model, AutoLoss(), partial(SGD, lr=0.1), monitor=objective.metric)
    metrics = fit(module, part, 2, Parameters(), max_epochs=2).callback_metrics
    return {name: value.item() for name, value in metrics.items() if name.startswith("param/")}


def test_each_number_is_a_metric_as_it_is_after_the_epoch() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    metrics = shown(model)
    names = ["0.weight/0", "0.weight/1", "0.weight/2", "0.weight/3", "0.bias/0", "0.bias/1"]
    assert list(metrics) == [f"param/{name}" for name in [*names, "1.weight/0", "1.weight/1", "1.bias"]]
    numbers = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])
    assert list(metrics.values()) == pytest.approx(numbers.tolist())


def test_a_parameter_of_one_number_needs_no_index() -> None:
    assert list(shown(nn.Linear(1, 1))) == ["param/weight", "param/bias"]


def test_a_network_may_have_32_numbers() -> None:
    assert len(shown(nn.Linear(MAX_PARAMETERS, 1, bias=False))) == 32


def test_a_larger_network_is_refused() -> None:
    message = r"^callbacks=parameters shows models of 32 numbers at most; got 33$"
    with pytest.raises(UserError, match=message):
        shown(nn.Linear(MAX_PARAMETERS, 1))
