"""Rules on how a training ended: what it has learnt, what it has learnt by heart, and whether it was over."""

from __future__ import annotations

import math

from tunesmith.insight.diagnosis.curves import (
    LATE_GAIN,
    LEARNED_ENOUGH,
    LEARNED_NEXT_TO_NOTHING,
    MOST_RISE,
    error_evenness,
    gap,
    has_worsened,
    is_unfinished,
    late_gain,
    learned,
    learned_on_val,
    rise,
    val_losses,
)
from tunesmith.insight.diagnosis.finding import MEASURED, Finding
from tunesmith.insight.diagnosis.settings import (
    FEW_STEPS,
    FEW_UNITS,
    MANY_STEPS,
    SHORT_PATIENCE,
    extreme_regulariser,
    is_tiny,
    num_steps,
    patience,
    steps_per_epoch,
)
from tunesmith.insight.diagnosis.training_facts import TrainingFacts

# What a loss that still falls cannot tell apart, unless the config or the layers do.
_UNFINISHED = {
    "stopped_too_early": ("stopped_too_early", "learning_rate_too_low", "too_small_or_short"),
    "too_small_or_short": ("too_small_or_short", "stopped_too_early", "learning_rate_too_low"),
}
# Shares of the prior loss that training has removed.
LEARNED_BY_HEART, LEARNED_MOST, LEARNED_NOTHING = 0.97, 0.7, 0.05
WIDE_GAP, NOISE_GAP, SOME_GAP = 0.2, 0.15, 0.08
# Loss over that of errors spread evenly: noise has about 1; where classes overlap, errors lie at their border: to .8.
EVEN = 0.94
# Below it, classes told by a weak score look the same (logistic data that give .15 of the prior loss have .94).
LEARNED_SOME = 0.15
# Validation samples whose mean loss says nothing of a rise.
TOO_FEW_TO_SAY = 20
EARLY, FEWEST_EPOCHS = 0.6, 5
# A tenth of the steps that train a usual net.
BRIEF_STEPS = MANY_STEPS // 10
# Epochs that make a trend.
FEWEST_AFTER_BEST = 3
# Share of the training part that somebody has set.
FEW_ROWS = 0.5
OVERFIT_GAP = 0.3


def find_no_information(facts: TrainingFacts) -> Finding | None:
    """The net learns the training part by heart, and never beats a constant answer on the validation part."""
    learnt, on_val, apart = learned(facts), learned_on_val(facts), gap(facts)
    if learnt is None or on_val is None or apart is None:
        return None
    if on_val >= LEARNED_NOTHING or apart < SOME_GAP or _has_few_rows(facts):
        return None
    if _is_late(facts) or len(facts.epochs) < FEWEST_EPOCHS or learnt < SOME_GAP:
        return None  # who has learnt nothing by heart has not shown that there is nothing to learn
    return Finding(
        "labels_tell_nothing",
        f"labels tell nothing: training removed {learnt:.0%} of the prior loss on the training part, and"
        f" {max(on_val, 0):.0%} on the validation part",
        {"learned": learnt, "learned_on_val": on_val, "gap": apart},
        threshold=f"less than {LEARNED_NOTHING:.0%} of the prior loss removed on validation, a gap above {SOME_GAP}",
        source="Zhang et al., Understanding deep learning requires rethinking generalization (2017), 2.2",
        one_of=("labels_tell_nothing", "noisy_labels"),
    )


def _has_few_rows(facts: TrainingFacts) -> bool:
    """Whether the config leaves out most of the training part: more rows would mend what is learnt by heart."""
    return (facts.number("data.fraction") or 1.0) < FEW_ROWS


def _is_late(facts: TrainingFacts) -> bool:
    """Whether the best epoch is among the last ones: a loss that still falls has not shown that there is no more."""
    return facts.best_epoch is not None and facts.best_epoch > EARLY * len(facts.epochs)


