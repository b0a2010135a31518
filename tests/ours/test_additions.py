"""A clone with a researcher's own files stays green: README's additions to the letter, and untidy ones."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from conftest import ROOT

LINT_IMPORTS = "from importlinter.cli import lint_imports_command as lint; lint()"
LINT = {
    "ruff": ["-m", "ruff", "check", "--no-cache", "."],
    "format": ["-m", "ruff", "format", "--no-cache", "--check", "."],
    "mypy": ["-m", "mypy", "--cache-dir", str(ROOT / ".mypy_cache")],
    "imports": ["-c", LINT_IMPORTS, "--no-cache"],
}
CONTRACT = ["-m", "pytest", "-p", "no:cacheprovider", "-n0", "-rs", "tests/contract"]
# A path alone on the line above a code block -> the block.
FILES = dict(
    re.findall(r"^`((?:src/project|conf)/[\w/.]+)`\n+```\w+\n(.*?)```$", (ROOT / "README.md").read_text(), re.M | re.S)
)
CELL = {"cell_type": "code", "source": ["import os"], "metadata": {}, "outputs": [], "execution_count": 1}
UNTIDY = {
    "src/project/models/shallow.py": """
from torch import *
import os, sys
import torch.nn as nn
class Shallow(nn.Module):
  def __init__(self, input_shape, output_size, shape, activation, kernel_size, widen):
    super().__init__()
    unused = [x for x in sys.path if x == None] ; l = lambda x: x
    self.net = nn.Sequential(nn.Flatten(), nn.LazyLinear(kernel_size[0] * widen), nn.SiLU(), nn.LazyLinear(output_size))
    # %s
  def forward(self, x): return self.net(x)
"""
    % (40 * "long "),
    "conf/model/shallow.yaml": """_target_: project.models.shallow.Shallow
_partial_: true
shape: unet
activation: swish
kernel_size: [3, 5]
widen: 4
""",
    "conf/space/shallow.yaml": "# @package hydra.sweeper.params\nmodel.widen: range(1,4)\n",
    "conf/space/of_shallow.yaml": """# @package hydra.sweeper.params
model.widen: choice(8,16)
optimizer: choice(adam,sgd)
""",
    "src/project/rules.py": """
from tunesmith.rules import *
RULES = {"project.models.shallow.Shallow": {"widen": integer(1)}}
""",
    "src/project/data/waves.py": """
import numpy, dataclasses
from tunesmith.data.arrays import Arrays
@dataclasses.dataclass(frozen=True)
class Waves:
  waves: float
  def load(self):
    x = numpy.linspace(0, self.waves, 300, dtype=numpy.float32)[:, None]
    return Arrays(x, numpy.sin(x[:, 0]))
""",
    "conf/data/waves.yaml": """
defaults: [base]
source: {_target_: project.data.waves.Waves, _partial_: true}
waves: 9
""",
    "conf/data/scans.yaml": """
defaults: [base]
source: {_target_: tunesmith.data.sources.npz.Npz, _partial_: true}
path: /nowhere/scans.npz
""",
    "conf/loss/smooth.yaml": "_target_: torch.nn.SmoothL1Loss\n",
    "conf/loss/of_waves.yaml": "# test: data=waves\n_target_: torch.nn.SmoothL1Loss\n",
    "conf/optimizer/lion.yaml": "_target_: lion_pytorch.Lion\n_partial_: true\nlr: 0.1\n",
    "conf/trainer/half.yaml": "defaults: [default]\nprecision: 16-mixed\ndevices: 4\nstrategy: ddp\n",
    "conf/experiment/waves.yaml": """# @package _global_
