"""A run that was killed or interrupted goes on to the same numbers as an unbroken one."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import yaml
from conftest import QUICK, ROOT, Shell

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


def test_other_data_are_refused_and_leave_every_file_as_it_was(shell: Shell) -> None:
    rows = [f"{row},{row % 7},{row % 2}" for row in range(60)]
    table, run = shell.folder / "table.csv", shell.folder / "run"
    table.write_text("\n".join(["a,b,y", *rows]))
    typed = (*QUICK, "data=csv", "data.path=table.csv", "data.target=y")
    assert shell.train(*typed, "trainer.max_epochs=2", "hydra.run.dir=run").code == 0
    table.write_text("\n".join(["a,b,y", *reversed(rows)]))
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    resumed = shell.train(*typed, "trainer.max_epochs=3", "ckpt_path=run/checkpoints/best.ckpt")
    evaluated = shell.python(str(ROOT / "scripts" / "evaluate.py"), "run")
    for ended in (resumed, evaluated):
        assert ended.code == 1
        assert "Traceback" not in ended.text
        assert ended.err.splitlines()[-1].startswith("error: data must be those of run, whose digest is ")
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
