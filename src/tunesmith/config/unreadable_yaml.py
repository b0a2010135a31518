"""A YAML file that cannot be read, in one line: the file, the line, what is there, and how to mend it."""

from __future__ import annotations

import os
import traceback
from pathlib import Path
from typing import Any

import yaml

from tunesmith.errors import UserError, shorten, text_of

_CONFLICT = ("<<<<<<<", "=======", ">>>>>>>")
# What PyYAML says -> how to mend it.
_WAYS_OUT = {
    "'\\t'": "indent with spaces, not with a tab",
    "cannot start any token": "put the text in quotes",
    "duplicate key": "leave one of the two out",
    "mapping values are not allowed": "put a text with ': ' in quotes, and indent the keys of one node alike",
    "undefined alias": "put a text that begins with * in quotes, or define the anchor with & above",
    "end of stream": "close the quote",
    "',' or ']'": "close the bracket",
    "',' or '}'": "close the brace",
    "block end": "indent the keys of one node alike",
    "could not find expected ':'": "write KEY: VALUE, with a space after the colon",
    "constructor for the tag": "put a text that begins with ! in quotes",
    "another document": "leave the line --- out",
}
# Lines of Hydra's and OmegaConf's own readers, by the function and the variable that holds the file.
_READERS = {"load_config": "full_path", "load": "file_"}


def read_plain_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file of plain keys and values.

    Raises:
        UserError: it is none, as after a merge or on a disk that was full.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(explain_unreadable(error, path)) from None
    if not isinstance(content, dict):
        raise UserError(f"{_shown(path)}: must hold keys and their values; got {_short(content)}")
    return content


def file_being_read(error: BaseException) -> Path | None:
    """Return the config file that Hydra or OmegaConf was reading when the error was raised."""
    for frame, _ in reversed(list(traceback.walk_tb(error.__traceback__))):
        module = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        variable = _READERS.get(frame.f_code.co_name)
        if module in ("hydra", "omegaconf") and variable is not None:
            path = frame.f_locals.get(variable)
            if isinstance(path, str | Path):
                return Path(path)
    return None


def explain_unreadable(error: BaseException, path: Path) -> str:
    """Return one line that says why a file cannot be read."""
    if isinstance(error, UnicodeDecodeError):
        return _explain_encoding(path)
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return _explain_mark(path, error.problem_mark, " ".join(str(error.problem).split()))
    if isinstance(error, yaml.reader.ReaderError):
        line = path.read_text(encoding="utf-8", errors="replace")[: error.position].count("\n") + 1
        return f"{_shown(path)}, line {line}: must be YAML; got the character {error.character!r}: take it out"
    return f"{_shown(path)}: {_text(error)}"


def _text(error: BaseException | None) -> str:
    """Return what an error or its cause says, without OmegaConf's lines on the node."""
    while error is not None:
        text = text_of(error).partition("full_key:")[0].strip()
        if text:
            return text
        error = error.__cause__ or error.__context__
    return "cannot be read"


def _explain_encoding(path: Path) -> str:
    content = path.read_bytes()
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return f"{_shown(path)}, line 1: must be UTF-8; got UTF-16: save it as UTF-8"
    before = content.decode("utf-8", errors="surrogateescape")
    index = next((at for at, char in enumerate(before) if 0xDC80 <= ord(char) <= 0xDCFF), 0)
    line = before[:index].count("\n") + 1
    return (
        f"{_shown(path)}, line {line}: must be UTF-8; got the byte {ord(before[index]) - 0xDC00:#04x}: save it as UTF-8"
    )


def _explain_mark(path: Path, mark: yaml.Mark, problem: str) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    conflict = next((number for number, text in enumerate(lines) if text.startswith(_CONFLICT)), None)
    if conflict is not None:
        got = lines[conflict].strip()
        return f"{_shown(path)}, line {conflict + 1}: must be YAML; got '{got}': finish the merge, which has left this"
    way_out = next((f": {text}" for says, text in _WAYS_OUT.items() if says in problem), "")
    got = repr(shorten(lines[mark.line].strip())) if mark.line < len(lines) else "the end of the file"
    return (
        f"{_shown(path)}, line {mark.line + 1}, column {mark.column + 1}: must be YAML; got {got}: {problem}{way_out}"
    )


def _shown(path: Path) -> str:
    """Return the file as it is seen from the current folder, if it lies below."""
    here = Path.cwd()
    return os.path.relpath(path) if here in path.absolute().parents else str(path)


def _short(content: object) -> str:
    text = repr(content)
    return text if len(text) <= 60 else f"{text[:60]}..."
