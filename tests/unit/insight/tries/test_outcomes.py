"""A remedy is better if it is so seed by seed, by more than one standard error."""

from __future__ import annotations

import pytest

from tunesmith.insight.tries.outcomes import BETTER, NO_DIFFERENCE, WORSE, Measure, Values, compare, judge

LOSS, ACC = Measure("val/loss", "min", useless=0.7), Measure("val/acc", "max")


def _runs(*values: float | None, name: str = "val/loss", **further: float) -> list[Values]:
    return [{} if value is None else {name: value, **further} for value in values]


@pytest.mark.parametrize(
    ("before", "after", "verdict", "words"),
    [
        ((0.8, 1.0, 1.2), (0.3, 0.6, 0.6), BETTER, "val/loss: better by 0.5 +- 0.058"),
        ((0.5, 1.6, 2.4), (1.0, 2.0, 3.0), WORSE, "val/loss: worse by 0.5 +- 0.058"),
        ((1.0, 1.0, 1.0), (0.5, 1.4, 1.0), NO_DIFFERENCE, "better by 0.0333 +- 0.26 (no more than one standard error)"),
        ((1.0, 1.0), (1.0, 1.0), NO_DIFFERENCE, "val/loss: the same"),
        ((None, None), (0.1, 0.2), BETTER, "val/loss 0.15 in 2 of 2 runs in which the original has none: better"),
        ((None, None), (64.0, 427.0), NO_DIFFERENCE, "none, but no better than the best constant answer, 0.7"),
        (
            (2e8, 1e8),
            (0.9, 0.6),
            NO_DIFFERENCE,
            "better by 1.5e+08 +- 5e+07, but no better than the best constant answer, 0.7",
        ),
        ((0.5, 0.6), (0.8, 0.9), WORSE, "val/loss: worse by 0.3"),
        ((None, 0.5), (0.1, 0.4), BETTER, "val/loss 0.25 in 1 of 2 runs"),
        ((0.5, 0.5), (0.1, None), WORSE, "1 of 2 runs end without a value"),
        ((None, None), (None, None), NO_DIFFERENCE, "no run ends with a value"),
        ((0.5, None), (0.1, None), NO_DIFFERENCE, "better by 0.4 +- inf"),
    ],
    ids=str,
)
def test_runs_of_the_same_seeds_are_compared(
    before: tuple[float | None, ...], after: tuple[float | None, ...], verdict: str, words: str
) -> None:
    outcome = compare(LOSS, _runs(*before), _runs(*after))
    assert outcome.verdict == verdict
    assert words in outcome.words


def test_of_an_accuracy_more_is_better() -> None:
    before, after = _runs(0.5, 0.6, name="val/acc"), _runs(0.7, 0.8, name="val/acc")
    outcome = compare(ACC, before, after)
    assert (outcome.verdict, outcome.difference) == (BETTER, pytest.approx(0.2))
    assert compare(ACC, after, before).verdict == WORSE


def test_what_saves_time_is_better_by_fewer_epochs_or_a_smaller_gap_if_the_metric_is_no_worse() -> None:
    before = _runs(0.5, 0.52, epochs=40, gap=0.4)
    shorter, closer = _runs(0.5, 0.52, epochs=20, gap=0.4), _runs(0.5, 0.52, epochs=40, gap=0.1)
    assert judge("time", LOSS, before, shorter).words == "epochs: better by 20 +- 0; gap: the same; val/loss: the same"
    assert judge("time", LOSS, before, shorter).verdict == BETTER
    assert judge("time", LOSS, before, closer).verdict == BETTER
    assert judge("time", LOSS, before, before).verdict == NO_DIFFERENCE
    assert judge("time", LOSS, before, _runs(0.7, 0.71, epochs=20, gap=0.4)).verdict == WORSE


def test_class_weights_are_judged_by_the_balanced_accuracy_alone() -> None:
    before = [{"val/loss": 0.5, "balanced accuracy": 0.6}, {"val/loss": 0.5, "balanced accuracy": 0.62}]
    after = [{"val/loss": 0.9, "balanced accuracy": 0.8}, {"val/loss": 0.9, "balanced accuracy": 0.83}]
    assert judge("balanced accuracy", LOSS, before, after).verdict == BETTER