defaults: [override /data: waves, override /model: shallow]
""",
    "conf/of_mine/one.yaml": "a: 1\n",
    "notebook.ipynb": json.dumps({"cells": [CELL], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}),
}
SKIPPED = {
    "skip, it lacks a source",
    "skip, it needs a learner with loaders of its own",
    "refused: data.path must be a file; got /nowhere/scans.npz, which is not there",
    "refused: loss must fit the targets: SmoothL1Loss needs numbers, this data has classes; use loss=auto",
    "optimizer: lion_pytorch.Lion is not installed",
}
# What a researcher deletes once he has files of his own: our examples, what names them, and their spaces.
_NAMED = [path for path in (ROOT / "conf").rglob("*.yaml") if "_target_: project." in path.read_text()]
_SPACES = [path for name in _NAMED if (path := ROOT / "conf" / "space" / name.name).exists()]
EXAMPLES = [
    *(f"src/project/{name}" for name in ("models", "data", "learners", "metrics", "rules.py")),
    *sorted(str(path.relative_to(ROOT)) for path in {*_NAMED, *_SPACES}),
]


def clone(folder: Path, files: Mapping[str, str], without: list[str]) -> Path:
    """Copy what a clone has, less some paths, and add files."""
    for name in ("conf", "src", "tests", "train.py", "pyproject.toml"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / name, folder / name)
    for name in without:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def python(folder: Path, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(folder / "src"), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "1000"}
    return subprocess.run([sys.executable, *arguments], cwd=folder, env=env, capture_output=True, text=True)


@pytest.fixture(scope="module", params=["README", "untidy"])
def grown(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    files, without = {"README": (FILES, []), "untidy": (UNTIDY, EXAMPLES)}[request.param]
    return clone(tmp_path_factory.mktemp(request.param), files, without)


def test_readme_has_files_to_add() -> None:
    assert {name.partition("/")[0] for name in FILES} == {"src", "conf"}


@pytest.mark.parametrize("tool", LINT)
def test_lint_is_green(grown: Path, tool: str) -> None:
    ended = python(grown, LINT[tool])
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_contract_tests_are_green(grown: Path) -> None:
    ended = python(grown, CONTRACT)
    assert ended.returncode == 0, ended.stdout[-3000:]
    reasons = set(re.findall(r"^SKIPPED \[\d+\] \S+: (.*)$", ended.stdout, re.MULTILINE))
    assert reasons <= SKIPPED
    assert (reasons == SKIPPED) == (grown / "conf" / "data" / "waves.yaml").exists()


@pytest.mark.parametrize(
    ("path", "text", "command", "said"),
    [
        pytest.param("src/project/a.py", "print(undefined)\n", LINT["ruff"], "F821", id="an undefined name"),
        pytest.param("src/project/a.py", "def f(:\n", LINT["ruff"], "invalid-syntax", id="no Python"),
        pytest.param(
            "src/tunesmith/a.py", "import project.a\n", LINT["imports"], "BROKEN", id="a library that imports"
        ),
    ],
)
def test_lint_finds_what_cannot_work(tmp_path: Path, path: str, text: str, command: list[str], said: str) -> None:
    ended = python(clone(tmp_path, {"src/project/a.py": "", path: text}, []), command)
    assert ended.returncode != 0
    assert said in ended.stdout


TEST = "tests/contract/test_conf.py::test_every_choice_builds_or_is_refused_in_one_line"
# A test -> a file that makes it fail, and what it then says.
FAULTS = {
    f"{TEST}[model=gone]": (
        "conf/model/gone.yaml",
        "_target_: project.models.gone.Net\n",
        "Error loading 'project.models.gone.Net'",
    ),
    f"{TEST}[model=no_yaml]": ("conf/model/no_yaml.yaml", "_target_: [\n", "ParserError"),
    f"{TEST}[model=residual]": (
        "src/project/rules.py",
        "from tunesmith.rules import *\nRULES = {'project.models.residual.Residual': {'blocks': integer(1)}}\n",
        "['blocks']",
    ),
    "tests/contract/test_conf.py::test_every_space_can_be_swept[mlp]": (
        "conf/space/mlp.yaml",
        "# @package hydra.sweeper.params\nmodel.units: range(1,3)\n",
        "'units' is not in struct",
    ),
    "tests/contract/test_conf.py::test_a_package_line_is_above_all_comments[callbacks/low.yaml]": (
        "conf/callbacks/low.yaml",
        "# a comment\n# @package _global_\nseed: 3\n",
        "_global_",
    ),
}


def test_contract_tests_find_what_cannot_work(tmp_path: Path) -> None:
    folder = clone(tmp_path, {path: text for path, text, _ in FAULTS.values()}, [])
    ended = python(folder, [*CONTRACT[:-1], "-rf", *FAULTS])
    failed = dict(re.findall(r"^FAILED (\S+) - (.*)$", ended.stdout, re.MULTILINE))
    assert failed.keys() == FAULTS.keys()
    assert {test: said in failed[test] for test, (_, _, said) in FAULTS.items()} == dict.fromkeys(FAULTS, True), failed
