"""Mistakes of users as rows of a table: what is typed, and the words that the answer must hold.

A row goes through the real command line, in this process: a fork of Python would take ten times as long.
"""

from __future__ import annotations

import io
import shlex
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hydra._internal.hydra import Hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.core.singleton import Singleton
from hydra_app import root_logger_kept

from tunesmith.cli import main

MAX_LINES = 4


@dataclass(frozen=True)
class Mistake:
    """One command line that must be refused."""

    typed: str
    words: tuple[str, ...]
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    is_late: bool = False


def mistake(
    typed: str,
    *words: str,
    files: Mapping[str, str | bytes] | None = None,
    env: Mapping[str, str] | None = None,
    is_late: bool = False,
) -> object:
    """Return a row.

    typed: train.py's arguments as in a shell. words: what the answer must hold: key, rule, value, an option.
    files: name -> content, written before. is_late: found once the run has begun, whose folder then is there.
    """
    return pytest.param(Mistake(typed, words, files or {}, env or {}, is_late), id=typed)


def check_that_it_is_refused(mistake: Mistake, folder: Path) -> None:
    """Type a mistake in a folder: a short answer with the words, an exit code of a failure, no file made or changed."""
    for name, content in mistake.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    before = _files(folder)
    code, text = _run(mistake, folder)
    assert code not in (None, 0), text
    assert "Traceback" not in text
    assert len(text.splitlines()) <= MAX_LINES, text
    assert [word for word in mistake.words if word not in text] == [], text
    after = _files(folder)
    if mistake.is_late:
        made = [path.name for path in after if path not in before]
        assert {"result.yaml", "metrics.csv", "checkpoints", "study.journal"}.isdisjoint(made)
        after = {path: stamp for path, stamp in after.items() if path in before}
        before = {path: stamp for path, stamp in before.items() if path != folder}
        after.pop(folder, None)
    assert after == before


def _run(mistake: Mistake, folder: Path) -> tuple[object, str]:
    """Return the exit code and all that a terminal would show."""
    shown = io.StringIO()
    code: object = 0
    with _as_new_process(mistake, folder), redirect_stdout(shown), redirect_stderr(shown):
        try:
            main()
        except SystemExit as error:
            code = error.code
    if isinstance(code, str):  # Python prints the text of an exit, and ends with 1
        print(code, file=shown)
        code = 1
    return code, shown.getvalue()


@contextmanager
def _as_new_process(mistake: Mistake, folder: Path) -> Iterator[None]:
    """Let main() find what a new process would, and take back what it leaves."""
    plugins = Plugins.instance()  # its first call registers where configs are read from, which is part of the state
    state = Singleton.get_state()
    state["instances"][Plugins] = plugins  # else Hydra looks for plugins again, in all packages
    with pytest.MonkeyPatch.context() as patch, root_logger_kept(), warnings.catch_warnings():
        patch.setenv("HYDRA_FULL_ERROR", "0")  # main() sets it
        for name, value in mistake.env.items():
            patch.setenv(name, value)
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["train.py", *shlex.split(mistake.typed)])
        if "hydra.mode" not in mistake.typed:  # Hydra composes a first time only to see this key
            patch.setattr(Hydra, "get_mode", lambda *_, **__: None)
        try:
            yield
        finally:
            GlobalHydra.instance().clear()
            Singleton.set_state(state)


def _files(folder: Path) -> dict[Path, tuple[int, bytes]]:
    return {
        path: (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in (folder, *folder.rglob("*"))
    }
