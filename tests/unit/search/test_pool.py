"""The pool: what a worker that cannot start said last; the rest is in tests/integration/test_workers.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunesmith.search.pool import last_words


@pytest.mark.parametrize(
    ("output", "words"),
    [
        pytest.param(b"Traceback\n  line\nOSError: no such library\n\n  \n", "OSError: no such library", id="a line"),
        pytest.param(b"first\n last \xff", "last \ufffd", id="no text"),
    ],
)
def test_last_words(tmp_path: Path, output: bytes, words: str) -> None:
    (tmp_path / "output.log").write_bytes(output)
    assert last_words(tmp_path / "output.log") == words


def test_no_words(tmp_path: Path) -> None:
    log = tmp_path / "output.log"
    log.touch()
    assert last_words(log) == f"{log} is empty"
