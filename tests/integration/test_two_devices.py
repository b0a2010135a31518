"""One run on two devices, by the real command line: two processes on a CPU, neither of which outlives the command."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from conftest import QUICK, Ended, Shell
from plain_app import processes, wait_until

# 0.9 makes the loss rise early, so that the schedule and early stopping act; dropout needs the random numbers.
RUN = (
    *(part for part in QUICK if part != "callbacks=none"),
    *("trainer.accelerator=cpu", "trainer.devices=2", "trainer.max_epochs=30", "optimizer.lr=0.9", "model.dropout=0.5"),
    *("scheduler.patience=1", "callbacks.early_stopping.patience=4", "data.batch_size=128"),
)


@pytest.fixture(autouse=True)
def _nothing_left(module_shell: Shell) -> Iterator[None]:
    yield
    wait_until(lambda: not processes(module_shell), 60)


def noted(folder: Path) -> list[dict[str, Any]]:
    return [json.loads((folder / rank).read_text()) for rank in sorted(os.listdir(folder))]


@pytest.fixture(scope="module")
def unbroken(module_shell: Shell) -> tuple[Path, Ended]:
    note = "+callbacks.note={_target_:faults.NoteRank,folder:ranks}"
    ended = module_shell.train(*RUN, note, "hydra.run.dir=unbroken")
    assert (ended.code, ended.err) == (0, "")
    return module_shell.folder / "unbroken", ended


def test_early_stopping_ends_all_ranks_after_the_same_epoch(unbroken: tuple[Path, Ended]) -> None:
    folder, _ = unbroken
    result = yaml.safe_load((folder / "result.yaml").read_text())
    assert result["epochs"] == result["epoch"] + 4 < 30
    assert [rank["epochs"] for rank in noted(folder.parent / "ranks")] == [result["epochs"]] * 2


def test_ranks_agree_on_metrics_and_weights_but_draw_numbers_of_their_own(unbroken: tuple[Path, Ended]) -> None:
    first, second = noted(unbroken[0].parent / "ranks")
    assert first["metrics"] == second["metrics"]
    assert first["weights"] == second["weights"]
    assert not set(first["draws"]) & set(second["draws"])


def test_a_rank_without_samples_to_validate_on_takes_part_in_the_metrics(shell: Shell) -> None:
    inputs = np.arange(12, dtype=np.float32)[:, None]
    np.savez(shell.folder / "few.npz", inputs=inputs, targets=inputs[:, 0])
    data = ("data=npz", "data.path=few.npz", "data.val_fraction=0.05", "metrics=mae")
    few = ("trainer.accelerator=cpu", "trainer.devices=2", "trainer.max_epochs=1", "logger=tensorboard")
    ended = shell.train(*data, *few, "hydra.run.dir=few")
    assert ended.code == 0, ended.text
    assert "val/mae" in (shell.folder / "few" / "metrics.csv").read_text()


def test_one_rank_writes_and_speaks(unbroken: tuple[Path, Ended]) -> None:
    folder, ended = unbroken
    epochs = yaml.safe_load((folder / "result.yaml").read_text())["epochs"]
    rows = (folder / "metrics.csv").read_text().splitlines()
    assert [row.partition(",")[0] for row in rows] == ["epoch", *map(str, range(1, epochs + 1))]
    assert (folder / "train.log").read_text().count("epoch ") == ended.out.count("/30  train/loss") == epochs
    assert ended.out.count("device       2 x cpu\n") == ended.out.count("best epoch") == 1
    files = ["data_facts.json", "layers.csv", "metrics.csv", "preparation.json", "probes.csv", "result.yaml"]
    files = [".hydra", "checkpoints", *files, "train.log"]
    assert sorted(os.listdir(folder)) == files
    assert sorted(os.listdir(folder.parent)) == ["ranks", "unbroken"]


def test_a_stopped_run_goes_on_to_the_same_numbers(unbroken: tuple[Path, Ended], module_shell: Shell) -> None:
    stop = "+callbacks.stop={_target_:faults.SignalAt,epoch:4,name:SIGINT,marker:sent}"
    note = "+callbacks.note={_target_:faults.NoteRank,folder:again}"  # it draws as well
    stopped = module_shell.train(*RUN, note, stop, "hydra.run.dir=r")
    assert (stopped.code, stopped.err) == (130, "")
    resumed = module_shell.train(*RUN, note, "ckpt_path=r/checkpoints/last.ckpt")
    assert (resumed.code, resumed.err) == (0, "")
    assert next(line for line in resumed.out.splitlines() if line.startswith("epoch ")).startswith("epoch 4/30")
    folders = [unbroken[0], module_shell.folder / "r"]
    assert len({(folder / "metrics.csv").read_text() for folder in folders}) == 1
    assert noted(module_shell.folder / "again")[1]["weights"] == noted(module_shell.folder / "ranks")[0]["weights"]


def test_a_metric_of_a_part_of_which_one_rank_has_no_sample(module_shell: Shell) -> None:
    data = ("data=line", "model=linear", "data.samples=9", "data.val_fraction=0.1", "metrics=mae")
    devices = ("trainer.accelerator=cpu", "trainer.devices=2", "trainer.max_epochs=1")
    ended = module_shell.train(*data, *devices, "callbacks=none", "logger=none", "hydra.run.dir=one_sample")
    assert ended.code == 0, ended.err
    header, row = (module_shell.folder / "one_sample" / "metrics.csv").read_text().splitlines()
    values = dict(zip(header.split(","), map(float, row.split(",")), strict=True))
    assert values["val/mae"] == pytest.approx(values["val/rmse"], rel=1e-4)  # one sample
