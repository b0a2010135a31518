"""Both engines give the same numbers: every digit of what a run leaves, for whatever the lean engine trains."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import fields, replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from engines import ENGINES, OWN_MODEL, Left, by_engine, configured, left_by, train
from listener import Listener
from sklearn.datasets import load_digits

from tunesmith.errors import UserError
from tunesmith.run_folder import RESULT_FILE, read_yaml

OPTIMIZERS = {
    "adam": ("optimizer=adam", "optimizer.weight_decay=1e-3"),
    "adamw": ("optimizer=adamw",),
    "sgd": ("optimizer=sgd", "optimizer.weight_decay=1e-3"),
    "nesterov": ("optimizer=sgd", "optimizer.nesterov=true"),
    "rmsprop": ("optimizer=rmsprop", "optimizer.momentum=0.5"),
}
SCHEDULES = {
    "plateau": ("scheduler.patience=1", "scheduler.factor=0.3"),
    "cosine": ("scheduler=cosine",),
    "step": ("scheduler=step", "scheduler.step_size=4"),
    "warm-up": ("scheduler=none", "warmup_epochs=3"),
    "warm-up, plateau": ("warmup_epochs=3", "scheduler.patience=1"),
}
DROPOUTS = (0.0, 0.3)
WIDTHS = (33, 100, 128)
RATES = (1e-4, 2e-3, 3e-2)
DIGITS = ("data=digits", "data.fraction=0.2")


def recipes() -> list[object]:
    """Every combination for 30 epochs; quickly, for 10: each optimizer and schedule twice, all widths, all rates."""
    found = []
    for number, (optimizer, schedule, dropout, width) in enumerate(product(OPTIMIZERS, SCHEDULES, DROPOUTS, WIDTHS)):
        row, column = list(OPTIMIZERS).index(optimizer), list(SCHEDULES).index(schedule)
        index = row * len(SCHEDULES) + column
        is_quick = (column - row) % 5 < 2 and (DROPOUTS[index % 2], WIDTHS[index % 3]) == (dropout, width)
        rate = RATES[(number + index) % 3]
        typed = (*OPTIMIZERS[optimizer], *SCHEDULES[schedule], f"model.dropout={dropout}", f"optimizer.lr={rate}")
        found.append(
            pytest.param(
                (*DIGITS, *typed, f"model.hidden_units={width}"),
                10 if is_quick else 30,
                id=f"{optimizer}, {schedule}, dropout {dropout}, {width} units, lr {rate}",
                marks=() if is_quick else pytest.mark.slow,
            )
        )
    return found


def check(tmp_path: Path, *typed: str, reporter: Listener | None = None) -> Left:
    """Train by each engine, compare, and return what the lean one has left."""
    cfg, reporter = configured(*typed), reporter or Listener()
    left = [left_by(tmp_path / engine, by_engine(engine, cfg), fresh(reporter)) for engine in ENGINES]
    for engine, each in zip(ENGINES, left, strict=True):  # a run that did not begin would equal the other
        assert (tmp_path / engine / RESULT_FILE).exists(), each.error
        assert read_yaml(tmp_path / engine / RESULT_FILE)["engine"] == engine
    for field in fields(Left):
        ours, theirs = (getattr(each, field.name) for each in left[::-1])
        assert ours == theirs, field.name
    return left[1]


def fresh(reporter: Listener) -> Listener:
    return replace(reporter, heard=[], epochs=[], digests=[])


@pytest.mark.parametrize(("typed", "epochs"), recipes())
def test_optimizers_schedules_dropouts_and_widths(tmp_path: Path, typed: tuple[str, ...], epochs: int) -> None:
    left = check(tmp_path, *typed, f"trainer.max_epochs={epochs}")
    assert len(left.metrics) == 1 + epochs
    rates = {line.rpartition(",")[2] for line in left.metrics[1:]}
    assert len(rates) > 1 or "scheduler.patience=1" in typed


# data and losses


@pytest.fixture(scope="module")
def arrays(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of inputs, and of targets of several shapes."""
    folder, draws = tmp_path_factory.mktemp("arrays"), np.random.default_rng(0)
    inputs = draws.normal(size=(150, 6)).astype(np.float32)
    images = load_digits().images[:200, None].astype(np.float32)
    targets = {
        "labels": (inputs[:, :3] > 0).astype(np.float32),
        "numbers": inputs[:, :2] @ draws.normal(size=(2, 4)).astype(np.float32),
        "grid": (inputs[:, :6].reshape(-1, 2, 3) @ draws.normal(size=(3, 3))).astype(np.float32),
    }
    for name, values in targets.items():
        np.savez(folder / f"{name}.npz", inputs=inputs, targets=values)
    np.savez(folder / "pixels.npz", inputs=images, targets=(images[:, 0] > 7).astype(np.int64))
    np.savez(folder / "images.npz", inputs=images, targets=load_digits().target[:200])
    return folder


