"""The wheel, in an environment of its own: the sweeper for any Hydra app, whatever name the project has."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT, Ended
from plain_app import CONFIG

APP = """
import hydra
import tunesmith

@hydra.main(version_base="1.3", config_path=".", config_name="app")
def main(cfg):
    tunesmith.report(cfg.x, 1)
    return cfg.x

if __name__ == "__main__":
    main()
"""
RECIPE = re.search(r"^dist:.*\n\t(.*)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
pytestmark = pytest.mark.slow


class Environment:
    """A venv with the wheel of a project of this name, and the present environment's packages behind it."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.python = folder / "venv" / "bin" / "python"
        self.wheel = self._build(name)
        _run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], folder)
        (site,) = (folder / "venv" / "lib").glob("python*/site-packages")
        others = [path for path in sys.path if path.endswith("site-packages")]
        (site / "present.pth").write_text("\n".join(others))
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(self.python)]
        ended = _run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(self.wheel)], folder)
        assert ended.code == 0, ended.text

    def _build(self, name: str) -> Path:
        """Build the wheel as make dist does, of a copy whose pyproject.toml has this name."""
        project = self.folder / "project"
        shutil.copytree(ROOT / "src", project / "src", ignore=shutil.ignore_patterns("__pycache__"))
        for file in ("README.md", "LICENSE"):
            shutil.copy(ROOT / file, project)
        text = (ROOT / "pyproject.toml").read_text()
        assert text.count('\nname = "tunesmith"\n') == 1
        (project / "pyproject.toml").write_text(text.replace('\nname = "tunesmith"\n', f'\nname = "{name}"\n'))
        assert RECIPE is not None
        ended = _run(shlex.split(RECIPE[1].replace("$(BIN)/python", shlex.quote(sys.executable))), project)
        assert ended.code == 0, ended.text
        (wheel,) = (project / "dist").glob("*.whl")
        return wheel

    def run(self, *arguments: str) -> Ended:
        return _run([str(self.python), *arguments], self.folder)


def _run(command: list[str], folder: Path) -> Ended:
    """Run a command without this checkout's src/ in its path."""
    env = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "HYDRA_FULL_ERROR")}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False)
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module", params=["tunesmith", "mythesis"])
def environment(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    environment = Environment(tmp_path_factory.mktemp(request.param), request.param)
    (environment.folder / "app.py").write_text(APP)
    (environment.folder / "app.yaml").write_text(CONFIG)
    return environment


def test_the_wheel_holds_library_and_plugin_with_its_yaml(environment: Environment) -> None:
    names = zipfile.ZipFile(environment.wheel).namelist()
    folders = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert folders == {"tunesmith", "hydra_plugins"}
    assert "hydra_plugins/tunesmith_sweeper/conf/hydra/sweeper/tunesmith.yaml" in names
    assert environment.wheel.name.startswith(f"{environment.folder.name.rstrip('0123456789')}-")


def test_a_plain_hydra_app_sweeps_with_it(environment: Environment) -> None:
    ended = environment.run("app.py", "-m", "x=1,2,3", "hydra.sweeper.n_workers=2")
    assert (ended.code, ended.err) == (0, "")
    assert "best value   1 (minimized)" in ended.out
    assert (environment.folder / "outputs" / "sweeps" / "s" / "best.yaml").is_file()


def test_its_code_is_the_wheels_and_knows_its_version(environment: Environment) -> None:
    program = "import tunesmith, tunesmith.run_folder as r; print(tunesmith.__file__, r.environment()['versions'])"
    ended = environment.run("-c", program)
    assert (ended.code, ended.err) == (0, "")
    assert str(environment.folder / "venv") in ended.out
    assert "'tunesmith': '" in ended.out


def test_train_without_a_conf_folder_is_one_line(environment: Environment) -> None:
    ended = environment.run("-m", "tunesmith", "seed=1")
    assert ended.code == 1
    assert re.fullmatch(r"error: conf must be the folder of a clone, beside src/; got '.*/conf', .*\n", ended.err)
    assert ended.out == ""
