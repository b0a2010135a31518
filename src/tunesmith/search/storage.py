"""Where a study is kept: a journal in its folder, or a database by URL."""

from __future__ import annotations

from pathlib import Path

from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from tunesmith.errors import UserError
from tunesmith.search.journal import JournalFile

JOURNAL_FILE = "study.journal"
OPTIONS = "options: null (study.journal in the study's folder), sqlite:///FILE, postgresql+psycopg://USER@HOST/NAME"


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
    path.touch()
    return JournalStorage(JournalFile(path.absolute()))  # a job may change its folder


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
