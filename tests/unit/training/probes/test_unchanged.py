"""What a forward of the user's own may do is undone after a look."""

from __future__ import annotations

from typing import Any

import lightning as L
import pytest
import torch
from torch import Tensor, nn

from tunesmith.training.probes.unchanged import attributes_unchanged, unchanged


class Restless(L.LightningModule):
    """Changes in its forward all that a module can hold."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 2)
        self.register_buffer("average", torch.zeros(2))
        self.calls = 0
        self.seen: list[int] = []
        self.by_name: dict[str, int] = {"first": 1}
        self.names = {"a"}
        self.memory = torch.zeros(2)

    def forward(self, inputs: Tensor) -> Tensor:
        with torch.no_grad():
            self.layer.weight /= self.layer.weight.norm()
        self.layer.bias = nn.Parameter(torch.ones(2))
        self.average += 1
        self.memory += 1
        self.calls += 1
        self.seen.append(self.calls)
        self.by_name.update(first=2, second=2)
        self.names.add("b")
        self.late = 1
        self.layer.extra = 1
        self.log("called", self.calls)
        self.log_dict({"called": self.calls})
        return inputs + self.memory


def held_by(learner: Restless) -> list[Any]:
    tensors = [each.tolist() for each in (*learner.state_dict().values(), learner.memory)]
    identities = [id(parameter) for parameter in learner.parameters()]
    others = [learner.calls, list(learner.seen), dict(learner.by_name), set(learner.names)]
    return [tensors, identities, others, sorted(vars(learner)), sorted(vars(learner.layer))]


def test_a_learner_is_as_it_was() -> None:
    learner = Restless()
    before = held_by(learner)
    with attributes_unchanged(learner), unchanged(learner):
        learner(torch.ones(1, 2))
        assert all(now != then for now, then in zip(held_by(learner), before, strict=True))
    assert held_by(learner) == before


def test_a_learner_whose_forward_fails_is_as_it_was() -> None:
    learner = Restless()
    before = held_by(learner)
    with pytest.raises(RuntimeError, match="must match the size"), attributes_unchanged(learner), unchanged(learner):
        learner(torch.ones(1, 3))
    assert held_by(learner) == before


def test_weights_that_are_left_alone_are_not_written_again() -> None:
    """A graph that is alive would take a write for a change."""
    learner = Restless()
    version = learner.layer.weight._version
    with attributes_unchanged(learner):
        learner.layer(torch.ones(1, 2))
    assert learner.layer.weight._version == version