IMAGES = ("data=npz", "data.path={arrays}/images.npz", "model=cnn", "model.channels=[4,8]")
PIXELS = ("data=npz", "data.path={arrays}/pixels.npz", *OWN_MODEL, "model._target_=engine_parts.Pixels")
CASES = {
    "one logit for two classes": ("data=breast_cancer",),
    "class weights": ("data=breast_cancer", "data.class_weights=balanced"),
    "weights of three classes": ("data.class_weights=[1,2.5,0.3]", "loss.reduction=sum"),
    "smoothing": ("loss.label_smoothing=0.1",),
    "a sum as loss": ("loss.reduction=sum", "optimizer.lr=1e-4"),
    "regression": ("data=diabetes", "data.batch_size=64"),
    "regression, huber": ("data=diabetes", "data.batch_size=64", "loss=huber", "metrics=[r2,mae]"),
    "unscaled targets": ("data=diabetes", "data.batch_size=64", "data.scale_targets=false", "loss=mae"),
    "labels": ("data=npz", "data.path={arrays}/labels.npz", "loss=bce", "data.scale_targets=false"),
    "several numbers": ("data=npz", "data.path={arrays}/numbers.npz"),
    "a grid of numbers": ("data=npz", "data.path={arrays}/grid.npz"),
    "rows that stay in the file": ("data=npz", "data.path={arrays}/numbers.npz", "data.mapped=true"),
    "a class for each pixel": PIXELS,
    "images": IMAGES,
    "augmentation": (
        *(*IMAGES, "data.augmentation.rotation=20", "data.augmentation.shift=0.1"),
        *("data.augmentation.scale=0.1", "data.augmentation.flip=0.5"),
    ),
    "inputs as targets": ("data.targets=inputs",),
    "one sample left over": ("data.batch_size=89",),
    "batches of one": ("data.batch_size=1", "model.batch_norm=false", "trainer.max_epochs=2", "data.fraction=0.3"),
    "no order": ("data.shuffle=false",),
    "another seed": ("seed=7",),
    "folds": ("data.folds=3", "trainer.max_epochs=3"),
    # training
    "clipping by norm": ("trainer.gradient_clip_val=0.1",),
    "clipping by value": ("trainer.gradient_clip_val=0.01", "trainer.gradient_clip_algorithm=value"),
    "l1": ("l1=1e-3",),
    "one cycle": ("scheduler=onecycle",),
    "cosine by step": ("scheduler=cosine", "scheduler.interval=step"),
    "no batch norm": ("model.batch_norm=false",),
    "two inputs dropped": ("model.input_dropout=0.2", "model.dropout=0.5"),
    "metrics": ("metrics=[f1,recall]",),
    "a metric of one's own": ("+metrics.own._target_=engine_parts.has_gradients", "+metrics.own._partial_=true"),
    "a logger's files": (
        *("metrics=f1", "+logger.table._target_=lightning.pytorch.loggers.CSVLogger"),
        "+logger.table._partial_=true",
    ),
    "a learning rate that is found": ("find_lr=true", "data=digits", "model.hidden_units=128", "trainer.max_epochs=2"),
    "optimizer not fused": ("optimizer.fused=false",),
    "foreach": ("optimizer.fused=null", "+optimizer.foreach=true"),
    "amsgrad": ("+optimizer.amsgrad=true",),
    "maximize": ("+optimizer.maximize=true", "trainer.max_epochs=3", "optimizer.lr=1e-4"),
    # objective and early stopping
    "accuracy": ("objective.metric=val/acc",),
    "training loss": ("objective.metric=train/loss",),
    "early stopping": ("callbacks=default", "callbacks.early_stopping.patience=2", "trainer.max_epochs=40"),
    "early stopping by a divergence": (
        *("callbacks=default", "+callbacks.early_stopping.divergence_threshold=0.5", "trainer.max_epochs=10"),
        *("optimizer.lr=1", "optimizer=sgd"),
    ),
    "early stopping at a goal": ("callbacks=default", "+callbacks.early_stopping.stopping_threshold=0.7"),
    "early stopping, small steps": ("callbacks=default", "+callbacks.early_stopping.min_delta=0.2"),
}


