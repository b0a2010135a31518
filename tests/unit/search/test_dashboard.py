"""The dashboard of a study reads, and answers this machine alone."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tunesmith.errors import UserError
from tunesmith.search.dashboard import HOST, dashboard, only_reading


def ask(method: str, host: str) -> str:
    """Return what an application that says "answered" answers behind the guard."""
    statuses: list[str] = []

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [b"answered"]

    environ = {"REQUEST_METHOD": method, "HTTP_HOST": host}
    body = only_reading(application)(environ, lambda status, _: statuses.append(status))
    return f"{statuses[0]}: {b''.join(body).decode()}"


@pytest.mark.parametrize(("method", "host"), [("GET", f"{HOST}:8080"), ("HEAD", "localhost:8080")])
def test_what_reads_is_answered(method: str, host: str) -> None:
    assert ask(method, host) == "200 OK: answered"


@pytest.mark.parametrize(
    ("method", "host"),
    [
        *((method, f"{HOST}:8080") for method in ("POST", "PUT", "DELETE", "PATCH")),
        pytest.param("GET", "example.org:8080", id="a name that another site gives this machine"),
        pytest.param("GET", "", id="no name"),
    ],
)
def test_what_writes_or_comes_from_elsewhere_is_refused(method: str, host: str) -> None:
    assert ask(method, host).startswith("403 Forbidden: this dashboard only reads")


@pytest.mark.parametrize(
    ("left", "message"),
    [
        ("result.yaml", "folder must be a study's; got FOLDER, which is a run's"),
        ("notes.txt", "folder must be one that a study or a run left; got FOLDER"),
    ],
)
def test_a_folder_without_a_study_is_named(tmp_path: Path, left: str, message: str) -> None:
    (tmp_path / left).touch()
    with (
        pytest.raises(UserError, match=f"^{re.escape(message.replace('FOLDER', str(tmp_path)))}$"),
        dashboard(tmp_path, 0),
    ):
        pass
