"""Where a study is kept: a journal in its folder, or a database by URL."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from tunesmith.errors import UserError

JOURNAL_FILE = "study.journal"
OPTIONS = "options: null (study.journal in the study's folder), sqlite:///FILE, postgresql+psycopg://USER@HOST/NAME"


class JournalLock:
    """Lock of a journal file for the time of one append; cuts a torn last line before it.

    A process killed while it writes leaves a line without its end; Optuna would glue the next record to it, and nobody
    could read the study again. The kernel frees a flock when its holder dies, so no kill stalls the others.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = -1

    def acquire(self) -> bool:
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        cut_torn_tail(self._file)
        return True

    def release(self) -> None:
        os.close(self._file)


def cut_torn_tail(file: int) -> None:
    """Cut an open file back to the end of its last whole line."""
    size = os.fstat(file).st_size
    end = size
    while end > 0:
        start = max(0, end - 4096)
        newline = os.pread(file, end - start, start).rfind(b"\n")
        if newline >= 0:
            end = start + newline + 1
            break
        end = start
    if end < size:
        os.ftruncate(file, end)


def open_storage(url: str | None, folder: Path) -> BaseStorage:
    """Open the journal of a study's folder, or the database of a URL; tables are made where there are none.

    Raises:
        UserError: the URL is none, names an unknown database, or the database does not answer.
    """
    if url is None:
        return open_journal(folder / JOURNAL_FILE)
    try:
        return RDBStorage(url)
    except (SQLAlchemyError, ImportError) as error:
        reason = " ".join(str(error.__cause__ or error).split()).split(" (Background")[0]
        raise UserError(f"hydra.sweeper.storage must be reachable; got '{redacted(url)}': {reason}") from None


def open_journal(path: Path) -> BaseStorage:
    """Open a journal file for any number of processes of one machine."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return JournalStorage(JournalFileBackend(str(path), lock_obj=JournalLock(path)))  # type: ignore[arg-type]


def redacted(url: str) -> str:
    """Return a storage's URL without its password."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except (ArgumentError, ValueError):
        return url


def check_url(url: str | None) -> None:
    """Raise UserError unless a storage is null or the URL of a database that SQLAlchemy knows."""
    if url is None:
        return
    try:
        make_url(url).get_dialect()
    except (ArgumentError, NoSuchModuleError, ImportError, ValueError):
        raise UserError(
            f"hydra.sweeper.storage must be null or a database's URL; got '{redacted(url)}'; {OPTIONS}"
        ) from None
