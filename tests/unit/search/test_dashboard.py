"""The dashboard of a study reads, and answers this machine alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from tunesmith.search.dashboard import HOST, only_reading


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
