"""Values between Hydra's grammar and Optuna's storage."""

from __future__ import annotations

import re
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Quote, QuotedString, Transformer
from hydra.errors import HydraException


def to_hydra(value: Any) -> str:
    """Return a value as Hydra's parser reads it back; texts, also those inside lists and dicts, are quoted."""
    return str(Transformer.str(_quoted(value)))


def override(key: str, value: Any) -> str:
    """Return the override that gives a key this value; a text is quoted only if Hydra would read something else."""
    plain = f"{key}={value}"
    return plain if isinstance(value, str) and _reads_as(plain, value) else f"{key}={to_hydra(value)}"


def param_override(key: str, value: Any) -> str:
    """Return an entry of hydra.sweeper.params as an override: a text is Hydra's grammar, anything else a value."""
    return f"{key}={value if isinstance(value, str) else to_hydra(value)}"


def to_optuna(element: Any) -> Any:
    """Return what Optuna stores for a choice: itself, or the text of a list or dict."""
    if isinstance(element, QuotedString):
        return element.text
    if element is None or isinstance(element, str | int | float | bool):
        return element
    return Transformer.str(element)


def written(element: Any) -> str:
    """Return how Hydra writes a sweep's element.

    A text of choice(...) has lost its quotes there, and gets them again if Hydra would not read it without.
    """
    text = str(Transformer.str(element))
    return to_hydra(element) if isinstance(element, str) and not _reads_as(f"key={text}", element) else text


def null_in_choice(text: str, message: str) -> str | None:
    """Return what to write instead of choice(A,B,null), which Hydra refuses; None if its message is another one."""
    if "NoneType is incompatible" not in message or "choice(" not in text:
        return None
    values = re.sub(r"^choice\((.*)\)$", r"\1", text.partition("=")[2].strip())
    return f"choice(...) takes no null: write the values alone, {values.replace(' ', '')}"


def _quoted(value: Any) -> Any:
    """Return a value as Hydra's parser holds it, without subclasses: numpy's write np.float64(1)."""
    match value:
        case bool() | None:
            return value
        case str():
            return QuotedString(str(value), Quote.single)
        case int():
            return int(value)
        case float():
            return float(value)
        case dict():
            return {key: _quoted(item) for key, item in value.items()}
        case list() | tuple():
            return [_quoted(item) for item in value]
    return value


def _reads_as(text: str, value: str) -> bool:
    try:
        parsed: Any = OverridesParser.create().parse_override(text)._value
    except HydraException:
        return False
    return isinstance(parsed, str) and parsed == value
