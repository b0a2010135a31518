"""train.py in a terminal: what is seen there, and that train.log has it too."""

from __future__ import annotations

from conftest import QUICK, TRAIN, Shell
from emulator import TerminalCommand


def test_a_terminal_shows_the_lines_of_train_log_and_the_end(shell: Shell) -> None:
    command = TerminalCommand(shell, TRAIN, *QUICK, "trainer.max_epochs=2", "hydra.run.dir=run", width=200)
    assert command.ended() == 0, command.screen.text
    shown = command.screen.text.split("\n")
    logged = [line.partition("[INFO] ")[2] for line in (shell.folder / "run" / "train.log").read_text().splitlines()]
    assert logged[0] == "data         digits, inputs 1x8x8, 10 classes"
    assert [line.split("  ")[0] for line in logged][-3:] == ["folder", "epoch 1/2", "epoch 2/2"]
    assert shown[: len(logged)] == logged
    assert shown[len(logged)].startswith("best epoch ")


def test_ctrl_c_is_answered_in_a_line_of_its_own_even_if_nothing_is_kept_yet(shell: Shell) -> None:
    stop = "+callbacks.stop={_target_:faults.SignalAt,epoch:1,name:SIGINT,marker:stopped}"
    command = TerminalCommand(shell, TRAIN, *QUICK, "hydra.run.dir=run", stop, width=200)
    assert command.ended() == 130
    assert command.screen.text.split("\n")[-3:] == [
        "folder       run",
        "",  # a terminal shows ^C here
        "interrupted; no epoch has ended, so there is nothing to resume",
    ]
