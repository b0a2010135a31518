"""A PostgreSQL server on loopback, with data of its own."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psycopg
from psycopg import sql
from services.daemon import Daemon, ServiceError, find_program, free_port
from sqlalchemy import URL


class Postgres:
    """One server; each test gets a database of its own from it."""

    def __init__(self, folder: Path, user: str = "tunesmith", password: str | None = None) -> None:
        self.user, self.password = user, password or secrets.token_urlsafe()
        self.port = free_port()
        self._folder, self._data = folder, folder / "data"
        debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
        self._initdb, postgres = (find_program(name, "postgresql", *debian) for name in ("initdb", "postgres"))
        self._as_user = as_ordinary_user(folder)
        options = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": folder,
            "fsync": "off",  # what is here need not outlive the machine
        }
        self._daemon = Daemon(
            [*self._as_user, postgres, "-D", self._data, *(f"--{name}={value}" for name, value in options.items())],
            folder / "postgres.log",
            self._answers,
            stop_signal=signal.SIGINT,  # SIGTERM would wait for the clients to leave
        )

    def start(self) -> None:
        if not self._data.exists():
            self._make_data()
        self._daemon.start()

    def stop(self) -> None:
        """Stop at once: clients lose their connections, what they committed stays."""
        self._daemon.stop()

    def restart(self, seconds_down: float = 0.0) -> None:
        self.stop()
        time.sleep(seconds_down)
        self.start()

    def url(self, database: str) -> str:
        """Return what SQLAlchemy and Optuna connect to, password included."""
        url = URL.create("postgresql+psycopg", self.user, self.password, "127.0.0.1", self.port, database)
        return url.render_as_string(hide_password=False)

    def make_database(self, name: str) -> str:
        """Make an empty database, in place of one of that name; return its url."""
        with self._connect() as connection:
            for command in ("DROP DATABASE IF EXISTS {} WITH (FORCE)", "CREATE DATABASE {}"):
                connection.execute(sql.SQL(command).format(sql.Identifier(name)))
        return self.url(name)

    def _make_data(self) -> None:
        password = self._folder / "password"
        password.write_text(self.password)
        settings = (f"--username={self.user}", f"--pwfile={password}", "--auth=scram-sha-256", "--encoding=UTF8")
        command = [*self._as_user, self._initdb, "-D", self._data, *settings, "--locale=C", "--no-sync"]
        ended = subprocess.run(command, cwd=self._folder, capture_output=True, text=True)
        password.unlink()
        if ended.returncode:
            raise ServiceError(f"initdb ended with code {ended.returncode}:\n{ended.stderr}")

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=self.user,
            password=self.password,
            dbname="postgres",
            autocommit=True,
            connect_timeout=5,
        )

    def _answers(self) -> bool:
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True


def as_ordinary_user(folder: Path) -> list[str]:
    """Return what comes before a command of PostgreSQL's, which refuses root; its user gets the folder."""
    if os.geteuid() != 0:
        return []
    has_own_user = any(entry.pw_name == "postgres" for entry in pwd.getpwall())
    user = pwd.getpwnam("postgres" if has_own_user else "nobody")
    shutil.chown(folder, user.pw_uid, user.pw_gid)
    setpriv = find_program("setpriv", "util-linux")
    return [setpriv, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
