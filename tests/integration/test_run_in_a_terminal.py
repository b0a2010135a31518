"""train.py in a terminal: what is seen there, and that train.log has it too."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

from bar_screen import Screen
from conftest import QUICK, TRAIN, Shell


def test_a_terminal_shows_the_lines_of_train_log_and_the_end(shell: Shell) -> None:
    master, slave = pty.openpty()
    screen = Screen(master)
    command = [sys.executable, TRAIN, *QUICK, "trainer.max_epochs=2", "hydra.run.dir=run"]
    env = {**shell.env, "TERM": "xterm"}
    ended = subprocess.run(command, cwd=shell.folder, env=env, stdin=slave, stdout=slave, stderr=slave, check=False)
    os.close(slave)
    screen.end()
    assert ended.returncode == 0, screen.text
    logged = [line.partition("[INFO] ")[2] for line in (shell.folder / "run" / "train.log").read_text().splitlines()]
    assert logged[0] == "data         digits, inputs 1x8x8, 10 classes"
    assert [line.split("  ")[0] for line in logged][-3:] == ["folder", "epoch 1/2", "epoch 2/2"]
    assert screen.lines[: len(logged)] == logged
    assert screen.lines[len(logged)].startswith("best epoch ")
    assert screen.bars[0].startswith("epoch 1/2  ")
