"""A sweep as one sees it while it runs: in a terminal, and in a pipe."""

from __future__ import annotations

import pytest
from conftest import Shell
from emulator import TerminalCommand
from plain_app import PATIENCE_S, app

pytestmark = pytest.mark.usefixtures("nothing_left")

# The first two trials end at once; the others report an epoch and wait for the test.
WAITS = """
first = started(cfg)
if cfg.x < 2:
    return cfg.x
print("printed by the job", cfg.x)
tunesmith.report(0.25, 1)
while not Path("go").exists():
    time.sleep(0.02)
return cfg.x
"""
HEAD = "trial  epoch  value  best (epoch)  parameters"
KEYS = ("x=range(0,3)", "hydra.sweeper.max_epochs=5")


def test_a_table_stands_below_the_lines_of_ended_trials(shell: Shell) -> None:
    app(shell, WAITS)
    command = TerminalCommand(shell, "app.py", "-m", *KEYS)
    command.wait_for(HEAD, "1/5   0.25      0.25 (1)  x=", "trials 2/4  0 pruned  0 failed  best 0 (trial 0)")
    lines = command.screen.shown
    above, below = lines[: lines.index(HEAD)], lines[lines.index(HEAD) :]
    assert [line.split()[:2] for line in above if "COMPLETE" in line] == [["trial", "0"], ["trial", "1"]]
    assert any(line.startswith("printed by the job") for line in above)
    assert len(below) == 4
    (shell.folder / "go").touch()
    assert command.ended() == 0
    assert HEAD not in command.screen.text
    assert command.screen.text.count("COMPLETE") == 4
    assert "best value   0 (minimized), trial 0" in command.screen.text


def test_ctrl_c_leaves_a_clean_terminal(shell: Shell) -> None:
    app(shell, "for step in range(1, 10_000):\n    tunesmith.report(0.25, step)\n    time.sleep(0.1)")
    command = TerminalCommand(shell, "app.py", "-m", "x=range(0,3)", "hydra.sweeper.n_workers=2")
    command.wait_for("trial  worker  epoch", "trials 0/4", "x=")
    command.type(b"\x03")
    assert command.ended() == 130
    lines = command.screen.text.split("\n")
    assert "stopping at the end of the batch; Ctrl-C again stops at once" in lines
    assert "interrupted; resume it with:" in command.screen.text
    assert "trials 0/4" not in command.screen.text
    assert not command.screen.is_cursor_hidden


def test_a_key_turns_the_table_off(shell: Shell) -> None:
    app(shell, WAITS)
    (shell.folder / "go").touch()
    command = TerminalCommand(shell, "app.py", "-m", *KEYS, "hydra.sweeper.live=false")
    assert command.ended() == 0
    assert "trial   0  COMPLETE  value 0  best 0 (trial 0)" in command.screen.text


def test_a_pipe_gets_signs_of_life_from_the_one_process(shell: Shell) -> None:
    app(shell, WAITS, "from tunesmith.search.console import display\ndisplay.SIGN_INTERVAL_S = 0.0\n")
    command = shell.start("app.py", "-m", *KEYS)
    assert command.stdout is not None
    for line in command.stdout:  # until a sign says what the job waits for
        if " epoch 1/5 value 0.25" in line:
            break
    assert line.startswith("trials 2/4  0 pruned  0 failed  best 0 (trial 0)  running: trial ")
    (shell.folder / "go").touch()
    out, err = command.communicate(timeout=PATIENCE_S)
    assert (command.returncode, err) == (0, "")
    assert "\x1b" not in out
