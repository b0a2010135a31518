"""python -m tunesmith: train.py from any folder."""

from __future__ import annotations

from conftest import QUICK, Shell


def test_it_is_train_py_and_its_hints_name_it(shell: Shell) -> None:
    typed = (*QUICK, "trainer.max_epochs=1", "study_name=s", "space=none", "optimizer.lr=0.01,0.02")
    ended = shell.python("-m", "tunesmith", "-m", *typed)
    assert (ended.code, ended.err) == (0, "")
    lines = dict(line.split("  ", 1) for line in ended.out.splitlines() if line.startswith(("repeat best", "resume  ")))
    assert lines["repeat best"] == "python -m tunesmith --config-dir outputs/sweeps/s --config-name best"
    assert lines["resume"].strip().startswith("python -m tunesmith -m model.hidden_units=16 ")
    assert (shell.study("s") / "trials.csv").is_file()
