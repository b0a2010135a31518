"""scripts/diagnose.py prints each finding with its numbers, its rule and commands, and what it did not see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tunesmith.insight.diagnosis.finding import Finding
from tunesmith.insight.diagnosis.report_lines import finding_rows, not_looked_at
from tunesmith.insight.diagnosis.training_facts import LayerRow, TrainingFacts

FOUND = Finding(
    *("learning_rate_too_high", "the loss jumps", {"osc": 0.51239, "where": "\x1b[2J"}, "osc > 0.12", "measured"),
    one_of=("learning_rate_too_high", "diverged"),
    remedies=(("optimizer.lr=0.1",), ("find_lr=true", "lr_finder.max_lr=1.0")),
    gains="metric",
)


def _command(overrides: Sequence[str]) -> str:
    return f"python train.py {' '.join(overrides)}"


def test_a_finding_has_its_numbers_its_rule_and_a_command_for_each_remedy() -> None:
    assert list(finding_rows(FOUND, _command)) == [
        ("found", "learning_rate_too_high: the loss jumps"),
        ("evidence", "osc 0.5124, where \\x1b[2J"),
        ("threshold", "osc > 0.12"),
        ("source", "measured"),
        ("one of", "learning_rate_too_high, diverged: these numbers cannot tell them apart"),
        ("remedies", "python train.py optimizer.lr=0.1"),
        ("", "python train.py find_lr=true lr_finder.max_lr=1.0"),
    ]


def test_what_promises_no_better_metric_says_so() -> None:
    caution = Finding("imbalance", "few of one class", remedies=(("a=1",),), advice="b", is_caution=True, gains="time")
    rows = list(finding_rows(caution, _command))
    assert rows[0] == ("caution", "imbalance: few of one class")
    assert rows[2:] == [
        ("promise", "time, not a better metric: the best epoch's weights are kept already"),
        ("advice", "b"),
    ]


def test_what_was_not_measured_is_told() -> None:
    told = "; ".join(not_looked_at(TrainingFacts()))
    assert [word for word in ("metrics.csv", "layers.csv", "probes.csv", "data_facts.json") if word not in told] == []
    row = {"epoch": 1.0, "train_loss": 0.1}
    whole = TrainingFacts(epochs=[row], layers=[LayerRow(1, "a")], looks=[row], data={"prior_loss": {"val": 2.3}})
    assert list(not_looked_at(whole)) == []
    (told,) = not_looked_at(replace(whole, data={"prior_loss": {"val": None}}))
    assert "a learner of your own" in told
