"""Full disks and folders that are gone, told from a failure of the run itself, in one line."""

from __future__ import annotations

import errno
import logging
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tunesmith.errors import MachineFault, text_of

# Error number -> what it is called, and the way out. None of them is a fault of the code that meets it. Out of memory
# is not among them: a model that is too large is a failure of its trial.
_KINDS = {
    errno.ENOSPC: ("disk full", "make room"),
    errno.EDQUOT: ("quota exceeded", "make room"),
    errno.EFBIG: ("file too large", "raise the limit of files (ulimit -f)"),
    errno.EROFS: ("disk is read-only", "mount it for writing"),
    errno.EIO: ("disk error", "look after the disk"),
    errno.ESTALE: ("network disk lost", "mount it again"),
    errno.EMFILE: ("too many open files", "raise the limit of a process (ulimit -n)"),
    errno.ENFILE: ("too many open files", "close some, or raise the limit of the machine"),
}
# More than what a process says before it ends.
PROBE_BYTES = 65536
_GONE = (errno.ENOENT, errno.ENOTDIR)
_OTHER = ("cannot be written", "let it be written again")
# How errors without a number of their own tell it: those of a DataLoader's worker, of h5py, of C++.
_NUMBER = re.compile(r"\[Errno (\d+)\]")
_TEXTS = {os.strerror(errno.ENOSPC): errno.ENOSPC, "PytorchStreamWriter failed writing": errno.ENOSPC}


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise MachineFault for any error of the system in a block that writes a file of ours."""
    try:
        yield
    except OSError as error:
        raise _fault(error.errno, path) from None


def find_machine_fault(error: BaseException, folder: Path | None = None) -> MachineFault | None:
    """Return the machine's fault that an error comes from, None if there is none.

    folder: of the run, which may be gone; a file that a user's own code does not find elsewhere is no such fault.
    """
    for cause in _causes(error):
        if isinstance(cause, MachineFault):
            return cause
        number = _number_of(cause)
        path = getattr(cause, "filename2", None) or getattr(cause, "filename", None) or folder
        if number in _KINDS or (number in _GONE and folder is not None and not folder.is_dir()):
            return _fault(number, folder if number in _GONE else path)
    return None


def probe(folder: Path) -> MachineFault | None:
    """Return why a folder cannot be written to, None if it can: for a process that has ended without a word."""
    path = folder / f".probe.{os.getpid()}"
    try:
        with writing(path):
            try:
                path.write_bytes(bytes(PROBE_BYTES))
            finally:
                path.unlink(missing_ok=True)
    except MachineFault as fault:
        return fault
    return None


def silence_helpers() -> None:
    """Let logging and threads print no traceback of a machine's fault: the run itself meets it and says it in one line.

    TensorBoard writes in a thread, and hands the thread's error to the run.
    """
    for handler in logging.getLogger().handlers:
        handler.handleError = _QuietIfFull(handler).handle  # type: ignore[method-assign]
    if not isinstance(threading.excepthook, _QuietThreads):
        threading.excepthook = _QuietThreads(threading.excepthook)


def leave_full_streams() -> None:
    """Let go of an output that takes no more: Python would complain of it at its end, with an exit code of its own."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class _QuietIfFull:
    def __init__(self, handler: logging.Handler) -> None:
        self._handler = handler

    def handle(self, record: logging.LogRecord) -> None:
        error = sys.exc_info()[1]
        if error is None or find_machine_fault(error) is None:
            logging.Handler.handleError(self._handler, record)


class _QuietThreads:
    def __init__(self, show: Callable[[threading.ExceptHookArgs], object]) -> None:
        self._show = show

    def __call__(self, error: threading.ExceptHookArgs) -> None:
        if error.exc_value is None or find_machine_fault(error.exc_value) is None:
            self._show(error)


def _fault(number: int | None, path: object) -> MachineFault:
    reason = os.strerror(number) if number is not None else "unknown error"
    if number in _GONE:
        return MachineFault(f"folder gone: '{path}' ({reason}): it was removed while it was written to")
    what, way_out = _KINDS.get(number or 0, _OTHER)
    where = "" if path is None else f": '{path}'"
    return MachineFault(f"{what}{where} ({reason}): {way_out}")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and all errors that it came from, or that it groups, each once."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        cause = waiting.pop()
        if cause is None or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        context = None if cause.__suppress_context__ else cause.__context__
        waiting += [context, cause.__cause__, *getattr(cause, "exceptions", ())]


def _number_of(error: BaseException) -> int | None:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    text = text_of(error)
    found = _NUMBER.search(text)
    return int(found[1]) if found else next((number for part, number in _TEXTS.items() if part in text), None)
