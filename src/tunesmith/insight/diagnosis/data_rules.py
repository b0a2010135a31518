"""Rules on the data: what the checks before the first step have found (data_facts.json), and cautions."""

from __future__ import annotations

from collections.abc import Mapping

from tunesmith.insight.diagnosis.finding import Finding
from tunesmith.insight.diagnosis.names import DATA_FAULTS
from tunesmith.insight.diagnosis.training_facts import TrainingFacts

_SOURCE = "measured, docs/diagnosis.md"


def find_data_faults(facts: TrainingFacts) -> list[Finding]:
    """Return what the data checks have found, in the order of names.DATA_FAULTS."""
    checks = facts.fact("checks")
    found = [check for check in checks if isinstance(check, Mapping)] if isinstance(checks, list) else []
    of_name = {str(check.get("name")): check for check in found}
    return [_as_finding(name, of_name[name]) for name in DATA_FAULTS if name in of_name]


def _as_finding(name: str, check: Mapping[str, object]) -> Finding:
    evidence = check.get("evidence")
    known = evidence if isinstance(evidence, Mapping) else {}
    return Finding(
        name,
        str(check.get("text") or name),
        {str(key): value for key, value in known.items() if isinstance(value, int | float | str)},
        threshold=str(check.get("threshold") or ""),
        source=_SOURCE,
    )
