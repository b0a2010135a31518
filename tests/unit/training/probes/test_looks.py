"""Who is looked at: our learner, and others' forward on our data, as long as it works; else a line says why not."""

from __future__ import annotations

import logging

import pytest
import torch
from tiny import small
from torch import Tensor, nn

from tunesmith.data.array_data import ArrayData
from tunesmith.objective import Objective
from tunesmith.reporting import NoReporter
from tunesmith.training.lean.build import build_lean_learner
from tunesmith.training.probes import looks
from tunesmith.training.probes.forward import Seen
from tunesmith.training.probes.looks import make_look
from tunesmith.training.probes.probes import Probes
from tunesmith.training.record import RunRecord
from tunesmith.training.supervised import SupervisedLearning

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def ours() -> tuple[ArrayData, SupervisedLearning]:
    return build_lean_learner(small("data=wine"))


@pytest.fixture
def probes(tmp_path_factory: pytest.TempPathFactory) -> Probes:
    return Probes(RunRecord(tmp_path_factory.getbasetemp(), Objective("val/loss", "min"), NoReporter()))


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What is said of probes, once in a process: here from the begin of each test."""
    looks._tell.cache_clear()
    caplog.set_level(logging.INFO, looks.__name__)
    return caplog


class Foreign(nn.Module):
    """A learner that is not ours: 13 inputs of wine."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(13, 4), nn.ReLU(), nn.Linear(4, 3))

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.net(inputs)
        return outputs


class Failing(Foreign):
    calls = 0

    def forward(self, inputs: Tensor) -> Tensor:
        Failing.calls += 1
        raise ValueError("no such inputs\nand more of it")


class OfPairs(Foreign):
    def forward(self, inputs: Tensor) -> Tensor:
        return super().forward(inputs), inputs  # type: ignore[return-value]


class OfBatches(Foreign):
    def forward(self, inputs: Tensor) -> Tensor:
        return super().forward(inputs).mean()


def test_our_learner_is_seen_with_its_loss(
    ours: tuple[ArrayData, SupervisedLearning], probes: Probes, said: pytest.LogCaptureFixture
) -> None:
    data, learner = ours
    look = make_look(learner, data, CPU, probes)
    assert look is not None
    assert {"train_loss", "output_spread"} <= look(False).numbers.keys()
    assert said.messages == []


def test_another_s_forward_is_seen_without_a_loss(
    ours: tuple[ArrayData, SupervisedLearning], probes: Probes, said: pytest.LogCaptureFixture
) -> None:
    look = make_look(Foreign(), ours[0], CPU, probes)
    assert look is not None
    seen = [look(False), look(True)]
    assert seen[0] == seen[1]
    assert seen[0].dead_shares.keys() == {"net.0"}
    assert "output_spread" in seen[0].numbers
    assert "train_loss" not in seen[0].numbers
    assert said.messages == ["probes have no train_loss: the learner's step is its own, and only its forward is called"]


@pytest.mark.parametrize(
    ("learner", "reason"),
    [
        (Failing(), "ValueError: no such inputs"),
        (OfPairs(), "ValueError: it puts out no tensor with a row for each sample"),
        (OfBatches(), "ValueError: it puts out no tensor with a row for each sample"),
    ],
    ids=["raises", "pairs", "no rows"],
)
def test_a_forward_that_fails_ends_the_looks(
    learner: nn.Module,
    reason: str,
    ours: tuple[ArrayData, SupervisedLearning],
    probes: Probes,
    said: pytest.LogCaptureFixture,
) -> None:
    Failing.calls = 0
    look = make_look(learner, ours[0], CPU, probes)
    assert look is not None
    assert [look(False), look(True)] == [Seen(), Seen()]
    assert said.messages == [f"probes have no outputs: forward(inputs) of the learner: {reason}"]
    assert Failing.calls <= 1


class Lazy(Foreign):
    def __init__(self) -> None:
        super().__init__()
        self.last = nn.LazyLinear(2)


class Compiled(Foreign):
    def __init__(self) -> None:
        super().__init__()
        self.net.compile(backend="eager")


@pytest.mark.parametrize(
    ("learner", "num_processes", "reason"),
    [
        (Foreign(), 2, "on several devices the learner's own forward may wait for the other processes"),
        (Lazy(), 1, "a layer of the learner gets its shape from its first batch"),
        (Compiled(), 1, "a part of the learner is compiled"),
    ],
    ids=["several devices", "lazy", "compiled"],
)
def test_a_learner_that_a_look_could_change_is_left_alone(
    learner: nn.Module,
    num_processes: int,
    reason: str,
    ours: tuple[ArrayData, SupervisedLearning],
    probes: Probes,
    said: pytest.LogCaptureFixture,
) -> None:
    for _ in range(2):  # as in two folds: it is said once
        assert make_look(learner, ours[0], CPU, probes, num_processes=num_processes) is None
    assert said.messages == [f"probes measure gradients, weights and updates of layers alone: {reason}"]


def test_weights_too_large_to_copy_are_left_alone(
    ours: tuple[ArrayData, SupervisedLearning],
    probes: Probes,
    said: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(looks, "MAX_COPIED", 100)
    assert make_look(Foreign(), ours[0], CPU, probes) is None
    assert "are copied" in said.messages[0]


def test_other_data_are_left_alone(
    ours: tuple[ArrayData, SupervisedLearning], probes: Probes, said: pytest.LogCaptureFixture
) -> None:
    for learner in (Foreign(), ours[1]):
        assert make_look(learner, object(), CPU, probes) is None
    assert said.messages == [
        "probes measure gradients, weights and updates of layers alone: looks need data of tunesmith.data.DataModule"
    ]
