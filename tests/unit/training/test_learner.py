"""The Lightning module: metrics of an epoch, one logit for two classes, L1, weight decay, warm-up."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import lightning as L
import pytest
import torch
from tiny import LearningRates, fit
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD, AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, ReduceLROnPlateau

from tunesmith.data.batches import Batches
from tunesmith.data.splits import Split
from tunesmith.errors import UserError
from tunesmith.training.data_facts import DataFacts
from tunesmith.training.learner import Supervised
from tunesmith.training.losses import AutoLoss
from tunesmith.training.metrics import mae
from tunesmith.training.schedules import WARMUP_START

CLASSES, NUMBERS = True, False
LR = 0.1


def module(has_classes: bool = NUMBERS, outputs: int = 1, **changes: Any) -> Supervised:
    torch.manual_seed(0)
    known = {name: changes.pop(name) for name in ("class_weights", "target_scale") if name in changes}
    arguments: dict[str, Any] = {
        "data": DataFacts((3,), outputs, has_classes=has_classes, **known),
        "model": nn.Linear(3, outputs),
        "loss": AutoLoss(),
        "optimizer": partial(SGD, lr=LR),
    }
    return Supervised(**{**arguments, **changes})


def part(num_classes: int = 0, samples: int = 8) -> Split:
    """Numbers to predict, or classes."""
    random = torch.Generator().manual_seed(1)
    inputs = torch.randn(samples, 3, generator=random)
    if num_classes:
        return Split(inputs, torch.arange(samples) % num_classes)
    return Split(inputs, torch.randn(samples, generator=random))


def first_epoch(learner: Supervised, samples: Split) -> dict[str, float]:
    """Metrics of one step over all samples: the training loss is that of the first weights."""
    metrics = fit(learner, samples, len(samples), max_epochs=1).callback_metrics
    return {name: value.item() for name, value in metrics.items()}


# metrics


@pytest.mark.parametrize("samples", [8, 7], ids=["even batches", "a smaller one last"])
def test_metrics_of_classes_are_means_over_samples(samples: int) -> None:
    learner, data = module(CLASSES, outputs=3, optimizer=partial(SGD, lr=0.0)), part(3, samples)
    metrics = fit(learner, data, 4, max_epochs=1).callback_metrics
    outputs = learner.model(data.inputs)
    expected = {
        "loss": functional.cross_entropy(outputs, data.targets).item(),
        "acc": (outputs.argmax(1) == data.targets).float().mean().item(),
    }
    for name, value in expected.items():
        assert [metrics[f"{part}/{name}"].item() for part in ("train", "val")] == pytest.approx([value] * 2)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_loss_logged_is_the_mean_whatever_its_reduction(reduction: str) -> None:
    data = part()
    learner = module(loss=nn.MSELoss(reduction=reduction))
    expected = (learner(data.inputs) - data.targets).square().mean().item()
    assert first_epoch(learner, data)["train/loss"] == pytest.approx(expected)


def test_the_sum_is_what_the_optimizer_sees() -> None:
    moved = []
    for reduction in ("mean", "sum"):
        learner = module(loss=nn.MSELoss(reduction=reduction))
        before = learner.model.bias.item()
        first_epoch(learner, part())
        moved.append(learner.model.bias.item() - before)
    assert moved[1] == pytest.approx(8 * moved[0])


def test_rmse_is_in_the_targets_own_unit() -> None:
    metrics = first_epoch(module(target_scale=50.0), part())
    assert metrics["train/rmse"] == pytest.approx(50 * metrics["train/loss"] ** 0.5)


# one logit for two classes


@pytest.mark.parametrize(
    ("has_classes", "outputs", "shape"), [(CLASSES, 3, (8, 3)), (CLASSES, 1, (8, 2)), (NUMBERS, 1, (8,))], ids=str
)
def test_outputs_have_the_shape_that_losses_take(has_classes: bool, outputs: int, shape: tuple[int, ...]) -> None:
    assert module(has_classes, outputs)(part().inputs).shape == shape


def half() -> nn.Module:
    torch.manual_seed(2)
    return nn.Linear(3, 1)


class BesideZero(nn.Module):
    """Two outputs, of which the first is always zero."""

    def __init__(self, second: nn.Module) -> None:
        super().__init__()
        self.second = second

    def forward(self, inputs: Tensor) -> Tensor:
        outputs = self.second(inputs)
        return torch.cat((torch.zeros_like(outputs), outputs), 1)


@pytest.mark.parametrize("smoothing", [0.0, 0.2], ids="smoothing={}".format)
@pytest.mark.parametrize("weights", [None, torch.tensor([1.0, 3.0])], ids=["unweighted", "weighted"])
def test_one_logit_is_a_softmax_over_it_and_zero(smoothing: float, weights: Tensor | None) -> None:
    one, two = (
        first_epoch(module(CLASSES, model=model, loss=AutoLoss(smoothing), class_weights=weights), part(2))
        for model in (half(), BesideZero(half()))
    )
    assert one == pytest.approx(two)


def test_one_logit_is_that_of_the_second_class() -> None:
    samples, model = part(2), half()
    logits = model(samples.inputs).squeeze(1)
    metrics = first_epoch(module(CLASSES, model=model), samples)
    expected = functional.binary_cross_entropy_with_logits(logits, samples.targets.float()).item()
    assert metrics["train/loss"] == pytest.approx(expected)
    assert metrics["train/acc"] == pytest.approx(((logits > 0) == samples.targets.bool()).float().mean().item())


# penalties


def deep() -> nn.Sequential:
    """Weights, biases and a norm."""
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))


def first_gradients(l1: float) -> dict[str, tuple[Tensor, Tensor]]:
    """Each parameter with the gradient of the first step."""
    torch.manual_seed(0)
    learner, data = module(l1=l1, model=deep()), part()
    learner.on_train_epoch_start()
    learner.training_step((data.inputs, data.targets), 0).backward()
    return {name: (parameter.detach(), parameter.grad) for name, parameter in learner.model.named_parameters()}


def test_l1_pulls_weights_towards_zero_and_spares_biases_and_norms() -> None:
    parameters = first_gradients(l1=0.0)
    for name, (value, gradient) in first_gradients(l1=0.01).items():
        pull = gradient - parameters[name][1]
        expected = 0.01 * value.sign() if name in ("0.weight", "2.weight") else torch.zeros_like(pull)
        torch.testing.assert_close(pull, expected, rtol=0, atol=1e-6)


def test_l1_is_no_part_of_the_logged_loss() -> None:
    assert first_epoch(module(l1=1.0), part())["train/loss"] == first_epoch(module(), part())["train/loss"]


def test_weight_decay_spares_biases_and_norms() -> None:
    learner = module(model=deep(), optimizer=partial(AdamW, lr=LR, weight_decay=0.1))
    (optimizer,), _ = learner.configure_optimizers()
    decays = {id(each): group["weight_decay"] for group in optimizer.param_groups for each in group["params"]}
    shown = {name: decays[id(each)] for name, each in learner.model.named_parameters()}
    assert shown == {
        **dict.fromkeys(("0.weight", "2.weight"), 0.1),
        **dict.fromkeys(("0.bias", "1.weight", "1.bias", "2.bias"), 0.0),
    }


@pytest.mark.parametrize("decay", [{}, {"weight_decay": 0.0}], ids=["not given", "zero"])
def test_without_weight_decay_all_parameters_are_one_group(decay: dict[str, float]) -> None:
    (optimizer,), _ = module(optimizer=partial(SGD, lr=LR, **decay)).configure_optimizers()
    assert [len(group["params"]) for group in optimizer.param_groups] == [2]


# the learning rate


def rates_of(scheduler: Callable[..., LRScheduler] | None, **changes: Any) -> list[float]:
    """The learning rate of each step of four epochs of three steps."""
    rates = LearningRates()
    fit(module(scheduler=scheduler, **changes), part(samples=12), 4, rates, max_epochs=4)
    return rates.seen


def risen(step: int, steps: int) -> float:
    return WARMUP_START + (1 - WARMUP_START) * min(1.0, step / steps)


def test_warm_up_rises_in_a_straight_line_over_the_steps_of_its_epochs() -> None:
    assert rates_of(None, warmup_epochs=2) == pytest.approx([LR * risen(step, 6) for step in range(12)])


def test_warm_up_lasts_its_epochs_where_steps_are_limited() -> None:
    rates = LearningRates()
    fit(module(warmup_epochs=2), part(samples=12), 4, rates, max_epochs=100, max_steps=9)
    assert rates.seen == pytest.approx([LR * risen(step, 6) for step in range(9)])


def test_warm_up_counts_steps_of_the_optimizer() -> None:
    rates = LearningRates()
    fit(module(warmup_epochs=2), part(samples=16), 4, rates, max_epochs=3, accumulate_grad_batches=2)
    expected = [LR * risen(batch // 2, 4) for batch in range(12)]
    assert rates.seen == pytest.approx(expected)


def test_the_last_step_of_a_warm_up_epoch_may_take_fewer_batches() -> None:
    rates = LearningRates()
    fit(module(warmup_epochs=2), part(samples=12), 4, rates, max_epochs=3, accumulate_grad_batches=2)
    steps = [0, 0, 1, 2, 2, 3, 4, 4, 5]  # of two batches and of one in each epoch
    assert rates.seen == pytest.approx([LR * risen(step, 4) for step in steps])


def test_warm_up_goes_along_with_a_cosine() -> None:
    cosine = [(1 + math.cos(math.pi * epoch / 4)) / 2 for epoch in range(4)]
    rates = rates_of(partial(CosineAnnealingLR, T_max=4), warmup_epochs=2)
    assert rates == pytest.approx([LR * risen(step, 6) * cosine[step // 3] for step in range(12)])


def test_warm_up_goes_along_with_a_plateau() -> None:
    never_better = partial(ReduceLROnPlateau, mode="max", factor=0.5, patience=0, threshold=1e9)
    rates = rates_of(never_better, warmup_epochs=2)
    halved = [1.0, 1.0, 0.5, 0.25]  # the first epoch is the best one, the second one is not better
    assert rates == pytest.approx([LR * risen(step, 6) * halved[step // 3] for step in range(12)])


def test_the_schedule_follows_the_objective() -> None:
    plateau = partial(ReduceLROnPlateau, mode="max")
    _, (schedule,) = module(scheduler=plateau, monitor="val/rmse").configure_optimizers()
    assert schedule["monitor"] == "val/rmse"


def test_the_learning_rate_logged_is_that_of_the_epoch() -> None:
    halves = partial(ReduceLROnPlateau, mode="max", factor=0.5, patience=0, threshold=1e9)
    metrics = fit(module(scheduler=halves), part(), 8, max_epochs=3).callback_metrics
    assert metrics["lr"].item() == pytest.approx(LR / 2)


# targets of other shapes


def test_dense_classes_are_counted_by_element() -> None:
    inputs = torch.randn(8, 1, 2, 2, generator=torch.Generator().manual_seed(0))
    samples = Split(inputs, (inputs[:, 0] > 0).long())
    learner = module(data=DataFacts((1, 2, 2), 3, (2, 2), has_classes=True), model=nn.Conv2d(1, 3, 1))
    learner.make_optimizer = partial(SGD, lr=0.0)
    metrics = fit(learner, samples, 3, max_epochs=1).callback_metrics
    outputs = learner.model(inputs)
    assert outputs.shape == (8, 3, 2, 2)
    right = (outputs.argmax(1) == samples.targets).float().mean().item()
    assert metrics["train/acc"].item() == metrics["val/acc"].item() == pytest.approx(right)
    assert metrics["train/loss"].item() == pytest.approx(functional.cross_entropy(outputs, samples.targets).item())


def test_one_logit_of_a_pixel_gets_a_zero_beside_it() -> None:
    learner = module(data=DataFacts((1, 2, 2), 1, (2, 2), has_classes=True), model=nn.Conv2d(1, 1, 1))
    outputs = learner(torch.ones(5, 1, 2, 2))
    assert outputs.shape == (5, 2, 2, 2)
    assert outputs[:, 0].eq(0).all()
    assert outputs[:, 1].ne(0).all()


@pytest.mark.parametrize("shape", [(2,), (2, 3)], ids=str)
def test_several_numbers_have_one_rmse(shape: tuple[int, ...]) -> None:
    random = torch.Generator().manual_seed(0)
    samples = Split(torch.randn(8, 3, generator=random), torch.randn(8, *shape, generator=random))
    learner = module(outputs=math.prod(shape), data=DataFacts((3,), math.prod(shape), shape, target_scale=2.0))
    learner.make_optimizer = partial(SGD, lr=0.0)
    metrics = fit(learner, samples, 3, max_epochs=1).callback_metrics
    errors = learner.model(samples.inputs).reshape(8, *shape) - samples.targets
    assert metrics["train/rmse"].item() == pytest.approx(2 * errors.square().mean().sqrt().item())
    assert metrics["val/loss"].item() == pytest.approx(errors.square().mean().item())


def test_labels_have_an_accuracy() -> None:
    random = torch.Generator().manual_seed(0)
    samples = Split(torch.randn(8, 3, generator=random), torch.randint(0, 2, (8, 2), generator=random).float())
    learner = module(data=DataFacts((3,), 2, (2,)), outputs=2, loss=nn.BCEWithLogitsLoss())
    learner.make_optimizer = partial(SGD, lr=0.0)
    metrics = fit(learner, samples, 3, max_epochs=1).callback_metrics
    right = ((learner.model(samples.inputs) > 0) == samples.targets).float().mean().item()
    assert metrics["train/acc"].item() == metrics["val/acc"].item() == pytest.approx(right)


# subclasses


class Reconstruction(Supervised):
    """A step of its own: float targets, though the data has classes."""

    def step(self, batch: Any) -> tuple[Tensor, Tensor, Tensor]:
        outputs = self.model(batch[0])
        return self.loss(outputs, batch[0]), outputs, batch[0]


class LossAlone(Supervised):
    """A step without targets."""

    def step(self, batch: Any) -> tuple[Tensor, Tensor, None]:
        outputs = self.model(batch["inputs"])
        return outputs.square().mean(), outputs, None


class Dicts:
    """Batches of one size, as dicts."""

    def __len__(self) -> int:
        return 2

    def __iter__(self) -> Any:
        return iter([{"inputs": torch.ones(4, 3)}] * 2)


def test_a_step_of_its_own_decides_what_the_targets_are() -> None:
    samples = part(3)
    facts = DataFacts((3,), 3, has_classes=True)
    learner = Reconstruction(facts, nn.Linear(3, 3), nn.MSELoss(), partial(SGD, lr=0.0))
    metrics = fit(learner, samples, 3, max_epochs=1).callback_metrics
    error = (learner.model(samples.inputs) - samples.inputs).square().mean().item()
    assert metrics["train/rmse"].item() == metrics["val/rmse"].item() == pytest.approx(error**0.5)
    assert "train/acc" not in metrics


def test_targets_of_a_step_of_its_own_are_not_in_the_unit_of_the_datas() -> None:
    samples = Split(torch.randn(6, 3), torch.randn(6))
    facts = DataFacts((3,), 1, target_mean=100.0, target_scale=50.0)
    learner = Reconstruction(facts, nn.Linear(3, 3), nn.MSELoss(), partial(SGD, lr=0.0), metrics={"mae": mae})
    metrics = fit(learner, samples, 3, max_epochs=1).callback_metrics
    errors = learner.model(samples.inputs) - samples.inputs
    assert metrics["val/rmse"].item() == pytest.approx(errors.square().mean().item() ** 0.5)
    assert metrics["val/mae"].item() == pytest.approx(errors.abs().mean().item())


class Signs(Supervised):
    """A step that makes classes of its own: of each input, whether it is above zero."""

    def step(self, batch: Any) -> tuple[Tensor, Tensor, Tensor]:
        outputs, signs = self.model(batch[0]).unflatten(1, (2, -1)), (batch[0] > 0).long()
        return self.loss(outputs, signs), outputs, signs


def test_class_weights_of_other_classes_are_a_mistake_in_one_line() -> None:
    facts = DataFacts((3,), 3, has_classes=True, class_weights=torch.ones(3))
    learner = Signs(facts, nn.Linear(3, 6), AutoLoss(), partial(SGD, lr=0.0))
    with pytest.raises(UserError, match=r"^data\.class_weights must be null for this learner, .*; got 3 weights$"):
        fit(learner, part(3), 3, max_epochs=1)


def test_classes_of_data_that_does_not_say_so_are_a_mistake_in_one_line() -> None:
    learner = Supervised(DataFacts((3,), 1), nn.Linear(3, 1), AutoLoss(), partial(SGD, lr=0.0))
    with pytest.raises(UserError, match=r"^data must say has_classes=True .*; got has_classes=False, output_size=1$"):
        fit(learner, Split(torch.ones(4, 3), torch.tensor([0, 1, 0, 1])), 2, max_epochs=1)


def test_a_step_without_targets_over_dicts_has_a_loss_alone() -> None:
    learner = LossAlone(DataFacts((3,), 1), nn.Linear(3, 1), AutoLoss(), partial(SGD, lr=0.0))
    trainer = L.Trainer(
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        max_epochs=1,
    )
    trainer.fit(learner, Dicts(), Dicts())
    expected = learner.model(torch.ones(1, 3)).square().item()
    assert trainer.callback_metrics["val/loss"].item() == pytest.approx(expected)
    assert set(trainer.callback_metrics) == {"train/loss", "val/loss", "lr"}


def test_metrics_of_a_step_without_targets_are_refused() -> None:
    learner = LossAlone(DataFacts((3,), 1), nn.Linear(3, 1), AutoLoss(), partial(SGD, lr=0.0), metrics={"mae": mae})
    learner.on_train_epoch_start()
    with pytest.raises(UserError, match=r"^metrics must be none if the learner's step returns no targets; got mae$"):
        learner.training_step({"inputs": torch.ones(4, 3)}, 0)


def test_without_a_validation_part_training_is_logged_alone() -> None:
    metrics = fit(module(), part(), 4, max_epochs=1, limit_val_batches=0).callback_metrics
    assert set(metrics) == {"train/loss", "train/rmse", "lr"}


class Backbone(nn.Sequential):
    """Learns its first layer at a tenth of the rate."""

    def parameter_groups(self, lr: float) -> list[dict[str, Any]]:
        return [{"params": self[0].parameters(), "lr": lr / 10}, {"params": self[1].parameters()}]


def test_a_model_may_bring_its_own_parameter_groups() -> None:
    (optimizer,), _ = module(model=Backbone(nn.Linear(3, 2), nn.Linear(2, 1))).configure_optimizers()
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([LR / 10, LR])


def test_metrics_of_the_group_are_logged_beside_the_others() -> None:
    learner = module(metrics={"largest": lambda outputs, targets: targets.max()})
    metrics = fit(learner, part(samples=8), 3, max_epochs=2).callback_metrics
    assert metrics["train/largest"].item() == metrics["val/largest"].item() == part().targets.max().item()


def test_predictions_need_no_targets() -> None:
    learner = module()
    assert torch.equal(learner.predict_step((part().inputs, None), 0), learner(part().inputs))


def test_a_validation_of_its_own_logs_the_validation_part_alone() -> None:
    learner, data = module(), part()
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = L.Trainer(accelerator="cpu", enable_checkpointing=False, **quiet)  # type: ignore[arg-type]
    (logged,) = trainer.validate(learner, Batches(data, 4), verbose=False)
    assert set(logged) == {"val/loss", "val/rmse"}


def test_training_of_the_whole_epoch_is_logged_after_validations_inside_it() -> None:
    learner, data = module(optimizer=partial(SGD, lr=0.0)), part(samples=8)
    metrics = fit(learner, data, 2, max_epochs=1, val_check_interval=3).callback_metrics
    assert metrics["train/loss"].item() == pytest.approx(metrics["val/loss"].item())
