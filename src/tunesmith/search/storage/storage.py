"""Where a study is kept: a journal in its folder, or a database by URL."""

from __future__ import annotations

import logging
import os
import random
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import optuna
from optuna.storages import BaseStorage, RDBStorage

from tunesmith.errors import UserError
from tunesmith.search.storage.journal import JournalFile
from tunesmith.search.storage.mended import MendedStorage
from tunesmith.search.storage.password import redact, with_password
from tunesmith.search.storage.reconnecting import WAIT_S, is_silence, last_message, make_reconnecting
from tunesmith.search.storage.stand_ins import StudyNamed

if TYPE_CHECKING:  # .3 s of each sweep, and of each mistake in one, that a database alone needs
    from sqlalchemy.engine import URL

JOURNAL_FILE = "study.journal"
OPTIONS = "options: null (study.journal in the study's folder), sqlite:///FILE, postgresql+psycopg://USER@HOST/NAME"
# It warns of each query that broke, with its SQL; ReconnectingStorage says what becomes of the query.
logging.getLogger("optuna.storages._rdb.storage").setLevel(logging.ERROR)
# Makes drivers notice a server that is gone without a word, such as a machine that lost its power.
_LIBPQ = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": int(1000 * WAIT_S),
}
# Driver -> what pip installs it by; the extra would have the name of a project that a clone may rename.
_PACKAGES = {"psycopg": "psycopg[binary]"}
# Processes that open an empty database at once make its tables at once, and all but one fail.
NUM_TRIES = 20


def open_storage(url: str | None, folder: Path, waits: bool = False, study: StudyNamed | None = None) -> BaseStorage:
    """Open the journal of a study's folder, or the database of a URL; a new database gets its tables.

    waits: whether to wait for a database that does not answer yet; later outages are always waited for.
    study: what the command knows of its study, if the journal's record of it is damaged.

    Raises:
        UserError: the URL names no known database, or the database does not answer.
    """
    if url is None:
        return open_journal(folder / JOURNAL_FILE, study)
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return make_reconnecting(optuna.storages.get_storage(_open_database(with_password(url), waits)), redact(url))
    except ImportError as error:
        raise UserError(f"hydra.sweeper.storage must have its driver; got '{redact(url)}': {error}") from None
    except RuntimeError as error:  # tables of an older Optuna
        raise UserError(
            f"hydra.sweeper.storage must have the tables of this version of Optuna; got '{redact(url)}': {error}"
        ) from None
    except SQLAlchemyError as error:
        raise _unreachable(url, last_message(error)) from None


def open_journal(path: Path, study: StudyNamed | None = None) -> BaseStorage:
    """Open a journal file for any number of processes of one machine; damaged records are set aside.

    Raises:
        UserError: the record that names the study is damaged, and `study` is not given.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():  # another user's may be read
        path.touch()
    return MendedStorage(JournalFile(path.absolute()), study)  # a job may change its folder


def check_url(url: str | None) -> None:
    """Raise UserError unless a storage is null or the URL of a database whose driver is there."""
    if url is None:
        return
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    try:
        parsed = make_url(url)
        driver = parsed.get_dialect()
    except (ArgumentError, NoSuchModuleError, ImportError, ValueError):
        raise UserError(
            f"hydra.sweeper.storage must be null or a database's URL; got '{redact(url)}'; {OPTIONS}"
        ) from None
    if "password" in parsed.query:
        raise UserError(f"hydra.sweeper.storage must have its password before the host; {OPTIONS}")
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise UserError(f"hydra.sweeper.storage must be kept in a file; got '{url}'; {OPTIONS}")
    try:
        driver.import_dbapi()
    except ImportError as error:
        raise UserError(
            f"hydra.sweeper.storage must have its driver; got '{redact(url)}': {error}{_hint(parsed)}"
        ) from None


def check_reachable(url: str | None) -> None:
    """Raise UserError for a database that does not answer, before anything is composed; makes no file of SQLite's."""
    if url is None:
        return
    from sqlalchemy import create_engine
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import SQLAlchemyError

    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        folder = Path(str(parsed.database)).parent
        if "mode" not in parsed.query and not os.access(folder, os.W_OK | os.X_OK):
            raise _unreachable(url, "unable to open database file")
        return
    engine = create_engine(with_password(url), connect_args=_connect_args(parsed))
    try:
        engine.connect().close()
    except SQLAlchemyError as error:
        raise _unreachable(url, last_message(error)) from None
    finally:
        engine.dispose()


def _unreachable(url: str, reason: str) -> UserError:
    return UserError(f"hydra.sweeper.storage must be reachable; got '{redact(url)}': {reason}")


def _hint(url: URL) -> str:
    package = _PACKAGES.get(url.get_driver_name())
    return f"; pip install '{package}'" if package else ""


def _open_database(url: str, waits: bool) -> RDBStorage:
    """Raises SQLAlchemyError, ImportError."""
    from sqlalchemy import create_engine
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import SQLAlchemyError

    # a worker keeps one connection, as servers have few; its heartbeat may need a second one for a moment
    arguments = {"connect_args": _connect_args(make_url(url)), "pool_size": 1}
    deadline = time.monotonic() + (WAIT_S if waits else 0.0)
    while True:
        try:
            engine = create_engine(url, **arguments)
            engine.connect().close()
            engine.dispose()
            break
        except SQLAlchemyError as error:
            if not is_silence(error) or time.monotonic() > deadline:
                raise
        time.sleep(0.5)
    return _with_tables(url, arguments)


def _with_tables(url: str, arguments: dict[str, Any]) -> RDBStorage:
    from sqlalchemy.exc import SQLAlchemyError

    for left in reversed(range(NUM_TRIES)):
        try:
            return RDBStorage(url, engine_kwargs=dict(arguments))
        except (SQLAlchemyError, AssertionError):  # Optuna asserts if another process has made a part of the tables
            if not left:
                raise
            time.sleep(random.uniform(0.05, 0.3))
    raise AssertionError("the last try returns or raises")


def _connect_args(url: URL) -> dict[str, Any]:
    if url.get_driver_name() in ("psycopg", "psycopg2"):
        return {key: value for key, value in _LIBPQ.items() if key not in url.query}
    return {"timeout": WAIT_S} if url.get_backend_name() == "sqlite" else {}
