"""The section of a run's page that says what went wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from run_outputs import RESULT, make_run
from study_pages import words

from tunesmith.insight.diagnosis.finding import Finding
from tunesmith.insight.pages.run_facts import RunFacts, read_run_facts
from tunesmith.insight.pages.what_went_wrong import findings

FINDING = Finding(
    "too_regularised",
    "too regularised: 0.9 of the prior loss is left",
    {"learn": 0.123456, "of": "val/loss"},
    "learn < .7",
    "measured",
    gains="metric",
    remedies=(("optimizer.lr=0.2", "model.dropout=0.3"), ("model.dropout=0",)),
)
FACTS = RunFacts("runs/a", {"state": "COMPLETE"}, overrides=("data=digits", "optimizer.lr=0.1"), findings=[FINDING])


def shown(facts: RunFacts = FACTS, **more: Any) -> str:
    return words(findings(replace(facts, findings=[replace(FINDING, **more)]) if more else facts))


def test_a_finding_has_numbers_threshold_source_and_the_runs_command_with_each_remedy() -> None:
    assert shown() == (
        "Too regularised: 0.9 of the prior loss is left. "
        "too_regularised: learn 0.1235, of val/loss. Threshold: learn < .7. Source: measured. "
        "Try, in this order: "
        "python train.py data=digits optimizer.lr=0.2 model.dropout=0.3 copy "
        "python train.py data=digits optimizer.lr=0.1 model.dropout=0 copy "
        "Which remedy helps, tried on three seeds: python scripts/diagnose.py runs/a --try copy"
    )


def test_what_it_cannot_tell_apart_advice_and_what_a_remedy_gains_are_said() -> None:
    said = shown(one_of=("too_regularised", "overfitting"), advice="look at the samples", gains="time")
    assert "cannot tell apart: too_regularised, overfitting. Look at the samples. A remedy promises time, not" in said
    assert "Caution: Too regularised" in shown(is_caution=True)
    assert "is it known before? " in shown(text="too regularised: is it known before?")


def test_without_a_remedy_there_is_nothing_to_try() -> None:
    assert "Try" not in shown(remedies=())
    for nothing_to_try in (shown(remedies=()), shown(gains="nothing")):
        assert nothing_to_try.endswith("What else is known: python scripts/diagnose.py runs/a copy")


def test_a_trials_command_leaves_out_what_its_sweep_was_called() -> None:
    typed = ("study_name=s", "hydra.sweeper.n_trials=9", "space=mlp", "ckpt_path=last.ckpt", "optimizer.lr=0.1")
    said = shown(replace(FACTS, is_trial=True, overrides=typed))
    assert "python train.py optimizer.lr=0.2 model.dropout=0.3 copy" in said


def test_nothing_found_and_nothing_looked_at_are_said() -> None:
    nothing = replace(FACTS, findings=[])
    assert shown(nothing) == "Found nothing: no rule of docs/diagnosis.md fires."
    assert shown(replace(nothing, result={})).startswith("So far: Found nothing")
    assert "most rules of docs/diagnosis.md cannot look without probes" in shown(replace(nothing, is_well_seen=False))
    assert "Nothing could be looked at" in shown(replace(FACTS, findings=None))
    assert "A refit is not looked at" in shown(replace(FACTS, findings=None, result={"refit": {}}))


def test_no_text_of_a_finding_is_markup() -> None:
    evil = "<script>"
    of_file = Finding(evil, evil, {evil: evil}, evil, evil, (evil,), ((evil,),), evil)
    assert evil not in findings(replace(FACTS, overrides=(evil,), findings=[of_file])).body


def test_the_findings_of_a_folder_are_shown_and_of_an_older_one_found(tmp_path: Path) -> None:
    newer = make_run(tmp_path / "newer", result={**RESULT, "findings": [FINDING.to_plain()]})
    assert [each.name for each in read_run_facts(newer).findings or ()] == ["too_regularised"]
    older = make_run(tmp_path / "older", "epoch,train/loss,val/loss\n1,nan,nan\n", {**RESULT, "state": "FAIL"})
    assert [each.name for each in read_run_facts(older).findings or ()] == ["diverged"]
