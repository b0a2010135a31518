"""The findings that a folder holds: result.yaml's, or what the rules say of a folder that is older than they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tunesmith.insight.diagnosis.curves import prior_loss
from tunesmith.insight.diagnosis.finding import NOTHING, Finding
from tunesmith.insight.diagnosis.finding_lines import FOLDS
from tunesmith.insight.diagnosis.training_facts import TrainingFacts, read_training_facts
from tunesmith.insight.findings import can_be_looked_at, find_faults
from tunesmith.run_folder import fold_name, run_rooms

KEY = "findings"


def look_at(facts: TrainingFacts) -> list[Finding] | None:
    """Return what went wrong in a training; None if nothing of it can be looked at."""
    return find_faults(facts) if can_be_looked_at(facts) else None


def findings_in(folder: Path, result: Mapping[str, object]) -> list[Finding] | None:
    """Return the findings of a run, a trial or a fold; None if nothing can be looked at.

    result: content of its result.yaml, {} if there is none: the rules then look at what the training has left so far.
    """
    if "refit" in result:
        return None
    if KEY in result:
        return to_findings(result[KEY])
    folds = result.get("folds")
    if isinstance(folds, list):
        return of_folds([look_at(read_training_facts(folder / fold_name(fold))) for fold in range(len(folds))])
    return look_at(read_training_facts(folder, result=result))


def is_well_seen(folder: Path) -> bool:
    """Whether a run, or any of its folds, has left what most rules look at: its layers, and the prior loss."""
    trainings = map(read_training_facts, run_rooms(folder))
    return any(facts.layers and prior_loss(facts, "val") is not None for facts in trainings)


def of_folds(folds: Sequence[list[Finding] | None]) -> list[Finding] | None:
    """Return the findings of at least half of the folds, as the first of these folds has them; folds: those of each."""
    seen = [found for found in folds if found is not None]
    counts = Counter(finding.name for found in seen for finding in found)
    first = {finding.name: finding for found in reversed(seen) for finding in found}
    order = dict.fromkeys(finding.name for found in seen for finding in found)
    common = [first[name] for name in order if 2 * counts[name] >= len(seen)]
    common.sort(key=lambda finding: finding.is_caution)
    marked = [
        replace(finding, evidence={**finding.evidence, FOLDS: f"{counts[finding.name]} of {len(seen)}"})
        for finding in common
    ]
    return marked if seen else None


def to_findings(value: object) -> list[Finding] | None:
    """Return what `findings` of a result.yaml holds, which may be of any type; None if it says nothing."""
    if not isinstance(value, list | tuple):
        return None
    return [_finding(each) for each in value if isinstance(each, Mapping) and isinstance(each.get("name"), str)]


def names_in(result: Mapping[str, object]) -> list[str]:
    """Return the names of the findings of a result.yaml, the first cause first."""
    return [finding.name for finding in to_findings(result.get(KEY)) or ()]


def _finding(plain: Mapping[str, object]) -> Finding:
    evidence, remedies, advice = plain.get("evidence"), plain.get("remedies"), plain.get("advice")
    shown = evidence.items() if isinstance(evidence, Mapping) else ()
    typed = [_texts(each) for each in remedies] if isinstance(remedies, list | tuple) else []
    return Finding(
        name=_text(plain.get("name")),
        text=_text(plain.get("text")),
        evidence={str(key): value for key, value in shown if isinstance(value, int | float | str)},
        threshold=_text(plain.get("threshold")),
        source=_text(plain.get("source")),
        one_of=_texts(plain.get("one_of")),
        remedies=tuple(filter(None, typed)),
        advice=advice if isinstance(advice, str) else None,
        is_caution=plain.get("is_caution") is True,
        gains=_text(plain.get("gains")) or NOTHING,
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list | tuple) else ()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
