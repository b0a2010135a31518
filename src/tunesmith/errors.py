"""Errors that end a run or a sweep and are not bugs, and phrases for their messages."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches

from hydra.errors import CompactHydraException
from omegaconf.errors import OmegaConfBaseException

NUM_LISTED = 5
# Characters by which a text moves a cursor, hides or turns round what stands beside it, or is no text: Unicode's words.
_STEERING = ("Cc", "Cf", "Cs", "Zl", "Zp")
# Characters of a line that a console, a table or a study keeps: torch's longest common message, of memory, has 500.
MAX_LINE = 1000


class UserError(CompactHydraException):
    """A mistake that a user can cause and mend; its text is one line that says how.

    Any Hydra app prints a CompactHydraException without a traceback.
    """

    def __init__(self, text: object) -> None:
        """Make one printable line of a text: names that a user chose, or that a study holds, may contain anything."""
        super().__init__(printable(str(text)))


class NothingToEvaluate(UserError):
    """A run cannot be evaluated on a test part: its learner or its data has none; no other run of its kind can."""


class MachineFault(UserError):
    """What the machine refuses a healthy run: a full disk, a folder that is gone, a database that does not answer.

    No trial is to blame: it is lost, the sweep ends, and the same command goes on once the fault is mended.
    """


class RunFailed(Exception):
    """A run that failed without a bug, for example because its loss became NaN."""


class AttemptLost(BaseException):
    """An attempt at a trial that must end through no fault of its own; its text says why.

    A BaseException, like KeyboardInterrupt: code that catches every Exception and goes on must not swallow it.
    """


class AttemptTaken(AttemptLost):
    """An attempt that another worker has taken away: its folder may be another attempt's by now."""


def printable(text: str) -> str:
    r"""Return a text in one line whose characters a console shows and does not obey: ESC becomes \x1b."""
    if text.isprintable():
        return text
    return "".join(_escaped(letter) for letter in " ".join(text.splitlines()))


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode() if unicodedata.category(letter) in _STEERING else letter


def text_of(error: BaseException) -> str:
    """Return an error's text in one line; the text of a user's class may itself be faulty."""
    try:
        return " ".join(str(error).split())
    except Exception as fault:
        return f"its text cannot be read: __str__ raises {type(fault).__name__}"


def shorten(text: str) -> str:
    """Return the begin and the end of a text of more than MAX_LINE characters."""
    if len(text) <= MAX_LINE:
        return text
    middle = f" ... ({len(text)} characters) ... "
    begin = (MAX_LINE - len(middle)) * 3 // 4
    return text[:begin] + middle + text[begin + len(middle) - MAX_LINE :]


def mistake_in(error: BaseException | None) -> UserError | None:
    """Return the UserError that a resolver raised while OmegaConf read a value, which raises one of its own for it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, UserError):
            return error
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return None


def without_key(error: OmegaConfBaseException) -> str:
    """Return OmegaConf's message in one line, without the key and the type of the node that it appends in lines."""
    return " ".join(str(error).partition("\n    full_key:")[0].split())


def closest(name: str, options: Iterable[str]) -> str:
    """Return "; did you mean X? options: ..." for a misspelled name."""
    listed = sorted(str(option) for option in options)
    if not listed:
        return ""
    matches = get_close_matches(str(name), listed, n=1)
    hint = f"; did you mean {matches[0]}?" if matches else ";"
    return f"{hint} options: {', '.join(listed)}"


def list_names(names: Iterable[str]) -> str:
    """Return the first names of many: "a, b and 3 more"."""
    shown = list(names)
    more = f" and {len(shown) - NUM_LISTED} more" if len(shown) > NUM_LISTED else ""
    return ", ".join(shown[:NUM_LISTED]) + more
