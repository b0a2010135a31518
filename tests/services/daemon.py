"""A daemon on loopback that ends with the process that started it, however that one ends."""

from __future__ import annotations

import ctypes
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol, TypeVar

import psutil

PR_SET_CHILD_SUBREAPER = 36
SECONDS_TO_STOP = 10.0


class ServiceError(RuntimeError):
    """Why a service cannot be used."""


class Service(Protocol):
    """One daemon or several; start() and stop() may take turns, the data stays."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


S = TypeVar("S", bound=Service)


@contextmanager
def running(service: Callable[[Path], S]) -> Iterator[S]:
    """Start a service that lives in a temporary folder."""
    # not in one of pytest's: only root may enter those; and the path of a socket has at most 107 bytes
    with tempfile.TemporaryDirectory(prefix="service-") as folder:
        started = service(Path(folder))
        try:
            started.start()
            yield started
        finally:
            started.stop()


class Daemon:
    """A command in the foreground, under a guard: a process that ends the command and all that came of it.

    The guard notices that we are gone by the end of its input. A death signal (prctl) would not do: it comes when the
    thread ends that started the process, and what a daemon has started outlives the daemon.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        log: Path,
        is_ready: Callable[[], bool],
        env: Mapping[str, str] | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name, self.log = log.stem, log
        self._command = [sys.executable, "-P", __file__, str(int(stop_signal)), *map(str, command)]
        self._is_ready = is_ready
        self._env = {**os.environ, **(env or {})}
        self._guard: subprocess.Popen[bytes] | None = None

    def start(self, seconds: float = 60.0) -> None:
        """Start, and return when it is ready.

        Raises:
            ServiceError: it ended, or is not ready after so many seconds; with the last lines of its log.
        """
        assert self._guard is None, f"{self.name} is running"
        with self.log.open("ab") as log:
            self._guard = subprocess.Popen(
                self._command,
                cwd=self.log.parent,
                env=self._env,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us: the tests' last words may need the daemon
            )
        try:
            self._wait(self._guard, seconds)
        except BaseException:
            self.stop()
            raise

    def _wait(self, guard: subprocess.Popen[bytes], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self._is_ready():
            if (code := guard.poll()) is not None:
                raise ServiceError(f"{self.name} ended with code {code}:\n{tail(self.log)}")
            if time.monotonic() > deadline:
                raise ServiceError(f"{self.name} is not ready after {seconds:g} s:\n{tail(self.log)}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop, and return when it and all that it started are gone; nothing if it does not run."""
        if self._guard is not None:
            assert self._guard.stdin is not None
            self._guard.stdin.close()
            self._guard.wait()
            self._guard = None


def tail(log: Path, lines: int = 15) -> str:
    """Return the last lines of a log."""
    last = log.read_text(errors="replace").splitlines()[-lines:]
    return "\n".join(f"  {line}" for line in last) or f"  {log.name} is empty"


def find_program(name: str, package: str, *folders: Path) -> str:
    """Return the path of a program in the folders, in PATH or in an administrator's folders.

    Raises:
        ServiceError: it is nowhere; names Debian's package.
    """
    places = [*map(str, folders), os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"]
    if path := shutil.which(name, path=os.pathsep.join(places)):
        return path
    raise ServiceError(f"{name} is not installed; apt-get install {package}")


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens to.

    Not one that the kernel gives to clients (from 32768 on): it could take it while the server is down, and a client
    that tries to reach the server then can be connected with itself.
    """
    while True:
        port = random.SystemRandom().randrange(20000, 32000)
        with socket.socket() as candidate, suppress(OSError):
            candidate.bind(("127.0.0.1", port))
            return port


def is_listening(port: int) -> bool:
    """Return whether a server accepts connections at this port of 127.0.0.1."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def guard(stop_signal: int, command: Sequence[str]) -> int:
    """Run the command until it or our input ends, then kill what it left behind; return its exit code."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)  # orphans among its descendants become our children
    daemon = psutil.Popen(command, stdin=subprocess.DEVNULL)

    def stop_at_the_end_of_input() -> None:
        os.read(sys.stdin.fileno(), 1)
        with suppress(psutil.NoSuchProcess):
            daemon.send_signal(stop_signal)
            time.sleep(SECONDS_TO_STOP)
            daemon.kill()

    threading.Thread(target=stop_at_the_end_of_input, daemon=True).start()
    ended, status = 0, 0
    while ended != daemon.pid:
        ended, status = os.wait()
    while family := psutil.Process().children(recursive=True):
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        os.wait()
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(guard(int(sys.argv[1]), sys.argv[2:]))
