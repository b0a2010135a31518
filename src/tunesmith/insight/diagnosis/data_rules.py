"""Rules on the data: what the checks before the first step have found (data_facts.json), and cautions."""

from __future__ import annotations

from collections.abc import Mapping

from tunesmith.insight.diagnosis.finding import MEASURED, Finding
from tunesmith.insight.diagnosis.names import DATA_FAULTS
from tunesmith.insight.diagnosis.training_facts import TrainingFacts

MOST_IMBALANCE = 10
# A small data set may have no more than 50 to give; a small share of it is a choice.
FEW_SAMPLES, LEAST_SHARE = 50, 0.1


def find_data_faults(facts: TrainingFacts) -> list[Finding]:
    """Return what the data checks have found, in the order of names.DATA_FAULTS."""
    checks = facts.fact("checks")
    found = [check for check in checks if isinstance(check, Mapping)] if isinstance(checks, list) else []
    of_name = {str(check.get("name")): check for check in found}
    return [_as_finding(name, of_name[name]) for name in DATA_FAULTS if name in of_name]


def find_cautions(facts: TrainingFacts) -> list[Finding]:
    """Return what may mislead although nothing went wrong: rare classes, and few samples to choose by."""
    return [found for rule in (_find_imbalance, _find_few_samples) if (found := rule(facts)) is not None]


def _find_imbalance(facts: TrainingFacts) -> Finding | None:
    counts = facts.fact("classes.train")
    known = [each for each in counts if isinstance(each, int) and each > 0] if isinstance(counts, list) else []
    if len(known) < 2 or facts.setting("data.class_weights") is not None or max(known) < MOST_IMBALANCE * min(known):
        return None
    ratio = max(known) / min(known)
    return Finding(
        "imbalance",
        f"imbalance: the largest class has {ratio:.0f} times the samples of the smallest one",
        {"ratio": ratio, "smallest": float(min(known))},
        threshold=f"{MOST_IMBALANCE}:1",
        source="docs/diagnosis.md",
        is_caution=True,
    )


def _find_few_samples(facts: TrainingFacts) -> Finding | None:
    val, train = facts.amount("samples.val"), facts.amount("samples.train")
    if val is None or train is None or not 0 < val < FEW_SAMPLES or val > LEAST_SHARE * (val + train):
        return None
    return Finding(
        "few_validation_samples",
        f"few validation samples: {val:.0f}, so that {_known_to(val, facts.fact('classes') is not None)}",
        {"samples": val},
        threshold=f"fewer than {FEW_SAMPLES} samples, and less than {LEAST_SHARE:.0%} of those outside the test part",
        source="the standard error of a mean",
        is_caution=True,
    )


def _known_to(num_samples: float, has_classes: bool) -> str:
    """Return how well a metric of so many samples is known, as two standard errors of an example."""
    if has_classes:
        return f"an accuracy of 0.9 is known to +- {2 * (0.9 * 0.1 / num_samples) ** 0.5:.2f}"
    return f"a mean squared error is known to +- {2 * (2 / num_samples) ** 0.5:.0%} if the errors are normal"


def _as_finding(name: str, check: Mapping[str, object]) -> Finding:
    evidence = check.get("evidence")
    known = evidence if isinstance(evidence, Mapping) else {}
    return Finding(
        name,
        str(check.get("text") or name),
        {str(key): value for key, value in known.items() if isinstance(value, int | float | str)},
        threshold=str(check.get("threshold") or ""),
        source=MEASURED,
    )
