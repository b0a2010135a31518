"""Optuna's journal in one file, for many processes, any of which may be killed in the middle of a line.

The format is that of Optuna's own JournalFileBackend. Optuna's backend glues the next record to a torn line, after
which nobody can read the study. It also goes on reading at its old byte in a file that lost records, and so takes
another process's trial for its own.
"""

from __future__ import annotations

import errno
import fcntl
import io
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import BaseJournalBackend

from tunesmith.machine_faults import writing
from tunesmith.search.storage.records import to_line

# How much of the journal's end a process remembers: some twenty records.
TAIL_BYTES = 4096


class JournalDamaged(RuntimeError):
    """The file lost records that this process has read, and others have written to it since."""


class DamagedRecord(JournalDamaged):
    """A line of the file is no record of the study."""


class JournalFile(BaseJournalBackend):
    """Appends whole lines under a lock, after it has mended the end of the file.

    A torn last line is cut. A file that is shorter than what this process has read gets the missing bytes back.
    The lock is a flock: the kernel frees it when its holder dies, so that no kill stalls the others.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ends = [0]  # byte at which the first n records end
        self._tail = b""  # the last bytes before self._ends[-1]
        self._gathered: dict[int, list[dict[str, Any]]] = {}  # by thread; a threading.local could not be pickled

    @contextmanager
    def gather(self) -> Iterator[list[dict[str, Any]]]:
        """Keep the records that this thread appends in a block, instead of writing them; yield the list of them."""
        thread = threading.get_ident()
        logs = self._gathered[thread] = []
        try:
            yield logs
        finally:
            del self._gathered[thread]

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append records.

        Raises:
            JournalDamaged: this process's view of the study is no longer the file's.
            MachineFault: the disk is full, the file is gone, or the like.
        """
        gathered = self._gathered.get(threading.get_ident())
        if gathered is not None:
            gathered += logs
            return
        lines = b"".join(map(to_line, logs))
        with writing(self.path), self._lock() as file:
            self._learn(file)
            content = self._tail + lines  # at once: a cut comes before both or after
            if os.pwrite(file, content, self._ends[-1] - len(self._tail)) < len(content):
                os.ftruncate(file, self._ends[-1])
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
        for line in lines.splitlines(keepends=True):
            self._remember(line)  # _put_back restores it if the file loses it
        if any("datetime_complete" in log for log in logs):
            with writing(self.path):
                self._sync()

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """Yield the records from a number on, up to the last whole line; raises JournalDamaged as append_logs does."""
        with writing(self.path), self.path.open("rb") as file:
            if not self._is_as_known(file.fileno()):
                with self._lock():
                    pass  # mended
            end, position = end_of_whole_lines(file.fileno()), self._ends[log_number_from]
            file.seek(position)
            for number, line in enumerate(file, start=log_number_from):
                position += len(line)
                if position > end or not line.endswith(b"\n"):  # the file may be cut meanwhile
                    return
                record = self._parse(line)
                if number + 1 == len(self._ends):
                    self._remember(line)
                yield record

    def take_over(self, other: JournalFile) -> None:
        """Know of the file what another reader of it knows."""
        self._ends, self._tail = other._ends, other._tail

    @contextmanager
    def _lock(self) -> Iterator[int]:
        """Hold the lock of the file, whose end is mended."""
        with lock(self.path) as file:
            self._put_back(file)
            cut_torn_tail(file)
            yield file

    def _put_back(self, file: int) -> None:
        """Give a locked file the bytes back that this process has read and that were cut, or damaged, since.

        Raises JournalDamaged if what is there now is another process's.
        """
        start = self._ends[-1] - len(self._tail)
        found = os.pread(file, len(self._tail), start)
        if found == self._tail:
            return
        damaged = self._damaged_lines(found, os.fstat(file).st_size)
        if not damaged and (not self._tail.startswith(found) or not found):
            raise JournalDamaged(f"{self.path} lost records, and others have written to it since")
        os.pwrite(file, self._tail, start)
        for number in damaged:
            print(f"{self.path}: line {number} at byte {self._ends[number - 1]} was damaged: put back", flush=True)

    def _damaged_lines(self, found: bytes, size: int) -> list[int]:
        """Return the numbers, from 1, of remembered lines whose bytes are no record now; none if others have written.

        Nobody has, if the last line is the same, or nothing is behind it.
        """
        ends = [end for end in self._ends if end >= self._ends[-1] - len(self._tail)]
        start = self._ends[-1] - len(self._tail)
        lines = [(self._tail[a - start : b - start], found[a - start : b - start]) for a, b in pairwise(ends)]
        differing = [index for index, (before, now) in enumerate(lines) if before != now]
        is_first_same = found[: ends[0] - start] == self._tail[: ends[0] - start]
        is_own = is_first_same and len(found) == len(self._tail) and (size == ends[-1] or lines[-1][0] == lines[-1][1])
        if not is_own or any(_read(lines[index][1]) is not None for index in differing):
            return []
        return [len(self._ends) - len(lines) + index for index in differing]

    def _sync(self) -> None:
        """Flush the file to the disk, outside of the lock, so that ended trials survive a power cut.

        A running trial is retried anyway; a killed process loses nothing that it has written.
        """
        file = os.open(self.path, os.O_RDWR)
        os.fsync(file)
        os.close(file)

    def _learn(self, file: int) -> None:
        """Remember the records of a locked file that this process has not read."""
        start = self._ends[-1]
        new = os.pread(file, max(os.fstat(file).st_size - start, 0), start)
        for line in io.BytesIO(new[: new.rfind(b"\n") + 1]):  # splitlines would split at a damaged byte, too
            self._remember(line)

    def _remember(self, line: bytes) -> None:
        self._ends.append(self._ends[-1] + len(line))
        self._tail = (self._tail + line)[-TAIL_BYTES:]

    def _is_as_known(self, file: int) -> bool:
        return os.pread(file, len(self._tail), self._ends[-1] - len(self._tail)) == self._tail

    def _parse(self, line: bytes) -> dict[str, Any]:
        record = _read(line)
        if record is None:
            raise DamagedRecord(f"{self.path} has a line that is no record: {line[:80]!r}")
        return record


