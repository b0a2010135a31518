"""GPUs: those of the environment or of nvidia-smi, dealt out to the workers in turn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tunesmith.search.pool.gpus import VISIBLE, visible_gpus, visible_to_worker


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    visible_gpus.cache_clear()
    yield
    visible_gpus.cache_clear()


def nvidia_smi(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str | None) -> None:
    """Make this script the only nvidia-smi that can be found."""
    if script is not None:
        path = folder / "nvidia-smi"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv(VISIBLE, raising=False)


@pytest.mark.parametrize(
    ("given", "gpus"),
    [
        pytest.param("0,2", ("0", "2"), id="numbers"),
        pytest.param("GPU-ab, GPU-cd", ("GPU-ab", "GPU-cd"), id="names"),
        pytest.param("", (), id="none"),
        pytest.param("-1", (), id="-1"),
    ],
)
def test_the_environment_says_which_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, gpus: tuple[str, ...]
) -> None:
    nvidia_smi(tmp_path, monkeypatch, "echo GPU-of-nvidia-smi")
    monkeypatch.setenv(VISIBLE, given)
    assert visible_gpus() == gpus


@pytest.mark.parametrize(
    ("script", "gpus"),
    [
        pytest.param("echo GPU-ab; echo GPU-cd", ("GPU-ab", "GPU-cd"), id="two"),
        pytest.param("echo no driver; exit 9", (), id="it fails"),
        pytest.param(None, (), id="it is not there"),
    ],
)
def test_otherwise_nvidia_smi_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None, gpus: tuple[str, ...]
) -> None:
    nvidia_smi(tmp_path, monkeypatch, script)
    assert visible_gpus() == gpus


@pytest.mark.parametrize(
    ("given", "devices", "shown"),
    [
        pytest.param("4,5", 1, ["4", "5", "4"], id="one each, in turn"),
        pytest.param("0,1,2,3", 2, ["0,1", "2,3", "0,1"], id="two each"),
        pytest.param("0,1,2", 2, ["0,1", "2,0", "1,2"], id="two each of three"),
        pytest.param("7", 2, ["7", "7", "7"], id="no more than there are"),
    ],
)
def test_a_worker_sees_its_own(monkeypatch: pytest.MonkeyPatch, given: str, devices: int, shown: list[str]) -> None:
    monkeypatch.setenv(VISIBLE, given)
    assert [visible_to_worker(index, devices) for index in range(3)] == [{VISIBLE: names} for names in shown]


def test_without_a_gpu_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VISIBLE, "")
    assert visible_to_worker(0, 1) == {}
