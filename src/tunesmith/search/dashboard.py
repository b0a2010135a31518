"""optuna-dashboard on a study's journal or database, on this machine alone and without its buttons that write."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from tunesmith.errors import UserError
from tunesmith.search.report.files import read_files
from tunesmith.search.report.kind import is_study
from tunesmith.search.report.stored import open_stored

HOST = "127.0.0.1"
WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
REFUSED = b"this dashboard only reads: it would delete, rename and end trials of a study that a sweep may be working on"


@contextmanager
def dashboard(folder: Path, port: int) -> Iterator[WSGIServer]:
    """Yield a server of a study's dashboard; serve_forever() of it answers, a study that runs too.

    port: 0: any free one.

    Raises:
        UserError: optuna-dashboard is not installed, the study cannot be read, or the port is taken.
    """
    if not is_study(folder):
        raise UserError(f"folder must be a study's; got {folder}, which is a run's")
    try:
        from optuna_dashboard import wsgi
    except ImportError:
        raise UserError("optuna-dashboard is not installed: make dashboard installs it") from None
    files = read_files(folder)
    app = wsgi(open_stored(folder, files.url, files.name, files.directions))
    try:
        server = make_server(HOST, port, only_reading(app), _Server, _Quiet)
    except OSError as error:
        raise UserError(f"port must be free; got {port}: {error.strerror}") from None
    with server:
        yield server


def only_reading(app: WsgiApp) -> WsgiApp:
    """Return an application that refuses what would write, and what another site's page asks by a name of its own."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        host = str(environ.get("HTTP_HOST", "")).rpartition(":")[0]
        if environ["REQUEST_METHOD"] in ("GET", "HEAD") and host in (HOST, "localhost"):
            return app(environ, start_response)
        start_response("403 Forbidden", [("Content-Type", "text/plain"), ("Content-Length", str(len(REFUSED)))])
        return [REFUSED]

    return answer


class _Server(ThreadingMixIn, WSGIServer):
    """A browser opens connections before it asks: one that says nothing must not hold up the others."""

    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Print nothing for a request."""
