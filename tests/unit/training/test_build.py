"""A config becomes what a training needs; what a user can mend comes out as one line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra.errors import InstantiationException
from lightning.pytorch.loggers import TensorBoardLogger
from omegaconf import OmegaConf
from tiny import small
from torch import Tensor, nn

from tunesmith.errors import UserError
from tunesmith.reporting import NoReporter
from tunesmith.training.build import build, build_learner, build_node, build_quiet_trainer


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
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        build_learner(with_model(**arguments))


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


# mistakes


@pytest.mark.parametrize(
    ("key", "node", "message"),
    [
        pytest.param(
            "data",
            {
                "_target_": "tunesmith.data.splits.load_splits",
                "source": {"_target_": "builtins.object"},
                "config": None,
            },
            "data.source must have a method load; got object",
            id="one of our own",
        ),
        pytest.param(
            "trainer",
            {"_target_": "lightning.Trainer", "accelerator": "cpu", "max_epoch": 3},
            "trainer: Trainer.__init__() got an unexpected keyword argument 'max_epoch'",
            id="a flag that is not there",
        ),
        pytest.param(
            "callbacks.stop",
            {"_target_": "lightning.pytorch.callbacks.EarlyStopping", "monitor": "val/loss", "mode": "up"},
            "callbacks.stop: `mode` can be min, max, got up",
            id="what Lightning refuses",
        ),
        pytest.param(
            "model",
            {"_target_": "tunesmith.models.Nothing"},
            "model._target_ must be the path of something importable; got Error loading 'tunesmith.models.Nothing'",
            id="a target that is not there",
        ),
    ],
)
def test_a_mistake_in_a_node_names_the_node(key: str, node: dict[str, Any], message: str) -> None:
    cfg = OmegaConf.create()
    OmegaConf.update(cfg, key, node)
    with pytest.raises(UserError, match=f"^{re.escape(message)}"):
        build_node(cfg, key)


def test_a_bug_in_what_is_built_is_none_of_a_users_mistakes() -> None:
    cfg = OmegaConf.create({"loss": {"_target_": "fractions.Fraction", "_args_": [1, 0]}})
    with pytest.raises(InstantiationException, match=r"ZeroDivisionError\('Fraction\(1, 0\)'\)"):
        build_node(cfg, "loss")
