"""When a process was started: a number that no step of the clock changes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tunesmith.search.study import process_start
from tunesmith.search.study.process_start import start_mark


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="a system without /proc")
def test_a_name_of_a_process_may_hold_anything(tmp_path: Path) -> None:
    program = tmp_path / "a) 1 2 (b"
    program.symlink_to(sys.executable)
    with subprocess.Popen([str(program), "-c", "input()"], stdin=subprocess.PIPE) as process:
        try:
            mark = start_mark(process.pid)
        finally:
            process.kill()
    assert mark is not None
    assert 0 <= mark - (start_mark(os.getpid()) or 0) < 1e6
    with pytest.raises(psutil.NoSuchProcess, match="process no longer exists"):
        start_mark(process.pid)


def test_a_system_without_proc_is_asked_by_psutil(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_start.Path, "is_file", lambda path: False)
    before = start_mark(os.getpid())
    create_time = psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda process: create_time(process) + 3600)
    assert before is not None
    assert before == start_mark(os.getpid())
