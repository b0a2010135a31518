"""The tally of a study: how many of its trials have which finding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from tunesmith.insight.diagnosis.names import CAUTIONS, FAULTS

# Findings that a line names.
MAX_SHOWN = 5


def known_names(names: object) -> list[str]:
    """Return those of the names that this version knows, each once: a study's attributes may hold anything."""
    given = names if isinstance(names, list | tuple) else ()
    return list(dict.fromkeys(name for name in given if isinstance(name, str) and name in (*FAULTS, *CAUTIONS)))


def tally(findings: Iterable[Sequence[str]]) -> dict[str, int]:
    """Return in how many trials a finding stands, by its name, the most frequent first; findings: names per trial."""
    return dict(Counter(name for names in findings for name in dict.fromkeys(names)).most_common())


def tally_words(counts: Mapping[str, int], num_trials: int) -> str:
    """Return the tally in a line: `overfitting 7, learning_rate_too_high 4 of 30 trials`."""
    shown = ", ".join(f"{name} {number}" for name, number in list(counts.items())[:MAX_SHOWN])
    more = f", {len(counts) - MAX_SHOWN} more kinds" if len(counts) > MAX_SHOWN else ""
    return f"{shown}{more} of {num_trials} {'trial' if num_trials == 1 else 'trials'}"