def find_overfitting(facts: TrainingFacts) -> Finding | None:
    """The validation loss rises again while the training loss falls."""
    up, apart, on_val = rise(facts), gap(facts), learned_on_val(facts)
    learnt = learned(facts) or 0.0
    if up is None or apart is None or _is_ended_in_time(facts) or not has_worsened(facts):
        return None
    if learnt < LEARNED_NEXT_TO_NOTHING:
        return None  # a loss that rises on both parts has learnt nothing by heart
    most_gap = SOME_GAP if _has_few_rows(facts) else OVERFIT_GAP
    is_by_heart = learnt > LEARNED_BY_HEART and apart > most_gap and not _has_few_to_say(facts)
    is_rising = up > MOST_RISE + _chance(facts) and apart > OVERFIT_GAP and _num_after_best(facts) >= FEWEST_AFTER_BEST
    if not (is_by_heart or is_rising):
        return None
    return Finding(
        "overfitting",
        f"overfitting: the validation loss ends {apart:.2g} prior losses above the training loss, and {up:.2g} above"
        " its own least",
        {"rise": up, "gap": apart, **({} if on_val is None else {"learned_on_val": on_val})},
        threshold=f"a rise above {MOST_RISE} + 1/sqrt(validation samples) and a gap above {OVERFIT_GAP} prior losses;"
        f" or {LEARNED_BY_HEART:.0%} of the prior loss removed in training and a gap above {OVERFIT_GAP}, with"
        f" data.fraction below {FEW_ROWS} {SOME_GAP}",
        source="Prechelt, Early stopping - but when? (1998)",
    )


def _is_ended_in_time(facts: TrainingFacts) -> bool:
    """Whether early stopping has done its work: what rises while it waits is what it waits for."""
    return (patience(facts) or 0) > SHORT_PATIENCE


def _num_after_best(facts: TrainingFacts) -> int:
    return len(facts.epochs) - (facts.best_epoch or 0)


def _has_few_to_say(facts: TrainingFacts) -> bool:
    return (facts.amount("samples.val") or math.inf) < TOO_FEW_TO_SAY


def _chance(facts: TrainingFacts) -> float:
    """Return about the standard error of a rise, in prior losses: a sample's loss spreads by about one of them."""
    return 1 / math.sqrt(max(facts.amount("samples.val") or math.inf, 1))


def find_too_regularised(facts: TrainingFacts) -> Finding | None:
    """Little is learnt, without a gap, and the config regularises far more than is usual."""
    found, on_val, apart = extreme_regulariser(facts), learned_on_val(facts), gap(facts)
    if found is None or on_val is None:
        return None
    key, value = found
    if on_val > LEARNED_ENOUGH or (apart is not None and apart > WIDE_GAP):
        return None
    return Finding(
        "too_regularised",
        f"regularised too much: {key}={value:g}, and training has removed {max(on_val, 0):.0%} of the prior loss",
        {key: value, "learned_on_val": on_val},
        threshold="dropout of .75 or weight decay of .1, and less than 90 % learnt without a gap",
        source=MEASURED,
    )


def find_unfinished(facts: TrainingFacts) -> Finding | None:
    """The training ended while the loss still fell: too few epochs, a short patience, too few steps an epoch."""
    if not is_unfinished(facts):
        return None
    gain, steps = late_gain(val_losses(facts)) or 0.0, steps_per_epoch(facts)
    evidence: dict[str, float | str] = {"late_gain": gain, "epochs": float(len(facts.epochs))}
    name = _unfinished_name(facts)
    falls = f"the second half of {len(facts.epochs)} epochs still took {gain:.2g} of the prior loss off"
    if name == "too_few_steps" and steps is not None:
        return _unfinished(name, f"too few steps: {steps} an epoch, and {falls}", evidence | {"steps": float(steps)})
    return _unfinished(name, f"{name.replace('_', ' ')}: {falls}", evidence)


