"""What only a GPU shows: pytest -m gpu, on a machine that has one."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from conftest import QUICK, Shell
from tiny import composed
from torch import Tensor

from tunesmith.reporting import NoReporter
from tunesmith.training.learner import Supervised
from tunesmith.training.run import train_in

pytestmark = pytest.mark.gpu
GPU = (*QUICK, "trainer=gpu", "trainer.max_epochs=4", "trainer.save_interval=0")
ENGINES = ("lightning", "lean")


@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_trains_on_the_gpu_and_its_weights_go_on_on_a_cpu(shell: Shell, engine: str) -> None:
    ended = shell.train(*GPU, f"trainer.engine={engine}", "hydra.run.dir=r")
    assert (ended.code, ended.err) == (0, "")
    assert yaml.safe_load((shell.folder / "r" / "result.yaml").read_text())["engine"] == engine
    on_a_cpu = (*QUICK, "trainer=cpu", "trainer.max_epochs=1", "weights=r/checkpoints/best.ckpt")
    ended = shell.train(*on_a_cpu, "hydra.run.dir=cpu", CUDA_VISIBLE_DEVICES="")
    assert (ended.code, ended.err) == (0, "")


def test_the_lean_engine_gives_the_trainers_numbers(shell: Shell) -> None:
    for engine in ENGINES:
        run = ("model.dropout=0.3", "data.batch_size=64", f"trainer.engine={engine}", f"hydra.run.dir={engine}")
        assert shell.train(*GPU, *run).code == 0
    lightning, lean = (rows(shell.folder / engine) for engine in ENGINES)
    assert lean == [pytest.approx(row, rel=1e-6) for row in lightning]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_stopped_run_goes_on_to_the_same_numbers(shell: Shell, engine: str) -> None:
    """In the engine that was stopped, Lightning's, and in the other one."""
    stop = "+callbacks.stop={_target_:faults.SignalAt,epoch:3,name:SIGKILL,marker:sent}"
    assert shell.train(*GPU, "hydra.run.dir=unbroken").code == 0
    shell.train(*GPU, stop, "hydra.run.dir=r")
    assert shell.train(*GPU, f"trainer.engine={engine}", "ckpt_path=r/checkpoints/last.ckpt").code == 0
    unbroken, resumed = ([row["val/loss"] for row in rows(shell.folder / name)] for name in ("unbroken", "r"))
    assert resumed == pytest.approx(unbroken, rel=1e-4)


def test_a_sweep_runs_on_the_gpu(shell: Shell) -> None:
    ended = shell.train("-m", *GPU, "study_name=s", "hydra.sweeper.n_trials=6")
    assert (ended.code, ended.err) == (0, "")
    results = yaml.safe_load((shell.study("s") / "optimization_results.yaml").read_text())
    assert sum(results["trials"].values()) == 6


class NeverWaits(Supervised):
    """Makes torch raise an error if the host waits for the GPU between an epoch's second step and its validation."""

    def step(self, batch: Any) -> tuple[Tensor, Tensor, Tensor | None]:
        is_first = not self.epoch_metrics["train" if self.training else "val"].losses
        torch.cuda.set_sync_debug_mode("error" if self.training and not is_first else "default")
        return super().step(batch)


class Waits(NeverWaits):
    """Looks at each loss, which takes it off the GPU."""

    def step(self, batch: Any) -> tuple[Tensor, Tensor, Tensor | None]:
        loss, outputs, targets = super().step(batch)
        loss.item()
        return loss, outputs, targets


@pytest.fixture
def no_debug_mode_left() -> Iterator[None]:
    yield
    torch.cuda.set_sync_debug_mode("default")


CLIPPED = ("trainer.gradient_clip_val=1", "l1=1e-4")
OTHERS = ("optimizer=sgd", "scheduler=cosine", "warmup_epochs=1")


@pytest.mark.usefixtures("no_debug_mode_left")
@pytest.mark.parametrize("overrides", [(), CLIPPED, OTHERS], ids=["adam", "clipped", "sgd"])
def test_a_step_of_the_lean_engine_does_not_wait_for_the_gpu(tmp_path: Path, overrides: tuple[str, ...]) -> None:
    train_lean(NeverWaits, tmp_path, *overrides)
    assert len(rows(tmp_path)) == 4


@pytest.mark.usefixtures("no_debug_mode_left")
def test_a_step_that_waits_is_found(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="called a synchronizing CUDA operation"):
        train_lean(Waits, tmp_path)


def train_lean(learner: type[Supervised], folder: Path, *overrides: str) -> None:
    """Train four epochs of several batches in this process."""
    target = f"learner._target_={learner.__module__}.{learner.__qualname__}"
    cfg = composed(*GPU, "data.batch_size=64", "trainer.engine=lean", target, *overrides)
    train_in(cfg, folder, NoReporter())


def rows(folder: Path) -> list[dict[str, float]]:
    table = csv.DictReader((folder / "metrics.csv").read_text().splitlines())
    return [{name: float(value) for name, value in row.items() if value} for row in table]
