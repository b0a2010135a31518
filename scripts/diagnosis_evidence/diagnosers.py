"""Who is asked what is wrong with a run: our rules, a constant answer, and the default rules of others (anchors.py)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from anchors import ANCHORS, Alarm
from recorded import Recorded
from scoring import Named

from tunesmith.insight.diagnosis.names import CAUTIONS
from tunesmith.insight.diagnosis.training_facts import TrainingFacts, read_training_facts
from tunesmith.insight.findings import find_faults

Diagnoser = Callable[[TrainingFacts], Sequence[Named]]


def ours(facts: TrainingFacts) -> list[Named]:
    return [Named(each.name, each.one_of or (each.name,), each.is_caution) for each in find_faults(facts)]


def constant(name: str) -> Diagnoser:
    """Return a diagnoser that says the same of every run, healthy or not."""
    return lambda facts: [Named(name, (name,))]


def other(rules: Callable[[TrainingFacts], Iterable[Alarm]]) -> Diagnoser:
    """Return a diagnoser of another tool's rules: an alarm stands for each of the names that it may mean."""
    return lambda facts: [Named(each.names[0], each.names, set(each.names) <= set(CAUTIONS)) for each in rules(facts)]


def ask_all(runs: Iterable[Recorded]) -> dict[str, dict[Recorded, Sequence[Named]]]:
    """Return what each diagnoser says of each run."""
    facts = {run: read_training_facts(run.folder) for run in runs}
    return {name: {run: diagnoser(facts[run]) for run in facts} for name, diagnoser in DIAGNOSERS.items()}


OURS = "tunesmith"
# The first one and the last three are right most often of the published programs.
CONSTANTS = (
    "learning_rate_too_low",
    "learning_rate_too_high",
    "squashed_outputs",
    "stopped_too_early",
    "unscaled_inputs",
)
DIAGNOSERS: dict[str, Diagnoser] = {
    OURS: ours,
    **{f"always {name}": constant(name) for name in CONSTANTS},
    **{tool: other(rules) for tool, rules in ANCHORS.items()},
}
