"""What root may do to a machine that its other users do not see: a clock that steps, a disk that is full."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STAT = Path("/proc/stat")
DISK_MIB = 128
_INSIDE = "CHAOS_IN_NAMESPACE"


def can_mount() -> bool:
    """Whether this user may have mounts of its own, as root on Linux may."""
    return shutil.which("unshare") is not None and not subprocess.run(["unshare", "-m", "true"], check=False).returncode


def enter_namespace() -> None:
    """Start this script once more, with the same pid, where its mounts are its own; return in that second one."""
    if os.environ.pop(_INSIDE, None) is None:
        os.environ[_INSIDE] = "1"
        os.execvp("unshare", ["unshare", "--mount", sys.executable, *sys.argv])


class Clock:
    """The boot time that /proc/stat tells; it moves when somebody sets the clock of a machine, or a VM wakes."""

    def __init__(self, folder: Path) -> None:
        """folder: for a file that lies over /proc/stat."""
        self._file = folder / "stat"
        self._file.write_text(STAT.read_text())
        subprocess.run(["mount", "--bind", str(self._file), str(STAT)], check=True)

    def step(self, seconds: int) -> None:
        """Let all processes read a boot time that is later by so many seconds."""
        text = self._file.read_text()
        stepped = re.sub(r"(?m)^btime (\d+)$", lambda found: f"btime {int(found[1]) + seconds}", text)
        with self._file.open("r+") as file:  # as long as before, and never empty: others read it
            file.write(stepped)


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Put a folder on a small disk of its own for the time of a block; what it holds by then stays."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "chaos", str(folder)], check=True)
    try:
        yield
    finally:
        kept = folder.with_name(f"{folder.name}.kept")
        shutil.copytree(folder, kept, symlinks=True)
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()
        kept.rename(folder)


@contextmanager
def full_disk(folder: Path) -> Iterator[None]:
    """Leave no byte free on a folder's disk for the time of a block."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
    yield
    ballast.unlink()
