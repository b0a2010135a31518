"""Findings as lines of the console and as the text of loggers."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from tunesmith.insight.diagnosis.finding import Finding
from tunesmith.insight.diagnosis.finding_lines import as_markdown, console_rows, said, sentence_rows


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


OVERFITTING = Finding(
    "overfitting",
    "val/loss rises by 0.4 of the prior loss",
    {"rise": 0.4},
    threshold="rise > 0.1",
    source="measured",
    gains="time",
    remedies=(("model.dropout=0.5",), ("model.hidden_units=32", "model.num_layers=1")),
)


def test_a_finding_is_shown_with_its_first_remedy_and_the_command_that_tries_it() -> None:
    assert list(console_rows([OVERFITTING], "runs/a b", is_well_seen=True)) == [
        ("found", "overfitting: val/loss rises by 0.4 of the prior loss"),
        ("try", "model.dropout=0.5"),
        ("diagnose", "python scripts/diagnose.py 'runs/a b' --try"),
    ]


def test_what_no_override_mends_is_not_tried() -> None:
    rows = list(console_rows([replace(OVERFITTING, remedies=())], "a", is_well_seen=True))
    assert rows[0][1].endswith("of the prior loss")
    assert rows[1] == ("diagnose", "python scripts/diagnose.py a")
    assert list(console_rows([replace(OVERFITTING, gains="nothing")], "a", is_well_seen=True))[-1] == rows[1]


def test_three_findings_are_shown_and_the_others_counted() -> None:
    rows = list(console_rows([replace(OVERFITTING, name=f"f{place}") for place in range(5)], "a", is_well_seen=True))
    assert [label for label, _ in rows] == [*["found", "try"] * 3, "", "diagnose"]
    assert rows[6][1] == "2 more in result.yaml"


def test_on_a_narrow_terminal_a_sentence_goes_on_below_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    words = "steps of 1e-6 of the weights' size, and the training loss has hardly fallen"
    monkeypatch.setenv("COLUMNS", "50")
    assert list(sentence_rows("found", words)) == [("found", words)]  # a file or a pipe has no width
    monkeypatch.setattr("sys.stdout", Terminal())
    rows = list(sentence_rows("found", words))
    assert [label for label, _ in rows] == ["found", "", ""]
    assert " ".join(line for _, line in rows) == words
    assert max(len(line) for _, line in rows) <= 50 - len("found        ")


def test_a_healthy_run_says_so_and_one_that_nobody_looked_at_says_nothing() -> None:
    assert list(console_rows([], "a", is_well_seen=True)) == [("found", "nothing: no rule of docs/diagnosis.md fires")]
    assert list(console_rows(None, "a", is_well_seen=True)) == []
    ((_, shown),) = console_rows([], "a", is_well_seen=False)
    assert shown.startswith("nothing in what was measured, but most rules")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("val/loss rises", "learning_rate_too_low: val/loss rises"),
        ("learning rate too low: steps of 1e-6", "learning rate too low: steps of 1e-6"),
        ("learning-rate too low: steps of 1e-6", "learning-rate too low: steps of 1e-6"),
    ],
    ids=["its name comes first", "unless the sentence begins with it", "or with another spelling of it"],
)
def test_a_sentence_has_its_name(text: str, shown: str) -> None:
    assert said(Finding("learning_rate_too_low", text)) == shown


def test_a_finding_of_folds_says_of_how_many() -> None:
    assert said(Finding("shift", "parts differ", {"folds": "2 of 3"})) == "shift: parts differ (in 2 of 3 folds)"


def test_a_caution_is_called_one() -> None:
    assert (
        next(console_rows([Finding("imbalance", "imbalance: 16:1", is_caution=True)], "a", is_well_seen=True))[0]
        == "caution"
    )


def test_no_text_steers_a_console() -> None:
    ((_, shown), _) = console_rows([Finding("shift", "column \x1b[2J")], "a", is_well_seen=True)
    assert shown == "shift: column \\x1b[2J"


def test_markdown_has_remedies_as_code_and_no_text_that_is_markup() -> None:
    finding = replace(OVERFITTING, text="column <b>*x*</b>", one_of=("overfitting", "shift"), advice="look")
    assert as_markdown([finding, OVERFITTING]).split("\n\n") == [
        r"**overfitting: column \<b\>\*x\*\</b\>**",
        r"overfitting: rise 0.4. Threshold: rise \> 0.1. Source: measured.",
        "One of: overfitting, shift.",
        "Try, in this order:",
        "    model.dropout=0.5\n    model.hidden_units=32 model.num_layers=1",
        "look",
        "**overfitting: val/loss rises by 0.4 of the prior loss**",
        r"overfitting: rise 0.4. Threshold: rise \> 0.1. Source: measured.",
        "Try, in this order:",
        "    model.dropout=0.5\n    model.hidden_units=32 model.num_layers=1",
    ]
    assert as_markdown([]) == "Found nothing: no rule of docs/diagnosis.md fires."