def _unfinished_name(facts: TrainingFacts) -> str:
    """Return what to doubt first of a training that has not come to its end."""
    waits = patience(facts)
    if is_tiny(facts):
        return "too_small_or_short"
    if (steps_per_epoch(facts) or math.inf) <= FEW_STEPS:
        return "too_few_steps"
    is_short = (num_steps(facts) or MANY_STEPS) < MANY_STEPS or (waits is not None and waits <= SHORT_PATIENCE)
    return "stopped_too_early" if is_short else "too_small_or_short"


def _unfinished(name: str, text: str, evidence: dict[str, float | str]) -> Finding:
    return Finding(
        name,
        text,
        evidence,
        threshold=f"a second half of the epochs that took off more than {LATE_GAIN} prior losses, and the best epoch"
        " near the end",
        source=MEASURED,
        one_of=_UNFINISHED.get(name, ()),
    )


def find_too_small(facts: TrainingFacts) -> Finding | None:
    """A net of few units, or any net that learns neither the training part nor, without a gap, anything by heart."""
    learnt, apart = learned(facts), gap(facts)
    if learnt is None or apart is None:
        return None
    # Who has removed next to nothing of its own part has learnt nothing by heart, however far the parts are apart.
    if learnt >= (LEARNED_MOST if is_tiny(facts) else LEARNED_NEXT_TO_NOTHING):
        return None
    if learnt >= LEARNED_NEXT_TO_NOTHING and apart > WIDE_GAP:
        return None
    if not is_tiny(facts) and _has_hardly_begun(facts):
        name = _unfinished_name(facts)
        done = f"{len(facts.epochs)} epochs have removed {max(learnt, 0):.0%} of the prior loss"
        evidence: dict[str, float | str] = {"learned": learnt, "epochs": float(len(facts.epochs))}
        return _unfinished(name, f"{name.replace('_', ' ')}: {done}", evidence)
    return Finding(
        "too_small_or_short",
        f"too small or too short: training has removed {max(learnt, 0):.0%} of the prior loss of its own part",
        {"learned": learnt, "gap": apart},
        threshold=f"less than {LEARNED_MOST:.0%} of the prior loss removed in training by {FEW_UNITS} units a layer"
        f" or fewer, {LEARNED_NEXT_TO_NOTHING:.0%} by others, and a gap below {SOME_GAP}",
        source=MEASURED,
        one_of=("too_small_or_short", "labels_tell_nothing"),
    )


def _has_hardly_begun(facts: TrainingFacts) -> bool:
    """Whether so few epochs, or steps, say nothing of the net yet."""
    is_brief = len(facts.epochs) < FEWEST_EPOCHS or (num_steps(facts) or BRIEF_STEPS) < BRIEF_STEPS
    return is_brief and _num_after_best(facts) == 0


def find_noisy_labels(facts: TrainingFacts) -> Finding | None:
    """The net learns the training part by heart, and beyond it only what labels with random errors let it know.

    Of classes alone: numbers with random errors have the curves of numbers that the inputs tell little of.
    """
    on_val, apart, evenness = learned_on_val(facts), gap(facts), error_evenness(facts)
    if on_val is None or apart is None or evenness is None or _has_few_to_say(facts):
        return None
    if not (evenness > EVEN and LEARNED_SOME < on_val < LEARNED_MOST and apart > NOISE_GAP):
        return None
    return Finding(
        "noisy_labels",
        f"noisy labels, or inputs that tell too little: {on_val:.0%} of the prior loss removed on validation, a gap of"
        f" {apart:.2g}, and errors as likely for each sample",
        {"learned_on_val": on_val, "gap": apart, "error_evenness": evenness},
        threshold=f"a loss above {EVEN} times that of evenly spread errors, and a gap above {NOISE_GAP}",
        source="Guo et al., On calibration of modern neural networks (2017); measured, docs/diagnosis.md",
        one_of=("noisy_labels", "labels_tell_nothing"),
    )
