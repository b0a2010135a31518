"""The learning-rate finder by the real command line."""

from __future__ import annotations

import re

from conftest import ROOT, Shell

from tunesmith.run_folder import read_yaml

SCRIPT = str(ROOT / "scripts" / "lr_find.py")


def test_the_script_prints_the_override_to_paste_and_leaves_a_picture(shell: Shell) -> None:
    ended = shell.python(SCRIPT, "hydra.run.dir=r")
    assert (ended.code, ended.err) == (0, "")
    found = re.search(r"suggestion   optimizer\.lr=(\S+)", ended.out)
    assert found is not None
    assert 3e-3 < float(found[1]) < 5e-2
    assert (shell.folder / "r" / "lr_find.png").read_bytes().startswith(b"\x89PNG")
    assert (shell.folder / "r" / "lr_find.csv").read_text().count("\n") > 50


def test_a_run_trains_with_what_it_found(shell: Shell) -> None:
    ended = shell.train("find_lr=true", "trainer.max_epochs=1", "logger=none", "hydra.run.dir=r")
    found = read_yaml(shell.folder / "r" / "lr_find.yaml")["optimizer.lr"]
    assert (ended.code, ended.err) == (0, "")
    assert f"lr {found:.4g}" in ended.out


def test_a_learning_rate_that_is_given_too_is_refused_in_one_line(shell: Shell) -> None:
    ended = shell.train("find_lr=true", "optimizer.lr=0.1", "hydra.run.dir=r")
    line = "error: optimizer.lr has no effect beside find_lr=true; got 'optimizer.lr=0.1': leave one out\n"
    assert (ended.code, ended.err) == (1, line)
