"""The command that resumes an interrupted run can be pasted."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf
from tiny import composed

from tunesmith.resume.resume_command import resume_command, typed_path


def checkpoint(path: Path) -> Path:
    path.parent.mkdir(parents=True)
    path.touch()
    return path


@pytest.mark.parametrize("folder", ["r", "a=b, c", "it's (1)", "2026-01-02/03-04-05-6", "{x}[0]"])
def test_a_shell_and_hydra_read_the_folder_back(folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["train.py", "data=iris", f"hydra.run.dir='{folder}'", "++ckpt_path=old.ckpt"])
    checkpoint(Path(folder, "checkpoints", "last.ckpt"))
    command = resume_command(Path(folder))
    assert command is not None
    python, script, *overrides = shlex.split(command)
    assert (python, script, overrides[0], len(overrides)) == ("python", "train.py", "data=iris", 2)
    assert composed(*overrides).ckpt_path == f"{folder}/checkpoints/last.ckpt"


def test_any_checkpoint_of_a_fold_stands_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert resume_command(Path("r")) is None
    checkpoint(Path("r/fold_0/checkpoints/best.ckpt"))
    assert str(resume_command(Path("r"))).endswith(" ckpt_path=r/fold_0/checkpoints/best.ckpt")


def test_a_path_is_told_from_where_the_command_was_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cfg = composed(with_hydra=True)
    OmegaConf.set_readonly(cfg.hydra, False)
    cfg.hydra.runtime.cwd = str(tmp_path)
    monkeypatch.setattr(HydraConfig.instance(), "cfg", cfg)
    (tmp_path / "r").mkdir()
    monkeypatch.chdir(tmp_path / "r")  # as hydra.job.chdir=true does
    assert typed_path(Path("checkpoints/last.ckpt")) == "r/checkpoints/last.ckpt"


def test_of_a_refit_the_script_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    checkpoint(Path("a run/refit/checkpoints/last.ckpt"))
    assert resume_command(Path("a run")) == "python scripts/refit.py 'a run'"
    checkpoint(Path("a run/checkpoints/last.ckpt"))  # the run itself goes on again
    assert str(resume_command(Path("a run"))).endswith(" 'ckpt_path=a run/checkpoints/last.ckpt'")