def _read(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


@contextmanager
def lock(path: Path) -> Iterator[int]:
    """Hold the lock of a journal, so that no other process writes to it."""
    file = os.open(path, os.O_RDWR)  # one that is gone is not made anew
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file
    finally:
        os.close(file)


@contextmanager
def one_append(storage: BaseStorage) -> Iterator[None]:
    """Collect what this thread writes to a journal in a block, and append it in one write at its end.

    A record of a trial that has ended meanwhile is left out without an error: look at the trial's state. In the block
    the storage does not know yet what was written. A database takes each write at once, as without this block.
    """
    if not (isinstance(storage, JournalStorage) and isinstance(storage._backend, JournalFile)):
        yield
        return
    with storage._backend.gather() as logs:
        yield
    if not logs:
        return
    with storage._thread_lock:
        storage._backend.append_logs(logs)
        while True:  # Optuna raises at each record that comes too late, and goes on behind it the next time
            try:
                storage._sync_with_backend()
                return
            except UpdateFinishedTrialError:
                continue


def cut_torn_tail(file: int) -> None:
    """Cut an open file back to the end of its last whole line."""
    end = end_of_whole_lines(file)
    if end < os.fstat(file).st_size:
        os.ftruncate(file, end)


def end_of_whole_lines(file: int) -> int:
    """Return the byte after the last newline of an open file.

    What is behind it may be replaced at any moment: who reads on there could take the first half of one record and the
    second half of another one for a record.
    """
    end = os.fstat(file).st_size
    while end > 0:
        start = max(0, end - TAIL_BYTES)
        newline = os.pread(file, end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0
