"""Rules on the steps of the optimizer: out of bounds, too long, too short."""

from __future__ import annotations

import math

from tunesmith.insight.diagnosis.curves import (
    TRAIN_LOSS,
    VAL_LOSS,
    is_diverged,
    is_unfinished,
    jump,
    learned_on_val,
    start_loss,
    swing,
    val_losses,
)
from tunesmith.insight.diagnosis.finding import Finding
from tunesmith.insight.diagnosis.layers import dead_epochs, dead_share, update_ratio
from tunesmith.insight.diagnosis.settings import excess_of_rate, is_momentum_extreme
from tunesmith.insight.diagnosis.training_facts import TrainingFacts

MEASURED = "measured, docs/diagnosis.md"
# Healthy runs move the weights by 1.8e-3 to 1.2e-2 of their size in a step; a rate / 1000 by about 1e-5.
LEAST_UPDATE = 4e-4
# Of a training that was pruned, early: an order below what any healthy run has.
LEAST_UPDATE_OF_PRUNED = 1e-4
# Prior losses by which the validation loss goes up and down from epoch to epoch; healthy runs have .001 to .07.
MOST_SWING = 0.12
# Prior losses by which the worst batch is above a constant answer.
MOST_JUMP = 10.0
# Share of a layer's units that die in the training; healthy runs have 0.
MOST_DIED = 0.5
# A rate so many times the optimizer's usual one is no choice that anybody defends.
MOST_EXCESS = 30.0
LEARNED_ENOUGH, LEARNED_HALF = 0.9, 0.5


def find_too_high_rate(facts: TrainingFacts) -> Finding | None:
    """Steps are so long that the loss is thrown up, swings, or units die; the rate, or the momentum, is to blame."""
    learnt = learned_on_val(facts)
    if learnt is not None and learnt > LEARNED_ENOUGH and not is_diverged(facts):
        return None
    signs = _signs_of_long_steps(facts)
    if not signs:
        return None
    key = "optimizer.momentum" if is_momentum_extreme(facts) else "optimizer.lr"
    what = "momentum" if key == "optimizer.momentum" else "learning rate"
    return Finding(
        "learning_rate_too_high",
        f"{what} too high: {'; '.join(text for text, _ in signs.values())}",
        {name: value for name, (_, value) in signs.items()} | {"setting": key},
        threshold=f"a batch above {MOST_JUMP:g} prior losses, a swing above {MOST_SWING}, {MOST_DIED:.0%} of a layer's"
        f" units died, or a loss that is no number with a rate {MOST_EXCESS:g} times the usual one",
        source=MEASURED,
        gains="metric",
    )


def _signs_of_long_steps(facts: TrainingFacts) -> dict[str, tuple[str, float]]:
    """Return what shows that steps were too long: a sentence and a number of each sign."""
    signs: dict[str, tuple[str, float]] = {}
    excess, up, swings, died = excess_of_rate(facts), jump(facts), swing(val_losses(facts)), _died(facts)
    if is_diverged(facts) and excess is not None and excess >= MOST_EXCESS:
        signs["times_usual"] = f"it is {excess:.0f} times the usual one, and the loss is no number any more", excess
    if up is not None and up > MOST_JUMP:
        signs["worst_batch"] = f"the loss of a batch went up to {up:.3g} times that of a constant answer", up
    if swings is not None and swings > MOST_SWING:
        signs["swing"] = (
            f"the validation loss swings by {swings:.2g} prior losses an epoch (healthy: below .07)",
            swings,
        )
    if died is not None and died > MOST_DIED:
        signs["died"] = f"{died:.0%} of a layer's units died that were alive at the start", died
    return signs


def _died(facts: TrainingFacts) -> float | None:
    """Return the share of a layer's units that were alive at the start and are dead at the last look."""
    start, epochs = dead_share(facts, 0), dead_epochs(facts)
    end = dead_share(facts, epochs[-1]) if epochs else None
    return None if start is None or end is None or epochs[-1] == 0 else end - start


def find_diverged(facts: TrainingFacts) -> Finding | None:
    """The loss is no number any more, and nothing else explains it."""
    bad = [
        (row["epoch"], name)
        for row in facts.epochs
        for name in (TRAIN_LOSS, VAL_LOSS)
        if not math.isfinite(row.get(name, 0.0))
    ]
    if not bad:
        return None
    epoch, name = bad[0]
    start = start_loss(facts)
    return Finding(
        "diverged",
        f"diverged: {name} is no finite number at epoch {epoch:.0f}",
        {"epoch": epoch, **({} if start is None else {"start_loss": start})},
        threshold="a loss that is NaN or infinite",
        source="REQUIREMENTS E, not learning",
        one_of=("diverged", "learning_rate_too_high"),
        gains="metric",
    )


def find_too_low_rate(facts: TrainingFacts) -> Finding | None:
    """Steps hardly move the weights, and there is something left to learn."""
    update, learnt = update_ratio(facts), learned_on_val(facts)
    least = LEAST_UPDATE_OF_PRUNED if facts.state == "PRUNED" else LEAST_UPDATE
    if update is None or not 0 < update < least or learnt is None:
        return None
    if learnt > LEARNED_HALF and not is_unfinished(facts):
        return None
    return Finding(
        "learning_rate_too_low",
        f"learning rate too low: a step moves the weights by {update:.1e} of their size (healthy runs: 2e-3 to 1e-2)"
        f", and training has removed {max(learnt, 0):.0%} of the prior loss",
        {"update_ratio": update, "learned_on_val": learnt},
        threshold=f"update/weight ratio below {least:.0e}, and less than half learnt or still falling at the end",
        source=MEASURED,
        gains="metric",
    )