# Much like another case.
SLOW = (
    *("weights of three classes", "a sum as loss", "regression, huber", "unscaled targets", "several numbers"),
    *("images", "inputs as targets", "no order", "another seed", "cosine by step", "two inputs dropped", "foreach"),
    *("amsgrad", "maximize", "early stopping by a divergence", "early stopping, small steps"),
)


def quick(names: Iterable[str], slow: Collection[str]) -> list[object]:
    return [pytest.param(name, marks=pytest.mark.slow if name in slow else ()) for name in names]


@pytest.mark.parametrize("name", quick(CASES, SLOW))
def test_data_losses_and_training(tmp_path: Path, arrays: Path, name: str) -> None:
    left = check(tmp_path, *(text.format(arrays=arrays) for text in CASES[name]))
    assert left.error is None
    assert left.result["state"] == "COMPLETE"


def test_early_stopping_ends_both_runs_early(tmp_path: Path) -> None:
    left = check(tmp_path, *CASES["early stopping"], "optimizer.lr=3e-2")
    assert 3 < left.result["epochs"] < 40


def test_a_run_that_its_reporter_stops(tmp_path: Path) -> None:
    left = check(tmp_path, reporter=Listener(2))
    assert (left.result["state"], left.result["epochs"]) == ("PRUNED", 2)


def test_a_run_whose_objective_becomes_nan(tmp_path: Path) -> None:
    left = check(tmp_path, "optimizer=sgd", "optimizer.lr=1e30", "model.batch_norm=false")
    assert (left.result["state"], left.result["reason"]) == ("FAIL", "val/loss was nan at epoch 1")


def test_weights_of_another_run(tmp_path: Path) -> None:
    cfg = configured("trainer.max_epochs=2")
    anew = left_by(tmp_path / "first", cfg)
    left = check(tmp_path, f"weights={tmp_path}/first/checkpoints/best.ckpt", "trainer.max_epochs=2")
    assert left.metrics != anew.metrics


# what users write

MODELS = (
    *("TorchNoise", "OtherNoise", "Buffers", "Tied", "Frozen", "SometimesUnused", "Unfreezing", "ExtraState"),
    *("Groups", "Spectral", "Hooked", "Double", "Lazy", "FrozenNorm", "LooksAtGradient", "LightningNet"),
)
LEARNERS = ("Denoising", "LossAlone", "OwnTargets", "Tempered", "Predicting", "OwnMetrics")


@pytest.mark.parametrize("name", MODELS)
def test_a_users_model(tmp_path: Path, name: str) -> None:
    typed = (*OWN_MODEL, f"model._target_=engine_parts.{name}", "optimizer.weight_decay=1e-3")
    assert check(tmp_path, *typed).result["state"] == "COMPLETE"


@pytest.mark.parametrize("name", LEARNERS)
def test_a_users_learner(tmp_path: Path, name: str) -> None:
    left = check(tmp_path, f"learner._target_=engine_parts.{name}", "l1=1e-4")
    assert left.result["state"] == "COMPLETE"


@pytest.mark.parametrize(
    ("name", "asked"), [("LooksAtEpoch", "current_epoch"), ("Logs", "barebones")], ids=["the epoch", "a log"]
)
def test_a_learner_that_turns_out_to_need_its_trainer_ends_the_run(tmp_path: Path, name: str, asked: str) -> None:
    cfg = configured(f"learner._target_=engine_parts.{name}")
    assert left_by(tmp_path / "lightning", by_engine("lightning", cfg)).error is None
    rule = rf"trainer\.engine must be lightning: the learner uses its Trainer's {asked}"
    with pytest.raises(UserError, match=f"^{rule}$"):
        train(tmp_path / "lean", by_engine("lean", cfg))


