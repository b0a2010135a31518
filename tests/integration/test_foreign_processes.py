"""Processes of runs that are not ours: workers of DataLoaders that a killed run leaves, and several devices."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from conftest import Shell
from foreign.cases import LEARNERS, case
from plain_app import processes, wait_until

from tunesmith.run_folder import METRICS_FILE

EPOCHS = 4
SMALL = ("callbacks=none", "logger=none", f"trainer.max_epochs={EPOCHS}", "trainer.save_interval=0")
WITH_WORKERS = (*case("tested", "points", "data.num_workers=2").typed, *SMALL)


def metrics(folder: Path) -> str:
    return (folder / METRICS_FILE).read_text()


def stop(name: str) -> str:
    """Send a signal in the middle of the third epoch, once."""
    return f"+callbacks.stop={{_target_:faults.SignalAt,epoch:3,name:{name},marker:{name}}}"


@pytest.fixture(scope="module")
def unbroken(module_shell: Shell) -> str:
    ended = module_shell.train(*WITH_WORKERS, "hydra.run.dir=unbroken")
    assert (ended.code, ended.err) == (0, ""), ended.text
    return metrics(module_shell.folder / "unbroken")


@pytest.mark.parametrize(
    ("name", "code"), [("SIGKILL", -signal.SIGKILL), pytest.param("SIGINT", 130, marks=pytest.mark.slow)]
)
def test_a_stopped_run_leaves_no_workers_and_goes_on_to_the_same_numbers(
    unbroken: str, module_shell: Shell, name: str, code: int
) -> None:
    stopped = module_shell.train(*WITH_WORKERS, stop(name), f"hydra.run.dir={name}_run")
    assert stopped.code == code, stopped.text
    wait_until(lambda: not processes(module_shell), 30)  # torch's workers look for their parent every five seconds
    resumed = module_shell.train(*WITH_WORKERS, f"ckpt_path={name}_run/checkpoints/last.ckpt")
    assert (resumed.code, resumed.err) == (0, ""), resumed.text
    epochs = [line for line in resumed.out.splitlines() if line.startswith("epoch ")]
    assert epochs[0].startswith(f"epoch 3/{EPOCHS}")
    assert metrics(module_shell.folder / f"{name}_run") == unbroken


@pytest.mark.slow
@pytest.mark.parametrize("name", ["template", "logs by step"])
def test_on_two_devices_a_stopped_run_goes_on_to_the_same_numbers(name: str, shell: Shell) -> None:
    run = (*LEARNERS[name].typed, *SMALL, "trainer.devices=2", "callbacks=default")
    unbroken = shell.train(*run, "hydra.run.dir=a")
    assert unbroken.code == 0, unbroken.text
    assert name != "template" or unbroken.err == ""
    assert shell.train(*run, stop("SIGINT"), "hydra.run.dir=b").code == 130
    resumed = shell.train(*run, "ckpt_path=b/checkpoints/last.ckpt")
    assert resumed.code == 0, resumed.text
    assert metrics(shell.folder / "a") == metrics(shell.folder / "b")
    wait_until(lambda: not processes(shell), 30)
