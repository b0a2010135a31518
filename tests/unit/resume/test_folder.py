"""The folder in which a run goes on: that of its checkpoint, or a new one, which gets the record of its epochs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from begun import record
from omegaconf import OmegaConf

from tunesmith.errors import UserError
from tunesmith.resume.folder import check_resume_folder, check_run_folder, copy_begun


def test_a_folder_with_a_finished_run_is_not_overwritten(tmp_path: Path) -> None:
    cfg = OmegaConf.create({"ckpt_path": None, "hydra": {"run": {"dir": str(tmp_path / "r")}}})
    check_run_folder(cfg, is_rank_zero=True)
    (tmp_path / "r" / "result.yaml").write_text("state: FAIL\n")
    check_run_folder(cfg, is_rank_zero=True)
    (tmp_path / "r" / "result.yaml").write_text("state: COMPLETE\n")
    check_run_folder(cfg, is_rank_zero=False)
    message = f"hydra.run.dir must be a folder without a finished run, which would be overwritten; got {tmp_path}/r: "
    with pytest.raises(UserError, match=f"^{re.escape(message)}type another one, or remove it first$"):
        check_run_folder(cfg, is_rank_zero=True)


def test_a_new_folder_gets_the_record_of_the_epochs(tmp_path: Path) -> None:
    cfg = OmegaConf.create({"ckpt_path": str(record(tmp_path / "r"))})
    for name in ("metrics.csv", "layers.csv", "probes.csv"):
        (tmp_path / "r" / name).write_text("epoch\n1\n")
    (tmp_path / "r" / "result.yaml").write_text("state: FAIL\n")
    new = tmp_path / "new"
    new.mkdir()
    check_resume_folder("folder", new, cfg)
    copy_begun(cfg, new)
    assert sorted(path.name for path in new.iterdir()) == ["checkpoints", "layers.csv", "metrics.csv", "probes.csv"]
    assert (new / "checkpoints" / "last.ckpt").is_file()
    copy_begun(cfg, tmp_path / "r")  # nothing to do


def test_a_folder_with_another_run_is_refused(tmp_path: Path) -> None:
    cfg = OmegaConf.create({"ckpt_path": str(record(tmp_path / "r"))})
    record(tmp_path / "s")
    message = (
        f"hydra.run.dir must be the folder of ckpt_path ({tmp_path}/r), in which the run goes on, or a new one; got"
    )
    with pytest.raises(UserError, match=rf"^{re.escape(message)} {tmp_path}/s, in which another run lies: "):
        check_resume_folder("hydra.run.dir", tmp_path / "s", cfg)


def test_a_checkpoint_that_lies_in_no_run_needs_a_folder(tmp_path: Path) -> None:
    checkpoint = tmp_path / "a" / "b" / "best.ckpt"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.touch()
    cfg = OmegaConf.create({"ckpt_path": str(checkpoint)})
    with pytest.raises(UserError, match=r"^ckpt_path must be FOLDER/checkpoints/NAME of a run, .*by hydra\.run\.dir$"):
        check_resume_folder("hydra.run.dir", tmp_path / "a", cfg)
    check_resume_folder("hydra.run.dir", tmp_path / "new", cfg)