OWN_LOSS = ("~loss.reduction", "~loss.label_smoothing", "loss._target_=engine_parts.EpochLoss")


@pytest.mark.parametrize(
    ("typed", "rule"),
    [
        ((*OWN_MODEL, "model._target_=engine_parts.EpochNet"), "the model uses its Trainer's current_epoch"),
        (OWN_LOSS, "the loss uses its Trainer's global_step"),
        (
            ("learner._target_=engine_parts.StepsItself", "scheduler=none"),
            "the learner sets automatic_optimization=False",
        ),
    ],
    ids=["model", "loss", "steps"],
)
def test_what_no_class_tells_ends_a_lean_run_before_its_first_epoch_is_over(
    tmp_path: Path, typed: tuple[str, ...], rule: str
) -> None:
    cfg = configured(*typed)
    assert left_by(tmp_path / "lightning", by_engine("lightning", cfg)).error is None
    with pytest.raises(UserError, match=rf"^trainer\.engine must be lightning: {rule}"):
        train(tmp_path / "lean", by_engine("lean", cfg))
    assert not (tmp_path / "lean" / RESULT_FILE).exists()


OTHER_OPTIMIZERS = (
    *("Adagrad", "NAdam", "SGD", "Adadelta", "Adamax", "RAdam", "ASGD", "Rprop", "AdamW", "Adafactor", "Adam"),
    "RMSprop",
)


@pytest.mark.parametrize("name", quick(OTHER_OPTIMIZERS, OTHER_OPTIMIZERS[3:]))
def test_an_optimizer_with_its_own_defaults(tmp_path: Path, name: str) -> None:
    typed = ("~optimizer.weight_decay", "~optimizer.fused", f"optimizer._target_=torch.optim.{name}")
    check(tmp_path, *typed, "model.hidden_units=16")


OTHER_SCHEDULES = {
    "exponential": ("ExponentialLR", "+scheduler.gamma=0.8"),
    "linear": ("LinearLR", "+scheduler.start_factor=0.2", "+scheduler.total_iters=3"),
    "steps": ("MultiStepLR", "+scheduler.milestones=[3,7]", "+scheduler.interval=step"),
    "polynomial": ("PolynomialLR", "+scheduler.total_iters=total_steps"),
    "warm restarts": ("CosineAnnealingWarmRestarts", "+scheduler.T_0=4", "+scheduler.interval=step"),
    "cycles": (
        *("CyclicLR", "+scheduler.base_lr=1e-4", "+scheduler.max_lr=1e-2", "+scheduler.step_size_up=3"),
        "+scheduler.interval=step",
    ),
    "one cycle of epochs": ("OneCycleLR", "+scheduler.max_lr=1e-2", "+scheduler.total_steps=total_steps"),
}


@pytest.mark.filterwarnings("ignore:A `OneCycleLR` scheduler is using 'interval'")
@pytest.mark.parametrize("name", OTHER_SCHEDULES)
@pytest.mark.parametrize("optimizer", quick(["adam", "sgd"], ["sgd"]))
def test_a_schedule_that_no_file_names(tmp_path: Path, name: str, optimizer: str) -> None:
    target, *arguments = OTHER_SCHEDULES[name]
    typed = (f"+scheduler._target_=torch.optim.lr_scheduler.{target}", "+scheduler._partial_=true", *arguments)
    left = check(tmp_path, "scheduler=none", *typed, f"optimizer={optimizer}", "warmup_epochs=1")
    assert len({line.rpartition(",")[2] for line in left.metrics[1:]}) > 1


def test_groups_of_a_model_under_one_cycle(tmp_path: Path) -> None:
    check(tmp_path, *OWN_MODEL, "model._target_=engine_parts.Groups", "scheduler=onecycle")


def test_a_plateau_of_the_training_loss(tmp_path: Path) -> None:
    check(tmp_path, "objective.metric=train/loss", "scheduler.patience=0", "trainer.max_epochs=12", "optimizer.lr=0.1")
