"""A bug's traceback without the frames above the user's own code: those of Hydra, Lightning, torch and ours."""

from __future__ import annotations

import os
import re
import sys
import sysconfig
from pathlib import Path
from traceback import StackSummary, TracebackException
from typing import NamedTuple

# The user's wish for all frames. Hydra leaves errors to main() at the same wish, so main() sets it itself; MADE_UP
# tells this process, its workers and its ranks that it was not the user.
WISH, MADE_UP = "HYDRA_FULL_ERROR", "HYDRA_FULL_ERROR_IS_OURS"
# What torch puts before the traceback of a DataLoader's worker, in the text of the error that it raises for it.
_HEAD = "Traceback (most recent call last):\n"
_OF_WORKER = f"Original {_HEAD}"
_OURS = (Path(__file__).parent, Path(__file__).parents[1] / "hydra_plugins")
_STDLIB = Path(sysconfig.get_paths()["stdlib"])
_PACKAGES = ("site-packages", "dist-packages")
# Packages that call a user's code, by their folders' names.
_CALLERS = ("hydra", "omegaconf", "lightning", "pytorch_lightning", "lightning_fabric", "lightning_utilities", "torch")
# How Python begins its refusal of a call: the function's name in its module.
_REFUSED_CALL = re.compile(r"(?P<name>[\w.]+)\(\) (takes|missing|got) ")
_FRAME = re.compile(r'  File "(?P<file>[^"]+)", line \d+, in (?P<name>.*)\n(?:    .*\n?)*')


class _Frame(NamedTuple):
    """A function under way: the file of its code, and its name."""

    file: str
    name: str


def take_errors_from_hydra() -> None:
    """Have Hydra leave errors as they are, without taking that for the user's wish."""
    if os.environ.get(WISH) != "1":
        os.environ[WISH] = os.environ[MADE_UP] = "1"


def format_short(error: BaseException) -> str:
    """Return a traceback that begins with the user's own code, and all of it if none of his is in it, or he wishes so.

    What his code calls stays, as do all errors that this one comes from; the first line says how many frames are left
    out.
    """
    told = TracebackException.from_exception(error)
    hidden = 0 if os.environ.get(WISH) == "1" and MADE_UP not in os.environ else _cut(told)
    frames = f"frame{'s' * (hidden != 1)}"
    head = f"{hidden} {frames} above your own code hidden; {WISH}=1 shows all\n" if hidden else ""
    return head + "".join(told.format())


def place_of(error: BaseException) -> str | None:
    """Return file and line of the user's own code that an error was raised in or below, None if it met none of it."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{_shown(error.filename)}, line {error.lineno}"
    frames = [frame for frame in TracebackException.from_exception(error).stack if _is_own(frame.filename)]
    own = [frame for frame in frames if not _is_script(_Frame(frame.filename, frame.name))]
    return f"{_shown(own[-1].filename)}, line {own[-1].lineno}" if own else None


def _shown(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else file


def _cut(told: TracebackException | None) -> int:
    """Take frames out of an error and of all that it comes from; return how many."""
    if told is None:
        return 0
    kept = _kept([_Frame(frame.filename, frame.name) for frame in told.stack])
    text, num_hidden = _cut_text(str(told))
    if text != str(told):
        told._str = text  # type: ignore[attr-defined]
        kept = []
    called = _refused_call(told) if len(kept) == len(told.stack) else None
    num_hidden += len(told.stack) - (0 if called else len(kept))
    told.stack = called or StackSummary.from_list([told.stack[index] for index in kept])
    return num_hidden + sum(map(_cut, (told.__cause__, told.__context__, *(told.exceptions or ()))))


def _refused_call(told: TracebackException) -> StackSummary | None:
    """Return the frame that a function of the user's would have had if it took the arguments it was called with."""
    match = _REFUSED_CALL.match(str(told))
    if match is None or told.exc_type is not TypeError or any(_is_own(frame.filename) for frame in told.stack):
        return None
    for module in list(sys.modules.values()):
        file = _attribute(module, "__file__")
        if not isinstance(file, str) or not _is_own(file):
            continue
        found: object = module
        for name in match["name"].split("."):
            found = _attribute(found, name)
        code = getattr(found, "__code__", None)
        if code is not None and _is_own(code.co_filename):
            return StackSummary.from_list([(code.co_filename, code.co_firstlineno, code.co_name, None)])
    return None


def _attribute(owner: object, name: str) -> object:
    return vars(owner).get(name) if hasattr(owner, "__dict__") else None


def _cut_text(text: str) -> tuple[str, int]:
    """Cut the frames in the text of a DataLoader's worker's error; return the text, and how many were cut."""
    begin, mark, rest = text.partition(_OF_WORKER)
    cut = [_cut_one(part) for part in rest.split(_HEAD)]  # an error may come from others
    return begin + mark + _HEAD.join(part for part, _ in cut), sum(num_cut for _, num_cut in cut)


def _cut_one(traceback: str) -> tuple[str, int]:
    found = list(_FRAME.finditer(traceback))
    kept = _kept([_Frame(match["file"], match["name"]) for match in found])
    if len(kept) == len(found):
        return traceback, 0
    return "".join(found[index][0] for index in kept) + traceback[found[-1].end() :], len(found) - len(kept)


def _kept(frames: list[_Frame]) -> list[int]:
    """Return the indices of the frames to show: the user's, what they call, what lies between unless it is a caller.

    The script itself, whose last line calls main(), is none of them; without any frame of the user's all are shown.
    """
    own = [index for index, frame in enumerate(frames) if _is_own(frame.file) and not _is_script(frame)]
    if not own:
        return list(range(len(frames)))
    between = [index for index in range(own[0], own[-1]) if not _is_caller(frames[index].file)]
    return sorted({*own, *between, *range(own[-1], len(frames))})


def _is_own(file: str) -> bool:
    path = Path(file)
    is_installed = any(name in path.parts for name in _PACKAGES) or path.is_relative_to(_STDLIB)
    return not (is_installed or file.startswith("<frozen ") or any(map(path.is_relative_to, _OURS)))


def _is_script(frame: _Frame) -> bool:
    script = getattr(sys.modules["__main__"], "__file__", None)
    return frame.name == "<module>" and script is not None and Path(frame.file).resolve() == Path(script).resolve()


def _is_caller(file: str) -> bool:
    path = Path(file)
    after = next((path.parts[index + 1] for index, part in enumerate(path.parts) if part in _PACKAGES), None)
    return after in _CALLERS or any(map(path.is_relative_to, _OURS))
