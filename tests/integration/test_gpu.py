"""What only a GPU shows: pytest -m gpu, on a machine that has one."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch
import yaml
from conftest import QUICK, Shell

pytestmark = pytest.mark.gpu
GPU = (*QUICK, "trainer=gpu", "trainer.max_epochs=4")


def test_a_run_trains_on_the_gpu_and_its_checkpoint_loads_on_a_cpu(shell: Shell) -> None:
    ended = shell.train(*GPU, "hydra.run.dir=r")
    assert (ended.code, ended.err) == (0, "")
    checkpoint = torch.load(shell.folder / "r" / "checkpoints" / "best.ckpt", weights_only=True, map_location="cpu")
    assert len(checkpoint["callbacks"]["Checkpoints"]["cuda"]) == torch.cuda.device_count()


def test_a_stopped_run_goes_on_to_the_same_numbers(shell: Shell) -> None:
    stop = "+callbacks.stop={_target_:faults.SignalAt,epoch:3,name:SIGKILL,marker:sent}"
    assert shell.train(*GPU, "hydra.run.dir=unbroken").code == 0
    shell.train(*GPU, stop, "hydra.run.dir=r")
    assert shell.train(*GPU, "ckpt_path=r/checkpoints/last.ckpt").code == 0
    values = [metrics(shell.folder / name) for name in ("unbroken", "r")]
    assert values[1] == pytest.approx(values[0], rel=1e-4)


def test_a_sweep_runs_on_the_gpu(shell: Shell) -> None:
    ended = shell.train("-m", *GPU, "study_name=s", "hydra.sweeper.n_trials=6")
    assert (ended.code, ended.err) == (0, "")
    results = yaml.safe_load((shell.study("s") / "optimization_results.yaml").read_text())
    assert sum(results["trials"].values()) == 6


def metrics(folder: Path) -> list[float]:
    rows = csv.DictReader((folder / "metrics.csv").read_text().splitlines())
    return [float(row["val/loss"]) for row in rows]
