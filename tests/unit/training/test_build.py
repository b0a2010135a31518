"""A config becomes what a training needs; what a user can mend comes out as one line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from omegaconf import DictConfig, OmegaConf
from tiny import composed, small
from torch import Tensor, nn

from tunesmith.data import DataModule
from tunesmith.errors import UserError
from tunesmith.reporting import NoReporter
from tunesmith.training.build import build, build_quiet_trainer
from tunesmith.training.learner import Supervised
from tunesmith.training.learner_and_data import build_learner


class Model(nn.Module):
    """A model of a user's own, which puts out `surplus` numbers too many and wants inputs of `size`."""

    def __init__(self, input_shape: tuple[int, ...], output_size: int, size: int | None = None, surplus: int = 0):
        super().__init__()
        output_size += surplus
        self.output = nn.LazyLinear(output_size) if size is None else nn.Linear(size, output_size)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.output(inputs.flatten(1))
        return outputs


def with_model(**arguments: Any) -> Any:
    cfg = small()
    cfg.model = OmegaConf.create({"_target_": f"{__name__}.Model", "_partial_": True, **arguments})
    return cfg


# the learner


def test_weights_follow_the_seed(tmp_path: Path) -> None:
    built = [build(small(f"seed={seed}"), tmp_path, NoReporter()).module.model for seed in (0, 0, 1)]
    first, same, other = (model.output.weight for model in built)
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(
    ("data", "outputs"),
    [("digits", 10), ("iris", 3), ("breast_cancer", 1), ("diabetes", 1)],
    ids=["ten classes", "three classes", "two classes: one logit", "numbers"],
)
def test_a_model_puts_out_what_the_data_needs(data: str, outputs: int) -> None:
    _, module = build_learner(small(f"data={data}"))
    assert module.model.output.out_features == outputs


def test_class_weights_and_label_smoothing_reach_the_loss() -> None:
    typed = ("data=iris", "data.class_weights=[1,2,3]", "loss.label_smoothing=0.1")
    _, module = build_learner(small(*typed))
    outputs, targets = torch.tensor([[1.0, 0.0, 2.0]] * 3), torch.tensor([0, 1, 2])
    expected = nn.CrossEntropyLoss(torch.tensor([1.0, 2.0, 3.0]), label_smoothing=0.1)
    torch.testing.assert_close(module.loss(outputs, targets), expected(outputs, targets))


def test_penalty_warm_up_and_unit_reach_the_module() -> None:
    data, module = build_learner(small("data=diabetes", "l1=0.01", "warmup_epochs=3"))
    assert (module.l1, module.warmup_epochs) == (0.01, 3)
    assert module.facts.target_scale == data.splits.target_scale != 1.0


def test_a_fold_validates_on_samples_of_its_own() -> None:
    cfg = small("data=iris", "data.folds=3")
    parts = [build_learner(cfg, fold)[0].splits for fold in range(3)]
    assert [len(part.val) for part in parts] == [40, 40, 40]
    assert not torch.equal(parts[0].val.inputs, parts[1].val.inputs)
    torch.testing.assert_close(parts[0].test.targets, parts[1].test.targets)


def test_lazy_layers_have_their_shape_before_the_optimizer_asks() -> None:
    _, module = build_learner(with_model())
    assert module.model.output.weight.shape == (10, 64)
    assert module.training


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            {"surplus": 1},
            "model must put out 10 numbers a sample, (batch, 10); got (2, 11) for 2 samples",
            id="too many outputs",
        ),
        pytest.param(
            {"size": 63},
            "model must take samples of shape (1, 8, 8); it does not: mat1 and mat2 shapes cannot be multiplied "
            "(2x64 and 63x10)",
            id="other inputs",
        ),
    ],
)
def test_a_model_that_does_not_fit_the_data_is_refused(arguments: dict[str, int], message: str) -> None:
    place = r"( \(.*test_build\.py, line \d+\))?"  # of the model's own line that raised
    with pytest.raises(UserError, match=f"^{re.escape(message)}{place}$"):
        build_learner(with_model(**arguments))


