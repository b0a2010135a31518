"""Data larger than the memory that a process may use: read by batch it trains and is evaluated, read whole it is not.

The limit is RLIMIT_DATA: it counts what a process allocates for itself, and leaves maps of files out, as memory does.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import ROOT, TRAIN, TRAINS, Ended, LoadedPythons, LoadedShell, Shell

MB = 2**20
NUM_SAMPLES = 320  # of 1 MB each
LIMIT = 250 * MB  # 80 to 150 MB are needed, most of it to fit the scaling
# A script for a process that has imported everything: it may then allocate LIMIT more. Its arguments are a command.
LIMITED = f"""
import resource, runpy, sys
used = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmData"))
resource.setrlimit(resource.RLIMIT_DATA, (used * 1024 + {LIMIT},) * 2)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
RUN = ("model=linear", "logger=none", "callbacks=none", "trainer.max_epochs=1", "data.batch_size=16", "hydra.run.dir=r")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """x.npy, y.npy and the same in data.npz: two classes that differ in the first 512 of 262,144 values."""
    folder = tmp_path_factory.mktemp("large")
    classes = np.arange(NUM_SAMPLES) % 2
    np.save(folder / "y.npy", classes)
    inputs = np.lib.format.open_memmap(folder / "x.npy", "w+", np.float32, (NUM_SAMPLES, 1, 512, 512))
    inputs[:, 0, 0] = np.random.RandomState(0).randn(NUM_SAMPLES, 512) + 2 * classes[:, None]
    inputs.flush()
    assert (folder / "x.npy").stat().st_size > LIMIT
    (folder / "limited.py").write_text(LIMITED)
    return folder


@pytest.fixture
def large_shell(folder: Path, pythons: LoadedPythons) -> Shell:
    return LoadedShell(folder, pythons, TRAINS)


def limited(shell: Shell, *command: str) -> Ended:
    return shell.python("limited.py", *command)


def test_data_that_is_read_by_batch_may_be_larger_than_memory(large_shell: Shell) -> None:
    ended = limited(large_shell, TRAIN, "data=npy", "data.path=x.npy", "data.targets_path=y.npy", *RUN)
    assert (ended.code, ended.err) == (0, "")
    evaluated = limited(large_shell, str(ROOT / "scripts" / "evaluate.py"), "r")
    assert evaluated.code == 0, evaluated.text
    test = yaml.safe_load((large_shell.folder / "r" / "test.yaml").read_text())
    assert test["samples"] == NUM_SAMPLES / 5
    assert test["test/acc"] > 0.95


@pytest.mark.slow
def test_an_array_inside_an_npz_is_read_by_batch_too(large_shell: Shell) -> None:
    folder = large_shell.folder
    np.savez(folder / "data.npz", inputs=np.load(folder / "x.npy", mmap_mode="r"), targets=np.load(folder / "y.npy"))
    ended = limited(large_shell, TRAIN, "data=npz", "data.path=data.npz", "data.mapped=true", "data.scale=none", *RUN)
    assert (ended.code, ended.err) == (0, "")


def test_data_that_is_read_whole_must_fit_into_memory(large_shell: Shell) -> None:
    command = (TRAIN, "data=npy", "data.path=x.npy", "data.targets_path=y.npy", "data.mapped=false", *RUN[:-1])
    ended = limited(large_shell, *command)
    assert ended.code == 1
    assert ended.err.startswith("error: data must fit into memory, unless data=npz or data=npy reads it by batch with ")
    assert ended.err.count("\n") == 1
