"""report.html of a sweep, at its end and by scripts/report.py from what is left of its folder."""

from __future__ import annotations

import shutil
from pathlib import Path

from conftest import QUICK, ROOT, Shell

SCRIPT = str(ROOT / "scripts" / "report.py")
WITHOUT_TORCH = """
import runpy, sys
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
assert not {"torch", "lightning", "sklearn", "matplotlib", "pandas"} & set(sys.modules)
"""


def test_a_sweep_ends_with_its_page_and_the_script_makes_it_anew_of_a_moved_folder(shell: Shell) -> None:
    sweep = ("study_name=s", "report=true", "space=none", "optimizer.lr=interval(0.001,0.1)", "trainer.max_epochs=2")
    ended = shell.train("-m", *sweep, "hydra.sweeper.n_trials=2", *QUICK)
    assert ended.code == 0, ended.text
    assert ended.out.splitlines()[-1].split() == ["report", "outputs/sweeps/s/report.html"]
    page = (shell.study("s") / "report.html").read_text()
    assert "could not be made" not in page
    assert "as it stands: trial 0" in page
    assert "test/loss" in page
    moved = shutil.move(shell.study("s"), shell.folder / "moved")
    (Path(moved) / "report.html").unlink()
    again = shell.python("-c", WITHOUT_TORCH, SCRIPT, "moved")
    assert (again.code, again.out, again.err) == (0, "moved/report.html\n", "")
    assert "as it stands: trial 0" in (Path(moved) / "report.html").read_text()


def test_a_folder_of_neither_a_study_nor_a_run_is_refused(shell: Shell) -> None:
    (shell.folder / "other").mkdir()
    ended = shell.python(SCRIPT, "other")
    assert ended.code == 1
    assert ended.err == "error: folder must be one that a study or a run left; got other\n"
