"""Runs that do not save each epoch, killed and interrupted: what is lost, and what they go on to."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from conftest import QUICK, ROOT, TRAIN, Shell
from plain_app import wait_until

from tunesmith.run_folder import read_metrics, read_yaml

# Long enough to be met by a signal; an epoch takes some 10 ms.
RUN = (
    *(part for part in QUICK if not part.startswith("trainer.save_interval")),
    *("model.dropout=0.2", "scheduler.patience=1", "trainer.max_epochs=120", "trainer.accelerator=cpu"),
)


@pytest.fixture(scope="module")
def unbroken(module_shell: Shell) -> Path:
    ended = module_shell.train(*RUN, "trainer.engine=lightning", "hydra.run.dir=unbroken")
    assert ended.code == 0, ended.text
    return module_shell.folder / "unbroken"


def stopped(shell: Shell, signum: signal.Signals, when: Callable[[Path], bool], *typed: str) -> Path:
    """Begin a run, send it a signal as soon as its folder is as expected, and return the folder."""
    folder = shell.folder / signum.name
    process = shell.start(TRAIN, *RUN, *typed, f"hydra.run.dir={folder.name}")
    wait_until(lambda: when(folder), 60)
    process.send_signal(signum)
    _, errors = process.communicate(timeout=60)
    assert process.returncode in (-signum, 128 + signum), errors
    assert "Traceback" not in errors
    return folder


def resumed(shell: Shell, folder: Path, engine: str) -> Path:
    ended = shell.train(*RUN, f"trainer.engine={engine}", f"ckpt_path={folder.name}/checkpoints/last.ckpt")
    assert ended.code == 0, ended.text
    return folder


def outcome(folder: Path) -> tuple[str, float, int, list[str]]:
    result = read_yaml(folder / "result.yaml")
    files = [path.name for path in (folder / "checkpoints").iterdir()]
    return (folder / "metrics.csv").read_text(), result["value"], result["epoch"], files


def epoch_of(checkpoint: Path) -> int:
    epoch = torch.load(checkpoint, weights_only=True)["epoch"]
    assert isinstance(epoch, int)
    return epoch


def has_rows(num_rows: int) -> Callable[[Path], bool]:
    return lambda folder: folder.is_dir() and len(read_metrics(folder)) >= num_rows


def test_a_killed_run_goes_on_from_its_last_save(unbroken: Path, module_shell: Shell) -> None:
    def has_saved(folder: Path) -> bool:
        return (folder / "checkpoints" / "last.ckpt").exists()

    folder = stopped(module_shell, signal.SIGKILL, has_saved, "trainer.engine=lean", "trainer.save_interval=0.1")
    assert epoch_of(folder / "checkpoints" / "last.ckpt") >= 1
    assert outcome(resumed(module_shell, folder, "lightning")) == outcome(unbroken)


@pytest.mark.parametrize(
    ("signum", "engine", "other"),
    [(signal.SIGINT, "lean", "lightning"), (signal.SIGTERM, "lightning", "lean")],
    ids=["Ctrl-C", "SIGTERM"],
)
def test_a_run_that_is_told_to_end_loses_no_epoch_and_is_evaluated(
    unbroken: Path, module_shell: Shell, signum: signal.Signals, engine: str, other: str
) -> None:
    folder = stopped(module_shell, signum, has_rows(3), f"trainer.engine={engine}")
    epochs, checkpoints = len(read_metrics(folder)), folder / "checkpoints"
    assert epoch_of(checkpoints / "last.ckpt") in (epochs, epochs - 1)  # a signal may come between row and copy
    losses = [float(row["val/loss"]) for row in read_metrics(folder)][: epoch_of(checkpoints / "last.ckpt")]
    assert epoch_of(checkpoints / "best.ckpt") == 1 + losses.index(min(losses))
    evaluated = module_shell.python(str(ROOT / "scripts" / "evaluate.py"), folder.name)
    assert evaluated.code == 0, evaluated.text
    assert outcome(resumed(module_shell, folder, other)) == outcome(unbroken)
