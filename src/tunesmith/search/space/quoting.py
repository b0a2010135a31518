"""Values between Hydra's grammar and Optuna's storage."""

from __future__ import annotations

from typing import Any

from hydra.core.override_parser.types import Quote, QuotedString, Transformer


def to_hydra(value: Any) -> str:
    """Return a value as Hydra's parser reads it back."""
    return str(Transformer.str(QuotedString(value, Quote.single) if isinstance(value, str) else value))


def to_optuna(element: Any) -> Any:
    """Return what Optuna stores for a choice: itself, or the text of a list or dict."""
    if isinstance(element, QuotedString):
        return element.text
    if element is None or isinstance(element, str | int | float | bool):
        return element
    return Transformer.str(element)
