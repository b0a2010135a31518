"""A run that was killed or interrupted goes on to the same numbers as an unbroken one."""

from __future__ import annotations

import shlex
import signal
from pathlib import Path

import pytest
import yaml
from conftest import QUICK, ROOT, Shell

# Draws needs each epoch's seeds, patience=1 the state of the schedule, early stopping its own.
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
    assert next(line for line in resumed.out.splitlines() if line.startswith("epoch ")).startswith("epoch 5/9")
    assert "goes on      after epoch 4\n" in resumed.out
    assert values(folder) == values(unbroken)
    assert [path.name for path in (folder / "checkpoints").iterdir()] == ["best.ckpt"]


def test_a_finished_run_goes_on_from_its_best_epoch(unbroken: Path, module_shell: Shell) -> None:
    assert module_shell.train(*RUN, "trainer.max_epochs=3", "hydra.run.dir=short").code == 0
    longer = module_shell.train(*RUN, "ckpt_path=short/checkpoints/best.ckpt")
    assert longer.code == 0, longer.text
    assert values(module_shell.folder / "short") == values(unbroken)


def files(folder: Path) -> dict[Path, tuple[bytes, int]]:
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


def test_a_resume_that_fails_leaves_every_file_as_it_was(module_shell: Shell) -> None:
    run = (*RUN, "trainer.max_epochs=2", "logger=tensorboard")
    assert module_shell.train(*run, "hydra.run.dir=failing").code == 0
    folder = module_shell.folder / "failing"
    before = files(folder)
    typed = (*RUN, "trainer.max_epochs=3", "logger=tensorboard", "ckpt_path=failing/checkpoints/best.ckpt")
    refused = module_shell.train(*typed, "model.hidden_units=64")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith(
        "error: ckpt_path must go on with the config that the run began with; got model.hidden_u"
    )
    assert files(folder) == before
    failed = module_shell.train(*typed, "+callbacks.bug._target_=faults.RaiseAt")
    assert failed.err.endswith("ZeroDivisionError: a bug in a callback\n")
    assert files(folder) == before


def test_a_run_in_a_folder_of_any_name_says_a_command_to_paste(module_shell: Shell) -> None:
    folder = module_shell.folder / "a=b, c"
    stop = "+callbacks.stop={_target_:faults.SignalAt,epoch:2,name:SIGINT,marker:pasted}"
    stopped = module_shell.train(*RUN, "trainer.max_epochs=3", stop, "hydra.run.dir='a=b, c'")
    command = stopped.out.splitlines()[-1].removeprefix("interrupted; resume it with: ")
    python, script, *typed = shlex.split(command)
    assert python == "python"
    resumed = module_shell.python(script, *typed, "note=again")
    assert resumed.code == 0, resumed.text
    assert yaml.safe_load((folder / ".hydra" / "config.yaml").read_text())["note"] == "again"
    assert "note=again" in yaml.safe_load((folder / ".hydra" / "overrides.yaml").read_text())
    assert yaml.safe_load((folder / ".hydra" / "hydra.yaml").read_text())["hydra"]["output_subdir"] == ".hydra"


def test_other_data_are_refused_and_leave_every_file_as_it_was(shell: Shell) -> None:
    rows = [f"{row},{row % 7},{row % 2}" for row in range(60)]
    table, run = shell.folder / "table.csv", shell.folder / "run"
    table.write_text("\n".join(["a,b,y", *rows]))
    typed = (*QUICK, "data=csv", "data.path=table.csv", "data.target=y")
    assert shell.train(*typed, "trainer.max_epochs=2", "hydra.run.dir=run").code == 0
    table.write_text("\n".join(["a,b,y", *reversed(rows)]))
    before = files(run)
    resumed = shell.train(*typed, "trainer.max_epochs=3", "ckpt_path=run/checkpoints/best.ckpt")
    evaluated = shell.python(str(ROOT / "scripts" / "evaluate.py"), "run")
    for ended in (resumed, evaluated):
        assert ended.code == 1
        assert "Traceback" not in ended.text
        assert ended.err.splitlines()[-1].startswith("error: data must be those of run, whose digest is ")
    assert files(run) == before
