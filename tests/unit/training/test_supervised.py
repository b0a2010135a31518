"""A learner without a Trainer: parts of an epoch by plain calls, and an optimizer that is checked."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from tiny import CLASSES, NUMBERS
from torch import nn
from torch.optim import SGD

from tunesmith.errors import UserError
from tunesmith.training.losses import AutoLoss
from tunesmith.training.supervised import SupervisedLearning

INPUTS = torch.arange(24.0).reshape(6, 4) / 24


def learner(l1: float = 0.0) -> SupervisedLearning:
    torch.manual_seed(0)
    return SupervisedLearning(CLASSES, nn.Linear(4, 3), AutoLoss(), partial(SGD, lr=0.1), l1=l1)


def test_it_is_no_lightning_module() -> None:
    assert [each.__module__.partition(".")[0] for each in SupervisedLearning.__mro__] == [
        *("tunesmith", "torch", "builtins")
    ]


def test_a_part_s_metrics_are_means_over_its_samples() -> None:
    module, targets = learner(), torch.tensor([0, 1, 2, 0, 1, 2])
    module.start_part("val")
    module.evaluate_on((INPUTS[:4], targets[:4]))
    module.evaluate_on((INPUTS[4:], targets[4:]))
    outputs = module(INPUTS)
    assert module.part_metrics("val") == {
        "val/loss": pytest.approx(nn.functional.cross_entropy(outputs, targets).item()),
        "val/acc": pytest.approx((outputs.argmax(1) == targets).double().mean().item()),
    }


def test_a_part_that_starts_again_forgets_the_last_epoch() -> None:
    module = learner()
    for target in (0, 1):
        module.start_part("test")
        module.evaluate_on((INPUTS, torch.full((6,), target)), "test")
    assert module.part_metrics("test")["test/acc"] == (module(INPUTS).argmax(1) == 1).double().mean().item()


def test_the_penalty_is_part_of_what_is_minimised_and_not_of_the_metrics() -> None:
    module, plain, targets = learner(l1=0.5), learner(), torch.tensor([0, 1, 2, 0, 1, 2])
    for each in (module, plain):
        each.start_part("train")
    penalty = module.train_on((INPUTS, targets)) - plain.train_on((INPUTS, targets))
    assert penalty.item() == pytest.approx(0.5 * module.model.weight.abs().sum().item(), rel=1e-5)
    assert module.part_metrics("train") == plain.part_metrics("train")


def test_a_batch_without_samples_is_left_out() -> None:
    module = learner()
    module.start_part("val")
    module.evaluate_on((INPUTS[:0], torch.zeros(0, dtype=torch.int64)))
    assert module.epoch_metrics["val"].losses == []


def test_the_optimizer_has_the_parameters() -> None:
    module = learner()
    (group,) = module.build_optimizer().param_groups
    assert group["params"] == list(module.parameters())


def test_a_model_without_parameters_and_what_is_no_optimizer_are_refused() -> None:
    frozen = SupervisedLearning(NUMBERS, nn.Flatten(), AutoLoss(), partial(SGD, lr=0.1))
    with pytest.raises(UserError, match=r"^model\._target_ must have parameters to train; got Flatten, "):
        frozen.build_optimizer()
    with pytest.raises(UserError, match=r"^optimizer\._target_ must make a torch\.optim\.Optimizer; got list$"):
        SupervisedLearning(NUMBERS, nn.Linear(4, 1), AutoLoss(), list).build_optimizer()
