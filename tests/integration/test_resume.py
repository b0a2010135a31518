"""A run that was killed or interrupted goes on to the same numbers as an unbroken one."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import yaml
from conftest import QUICK, Shell

# Draws needs the random states, patience=1 the state of the schedule, early stopping its own.
RUN = (
    *(part for part in QUICK if part != "callbacks=none"),
    *("optimizer.lr=0.05", "scheduler.patience=1", "trainer.max_epochs=9"),
    *("callbacks.early_stopping.patience=4", "+callbacks.draws._target_=faults.Draws"),
)


@pytest.fixture(scope="module")
def unbroken(module_shell: Shell) -> Path:
    ended = module_shell.train(*RUN, "hydra.run.dir=unbroken")
    assert ended.code == 0, ended.text
    return module_shell.folder / "unbroken"


def values(folder: Path) -> tuple[str, float, int]:
    result = yaml.safe_load((folder / "result.yaml").read_text())
    return (folder / "metrics.csv").read_text(), result["value"], result["epoch"]


@pytest.mark.parametrize(("name", "code"), [("SIGKILL", -signal.SIGKILL), ("SIGINT", 130), ("SIGTERM", 143)])
def test_a_stopped_run_goes_on_in_its_folder(unbroken: Path, module_shell: Shell, name: str, code: int) -> None:
    stop = f"+callbacks.stop={{_target_:faults.SignalAt,epoch:5,name:{name},marker:{name}}}"
    stopped = module_shell.train(*RUN, stop, f"hydra.run.dir=run_{name}")
    folder = module_shell.folder / f"run_{name}"
    assert stopped.code == code, stopped.text
    assert "Traceback" not in stopped.text
    if name != "SIGKILL":
        assert f"ckpt_path=run_{name}/checkpoints/last.ckpt" in stopped.out.splitlines()[-1]
    resumed = module_shell.train(*RUN, f"ckpt_path=run_{name}/checkpoints/last.ckpt")
    assert resumed.code == 0, resumed.text
    assert resumed.out.startswith("epoch 5/9")
    assert values(folder) == values(unbroken)
    assert [path.name for path in (folder / "checkpoints").iterdir()] == ["best.ckpt"]


def test_a_finished_run_goes_on_from_its_best_epoch(unbroken: Path, module_shell: Shell) -> None:
    assert module_shell.train(*RUN, "trainer.max_epochs=3", "hydra.run.dir=short").code == 0
    longer = module_shell.train(*RUN, "ckpt_path=short/checkpoints/best.ckpt")
    assert longer.code == 0, longer.text
    assert values(module_shell.folder / "short") == values(unbroken)
