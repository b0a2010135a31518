"""A finding: what went wrong in a training, with the numbers that show it and what to try against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

# The source of a threshold that nobody has published.
MEASURED = "measured, docs/diagnosis.md"
# What remedies promise.
METRIC, TIME, BALANCED_ACCURACY, NOTHING = "metric", "time", "balanced accuracy", "nothing"


@dataclass(frozen=True)
class Finding:
    """What went wrong in a training.

    name: one of names.py; text: a sentence with its numbers.
    evidence: what was measured; threshold: beyond which it is no longer healthy; source: who says so.
    one_of: names that this training's numbers cannot tell apart, its own first; () if it is certain.
    remedies: each is one or more overrides; the first one is to be tried first.
    advice: what no override can do.
    is_caution: whether nothing has gone wrong yet.
    gains: what the remedies promise: METRIC, TIME, BALANCED_ACCURACY or NOTHING.
    """

    name: str
    text: str
    evidence: Mapping[str, float | str] = field(default_factory=dict)
    threshold: str = ""
    source: str = ""
    one_of: tuple[str, ...] = ()
    remedies: tuple[tuple[str, ...], ...] = ()
    advice: str | None = None
    is_caution: bool = False
    gains: str = NOTHING

    def to_plain(self) -> dict[str, Any]:
        """Return the finding as result.yaml holds it: by the names of its fields, numbers with four digits."""
        evidence = {name: _rounded(value) for name, value in self.evidence.items()}
        remedies = [list(overrides) for overrides in self.remedies]
        return {**asdict(self), "evidence": evidence, "one_of": list(self.one_of), "remedies": remedies}


def _rounded(value: float | str) -> float | str:
    return float(f"{value:.4g}") if isinstance(value, float) else value
