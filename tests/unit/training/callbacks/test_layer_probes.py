"""Probes in Lightning's Trainer: what its flags do to gradients, and learners that are not ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from engines import by_engine, configured, left_by, train
from omegaconf import OmegaConf
from torch import Tensor, nn

from tunesmith.run_folder import LAYERS_FILE, PROBES_FILE, read_table
from tunesmith.training.learner import Supervised


def grads(folder: Path, epoch: int) -> list[float]:
    return [float(row["grad_norm"]) for row in read_table(folder / LAYERS_FILE) if row["epoch"] == str(epoch)]


def trained(folder: Path, *typed: str) -> Path:
    train(folder, by_engine("lightning", configured("trainer.max_epochs=1", *typed)))
    return folder


def test_a_gradient_that_is_summed_over_batches_is_whole(tmp_path: Path) -> None:
    """Of a linear net without dropout the mean over two batches is that of the batch of both."""
    linear = ("model=linear", "data.shuffle=false")
    halves = trained(tmp_path / "halves", *linear, "data.batch_size=16", "trainer.accumulate_grad_batches=2")
    whole = trained(tmp_path / "whole", *linear, "data.batch_size=32")
    assert grads(halves, 0) == pytest.approx(grads(whole, 0), rel=1e-4)


@pytest.mark.parametrize("precision", ["64-true", "bf16-mixed"])
def test_any_precision_is_measured(precision: str, tmp_path: Path) -> None:
    plain = trained(tmp_path / "plain", "model.dropout=0")
    other = trained(tmp_path / "other", "model.dropout=0", f"trainer.precision={precision}")
    assert grads(other, 0) == pytest.approx(grads(plain, 0), rel=0.05)
    first, *_ = (float(row["train_loss"]) for row in read_table(other / PROBES_FILE))
    assert first == pytest.approx(float(read_table(plain / PROBES_FILE)[0]["train_loss"]), rel=0.01)


class OwnStep(Supervised):
    """A learner of the user's own: nobody knows what its step would change."""

    def step(self, batch: Any) -> tuple[Tensor, Tensor, Tensor | None]:
        return super().step(batch)


def test_a_learner_with_a_step_of_its_own_is_seen_from_its_forward(tmp_path: Path) -> None:
    """All but the loss is as of our step."""
    plain, own = trained(tmp_path / "plain"), trained(tmp_path / "own", f"learner._target_={__name__}.OwnStep")
    assert (own / LAYERS_FILE).read_text() == (plain / LAYERS_FILE).read_text()
    of_plain, of_own = (read_table(folder / PROBES_FILE) for folder in (plain, own))
    assert of_own == [{**row, "train_loss": ""} for row in of_plain]
    assert all(row["output_spread"] for row in of_own)


class Foreign(L.LightningModule):
    """Two nets of two optimizers, which it steps itself: the second one's only at every other batch."""

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.nets = nn.ModuleDict({"one": nn.Linear(4, 1), "two": nn.Linear(4, 1)})

    def training_step(self, batch: Any, batch_idx: int) -> None:
        for net, optimizer in zip(self.nets.values(), self.optimizers(), strict=True):  # type: ignore[arg-type]
            optimizer.zero_grad()
            self.manual_backward(net(batch[0]).square().mean())
            optimizer.step()

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.log("val/loss", self.nets["one"](batch[0]).square().mean())

    def configure_optimizers(self) -> Any:
        return [torch.optim.SGD(net.parameters(), 0.01) for net in self.nets.values()]


def test_a_learner_of_several_optimizers_has_norms_of_each_of_their_steps(tmp_path: Path) -> None:
    cfg = by_engine("lightning", configured("trainer.max_epochs=1"))
    cfg.learner = OmegaConf.create({"_target_": f"{__name__}.Foreign"})
    train(tmp_path, cfg)
    rows = read_table(tmp_path / LAYERS_FILE)
    assert [(row["epoch"], row["layer"]) for row in rows] == [
        ("0", "nets.one"),
        ("0", "nets.two"),
        ("1", "nets.one"),
        ("1", "nets.two"),
    ]
    assert all(float(row["grad_norm"]) > 0 for row in rows)
    assert all(float(row["update_ratio"]) > 0 for row in rows[2:])


class Restless(L.LightningModule):
    """A learner of the user's own, whose forward draws, counts, logs and moves a weight."""

    def __init__(self, data: Any) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3))
        self.calls = 0
        self.scale = nn.Parameter(torch.ones(1, 1), requires_grad=False)

    def forward(self, inputs: Tensor) -> Tensor:
        self.calls += 1
        self.scale += 1e-3
        self.log("calls", float(self.calls))
        outputs: Tensor = self.net(inputs + 0.1 * torch.randn_like(inputs)) * self.scale
        return outputs

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        return nn.functional.cross_entropy(self(batch[0]), batch[1])

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.log("val/loss", nn.functional.cross_entropy(self(batch[0]), batch[1]))

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.net.parameters(), 0.01)


def test_a_foreign_learner_has_the_same_numbers_with_and_without_probes(tmp_path: Path) -> None:
    left = {}
    for probes in (True, False):
        cfg = by_engine("lightning", configured("trainer.max_epochs=3", f"probes={probes}"))
        cfg.learner = OmegaConf.create({"_target_": f"{__name__}.Restless", "_partial_": True})
        left[probes] = left_by(tmp_path / str(probes), cfg)
    assert [each.error for each in left.values()] == [None, None]
    assert (left[True].metrics, left[True].best) == (left[False].metrics, left[False].best)
    rows = read_table(tmp_path / "True" / PROBES_FILE)
    assert [(row["epoch"], row["train_loss"], row["output_spread"] > "0") for row in rows] == [
        (str(epoch), "", True) for epoch in range(4)
    ]


def test_validations_inside_of_an_epoch_leave_a_row_for_the_epoch(tmp_path: Path) -> None:
    trained(tmp_path, "+trainer.val_check_interval=2", "trainer.max_epochs=2")
    assert [row["epoch"] for row in read_table(tmp_path / LAYERS_FILE)] == ["0"] * 3 + ["1"] * 3 + ["2"] * 3


def test_steps_that_end_inside_of_an_epoch_leave_what_was_measured(tmp_path: Path) -> None:
    trained(tmp_path, "+trainer.max_steps=5", "trainer.max_epochs=3")
    assert [row["epoch"] for row in read_table(tmp_path / LAYERS_FILE)] == ["0"] * 3 + ["1"] * 3
