"""The examples in src/project, which a researcher copies from and then deletes."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Shell

from project.data.moons import Moons
from project.metrics.recall import macro_recall
from project.models.residual import Residual

ROOT = Path(__file__).parents[2]


def test_a_residual_block_adds_to_its_inputs() -> None:
    inputs = torch.randn(5, 2, 3)
    model = Residual(input_shape=(2, 3), output_size=4, num_blocks=2, units=8)
    for block in model.blocks:
        torch.nn.init.constant_(block.weight, 0)
        torch.nn.init.constant_(block.bias, -1)
    torch.testing.assert_close(model(inputs), model.output(model.first(inputs.flatten(1))))


def test_moons_are_two_classes_and_the_same_each_time() -> None:
    first, second = (Moons(samples=100, noise=0.1).load() for _ in range(2))
    assert (first.inputs.shape, first.inputs.dtype, first.targets.dtype) == ((100, 2), np.float32, np.int64)
    assert np.bincount(first.targets).tolist() == [50, 50]
    np.testing.assert_array_equal(first.inputs, second.inputs)


@pytest.mark.parametrize(
    ("predicted", "expected"),
    [
        pytest.param([0, 0, 0, 1, 2], 1.0, id="all right"),
        pytest.param([0, 0, 0, 0, 2], 2 / 3, id="a rare class missed"),
        pytest.param([2, 0, 0, 1, 2], (2 / 3 + 1 + 1) / 3, id="one of a frequent class missed"),
    ],
)
def test_macro_recall(predicted: list[int], expected: float) -> None:
    outputs = torch.nn.functional.one_hot(torch.tensor(predicted), 4).float()
    assert macro_recall(outputs, torch.tensor([0, 0, 0, 1, 2])) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("model=residual model.num_blocks=-1", "model.num_blocks must be an integer >= 0; got -1"),
        ("data=moons data.noise=-0.1", "data.noise must be a number >= 0; got -0.1"),
    ],
)
def test_rules_of_the_project_are_kept_without_torch(shell: Shell, typed: str, message: str) -> None:
    run = "import sys, tunesmith.cli\ntry:\n    tunesmith.cli.main()\nfinally:\n    assert 'torch' not in sys.modules"
    ended = shell.python("-c", run, *typed.split())
    assert (ended.code, ended.err) == (1, f"error: {message}\n")


@pytest.mark.parametrize("command", ["check", "format"])
def test_examples_keep_the_librarys_style(command: str) -> None:
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    rules = [f"--select={','.join(lint['select'])}", f"--ignore={','.join(lint['ignore'])}"]
    options = rules if command == "check" else ["--check"]
    ruff = [sys.executable, "-m", "ruff", command, "--isolated", "--line-length=120", *options, "src/project"]
    ended = subprocess.run(ruff, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
