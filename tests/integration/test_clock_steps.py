"""The system clock is set while workers run, by the real command line of an app without torch."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Shell, let_ctrl_c_end
from plain_app import app, ended, has_started, trials, wait_until

pytestmark = pytest.mark.usefixtures("nothing_left")


def can_mount() -> bool:
    has_programs = all(map(shutil.which, ("unshare", "nsenter")))
    return has_programs and subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0


def start(shell: Shell, *command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        cwd=shell.folder,
        env=shell.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=let_ctrl_c_end,
    )


@pytest.mark.skipif(not can_mount(), reason="needs root, for a mount namespace")
def test_a_step_of_the_clock_takes_no_trial_away(shell: Shell) -> None:
    """The kernel's time of the boot moves with the clock, and psutil's start times of processes with it."""
    body = """
        if cfg.x < 3:
            started(cfg)
            for _ in range(900):
                if Path(["", "done", "go on"][cfg.x]).exists(): break
                time.sleep(0.1)
        return cfg.x
    """
    app(shell, body)
    stat = shell.folder / "stat"
    stat.write_text(Path("/proc/stat").read_text())
    sweep = [sys.executable, "app.py", "-m", "x=1,2,3,4"]
    as_seen = ["unshare", "-m", "sh", "-c", 'mount --bind stat /proc/stat && exec "$@"', "sh"]
    command = start(shell, *as_seen, *sweep, "hydra.sweeper.n_workers=2")
    wait_until(lambda: has_started(shell, 1, 2))
    stat.write_text(re.sub(r"(?<=btime )\d+", lambda found: str(int(found[0]) + 3), stat.read_text()))
    (shell.folder / "go on").touch()  # its worker now looks for stale trials of others
    wait_until(lambda: len([trial for trial in trials(shell) if trial.state.name == "COMPLETE"]) == 3)
    second = start(shell, "nsenter", "-m", "-t", str(command.pid), f"--wd={shell.folder}", *sweep)
    assert second.stdout is not None
    wait_until(lambda: "waiting for trials" in second.stdout.readline())
    (shell.folder / "done").touch()
    for each in (ended(command), ended(second)):
        assert (each.code, each.err) == (0, "")
        assert not re.search("queued again|lost trials", each.out)
    assert [(trial.state.name, trial.values) for trial in trials(shell)] == [("COMPLETE", [x]) for x in (1, 2, 3, 4)]