def test_pixels_need_a_class_each(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    images = random.normal(size=(40, 1, 4, 4)).astype(np.float32)
    np.savez(tmp_path / "masks.npz", inputs=images, targets=(images[:, 0] > 0).astype(np.int64))
    data = ("data=npz", f"data.path={tmp_path}/masks.npz")
    _, module = build_learner(composed(*data, "model=pixels", "trainer.accelerator=cpu"))
    assert module(torch.zeros(3, 1, 4, 4)).shape == (3, 2, 4, 4)
    message = "model must put out 32 numbers a sample, (batch, 2, 4, 4); got (2, 2) for 2 samples"
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        build_learner(small(*data))


def test_token_ids_are_no_targets_of_their_own(tmp_path: Path) -> None:
    np.savez(tmp_path / "tokens.npz", inputs=np.arange(80).reshape(20, 4))
    typed = ("data=npz", f"data.path={tmp_path}/tokens.npz", "data.tokens=true", "data.targets=inputs")
    cfg = small(*typed)
    cfg.model = OmegaConf.create({"_target_": f"{__name__}.Embedded", "_partial_": True})
    with pytest.raises(
        UserError, match=r"^data\.targets=inputs needs inputs that are numbers, or a learner with a step"
    ):
        build_learner(cfg)


class Embedded(nn.Module):
    """Puts out a number for each token."""

    def __init__(self, input_shape: tuple[int, ...], output_size: int) -> None:
        super().__init__()
        self.table = nn.Embedding(80, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.table(inputs).flatten(1)
        return outputs


# doors


def foreign(learner: dict[str, Any], *typed: str) -> DictConfig:
    cfg = small(*typed)
    cfg.learner = OmegaConf.create(learner)
    return cfg


BORING = "lightning.pytorch.demos.boring_classes.Boring"


def test_a_learner_and_its_data_may_be_any_lightning_modules() -> None:
    cfg = foreign({"_target_": f"{BORING}Model"})
    cfg.data = OmegaConf.create({"_target_": f"{BORING}DataModule"})
    data, module = build_learner(cfg)
    assert [type(data).__name__, type(module).__name__] == ["BoringDataModule", "BoringModel"]
    cfg.data = OmegaConf.create()
    assert build_learner(cfg)[0] is None


class Asks(L.LightningModule):
    """A learner that asks the data for its shapes, and takes plain lists."""

    def __init__(self, data: DataModule, sizes: list[int], optimizer: Any) -> None:
        super().__init__()
        self.shape, self.sizes, self.optimizer = data.input_shape, sizes, optimizer


def test_a_partial_learner_is_given_the_data() -> None:
    target = {"_target_": f"{__name__}.Asks", "_partial_": True, "sizes": [1, 2], "optimizer": "${optimizer}"}
    _, module = build_learner(foreign(target, "optimizer.lr=0.5"))
    assert (module.shape, module.sizes, type(module.sizes)) == ((1, 8, 8), [1, 2], list)
    assert module.optimizer.keywords["lr"] == 0.5


@pytest.mark.parametrize(
    ("key", "target", "message"),
    [
        ("learner", "builtins.dict", "learner._target_ must be a LightningModule; got dict"),
        ("data", "builtins.dict", "data._target_ must be a LightningDataModule; got dict"),
        ("learner", "nothing.There", "learner._target_ must be the path of something importable"),
    ],
)
def test_what_is_no_lightning_module_is_refused(key: str, target: str, message: str) -> None:
    cfg = small()
    cfg[key] = OmegaConf.create({"_target_": target})
    with pytest.raises(UserError, match=f"^{re.escape(message)}"):
        build_learner(cfg)


class TakesTime(Model):
    """A model that its learner calls with more than the data's inputs."""

    def forward(self, inputs: Tensor, time: Tensor) -> Tensor:
        return super().forward(inputs * time)


class Denoises(Supervised):
    """A step of its own."""

    def step(self, batch: Any) -> tuple[Tensor, Tensor, Tensor]:
        outputs = self.model(batch[0], torch.rand(()))
        return self.loss(outputs, batch[1]), outputs, batch[1]


def test_a_step_of_its_own_may_call_the_model_with_more_than_inputs() -> None:
    cfg = with_model(size=64)
    cfg.model._target_, cfg.learner._target_ = f"{__name__}.TakesTime", f"{__name__}.Denoises"
    data, module = build_learner(cfg)
    assert module.training
    _, outputs, _ = module.step((data.splits.train.inputs[:2], data.splits.train.targets[:2]))
    assert outputs.shape == (2, 10)
    cfg.learner._target_ = "tunesmith.training.learner.Supervised"
    with pytest.raises(UserError, match="missing 1 required positional argument: 'time'"):
        build_learner(cfg)


def test_building_leaves_interpolations_in_the_config() -> None:
    cfg = small("scheduler=onecycle")
    build_learner(cfg)
    assert OmegaConf.is_interpolation(cfg.scheduler, "max_lr")


# trainer and logger


def test_the_trainer_is_the_configs(tmp_path: Path) -> None:
    trainer = build(small("trainer.max_epochs=7", "trainer.gradient_clip_val=1.0"), tmp_path, NoReporter()).trainer
    assert (trainer.max_epochs, trainer.gradient_clip_val, trainer.default_root_dir) == (7, 1.0, str(tmp_path))


def test_a_quiet_trainer_has_the_flags_that_it_is_given(tmp_path: Path) -> None:
    trainer = build_quiet_trainer(small("trainer.max_epochs=7"), tmp_path, max_epochs=3)
    assert (trainer.max_epochs, trainer.logger, trainer.checkpoint_callback) == (3, None, None)


def test_the_trainer_has_the_configs_loggers(tmp_path: Path) -> None:
    loggers = build(small("logger=tensorboard"), tmp_path, NoReporter()).trainer.loggers
    assert [type(logger) for logger in loggers] == [TensorBoardLogger]
    assert build(small(), tmp_path, NoReporter()).trainer.loggers == []


def test_a_number_of_zeros_and_ones_is_not_scaled_for_a_loss_of_labels(tmp_path: Path) -> None:
    inputs = np.random.default_rng(0).normal(size=(60, 3))
    np.savez(tmp_path / "one.npz", inputs=inputs, targets=(inputs[:, 0] > 0).astype(np.float32))
    typed = ("data=npz", f"data.path={tmp_path / 'one.npz'}", "loss=bce")
    with pytest.raises(UserError, match=r"^loss must fit the targets: .*\(data\.scale_targets=false leaves "):
        build_learner(small(*typed))
    build_learner(small(*typed, "data.scale_targets=false"))


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        (["data=iris", "data.batch_size=1"], r"data\.batch_size must be at least 2 samples with batch norm, .*; got 1"),
        (
            ["data=quadratic", "data.samples=3"],
            r"the training part must have at least 2 samples with batch norm, .*; got 1",
        ),
    ],
    ids=["batches of one", "one sample"],
)
def test_batch_norm_and_a_single_sample_are_refused(typed: list[str], line: str) -> None:
    with pytest.raises(UserError, match=f"^{line}"):
        build_learner(small(*typed))


@pytest.mark.parametrize(
    "typed",
    [
        ["data=iris", "data.batch_size=1", "model.batch_norm=false"],
        ["data=iris", "data.batch_size=89"],
        ["data=digits", "data.batch_size=1", "model=cnn"],
    ],
    ids=["no batch norm", "one sample left over", "an image has many numbers"],
)
def test_what_can_be_trained_is_not(typed: list[str]) -> None:
    cfg = composed(*typed) if "model=cnn" in typed else small(*typed)
    assert isinstance(build_learner(cfg)[1], Supervised)
