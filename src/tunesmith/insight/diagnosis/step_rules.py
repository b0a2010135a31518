"""Rules on the steps of the optimizer: out of bounds, too long, too short."""

from __future__ import annotations

import math
from dataclasses import replace

from tunesmith.insight.diagnosis.curves import (
    FEW_EPOCHS,
    LEARNED_ENOUGH,
    LEARNED_HALF,
    LEARNED_NEXT_TO_NOTHING,
    MOST_RISE,
    TRAIN_LOSS,
    VAL_LOSS,
    early_rate,
    is_diverged,
    is_unfinished,
    jump,
    learned,
    learned_on_val,
    rise,
    start_loss,
    swing,
    val_losses,
    worst_batch,
)
from tunesmith.insight.diagnosis.finding import MEASURED, Finding
from tunesmith.insight.diagnosis.layers import dead_share, update_ratio
from tunesmith.insight.diagnosis.settings import (
    MANY_STEPS,
    MOST_MOMENTUM,
    excess_of_rate,
    has_classes,
    has_far_targets,
    is_momentum_extreme,
    is_tiny,
    num_steps,
    optimizer_name,
)
from tunesmith.insight.diagnosis.training_facts import TrainingFacts

# Healthy runs move the weights by 1.8e-3 to 1.2e-2 of their size in a step; a rate / 1000 by about 1e-5.
LEAST_UPDATE, USUAL_UPDATE = 4e-4, 8e-3
# Shorter than in healthy runs, not by an order: other causes may act as well.
SHORT_UPDATE, SLOW_RATE = 1e-3, 0.1
MEDIAN_UPDATE = 4e-3
# Of a training that was pruned, early, or of whose loss nothing is known: an order below what any healthy run has.
LEAST_UPDATE_OF_ANY = 1e-4
# Prior losses. An epoch, or a batch, so far above a constant answer was thrown there by a step; in healthy runs the
# first steps bring an epoch to 4 and a batch to 12, of numbers.
MOST_JUMP, MOST_BATCH = 10.0, 100.0
# A validation loss that goes up and down by so much from epoch to epoch; healthy runs have up to .07.
MOST_SWING, MOST_SWING_OF_EXTREME = 0.12, 0.05
# A validation loss that ends so much above its least: of a usual rate, overfitting looks the same.
SMALL_RISE = 0.05
# Schedules that help keep most of the rate for a third of the epochs; halving it every 5 epochs leaves .06 after 20.
LEAST_RATE_LEFT = 0.01
# Share of a layer's units that die within the first epoch; healthy runs have up to .04.
MOST_DIED = 0.15
# Of numbers: with a spread up to 25, plain SGD learns with a rate of 1e-3 or more, of 100 with none of them.
MOST_SPREAD_OF_RATE = 50.0
# A rate so many times the optimizer's usual one lies beyond every range that conf/optimizer names.
EXTREME_RATE = 20.0
LEARNED_NEARLY_ALL = 0.93


def find_too_high_rate(facts: TrainingFacts) -> Finding | None:
    """Steps are so long that the loss is thrown up, swings, or units die; the rate, or the momentum, is to blame."""
    learnt, is_extreme = learned_on_val(facts), _is_extreme(facts)
    if learnt is not None and learnt > LEARNED_ENOUGH and not (is_extreme or is_diverged(facts)):
        return None
    signs = _signs_of_long_steps(facts, is_extreme)
    if not signs:
        return None
    key = "optimizer.momentum" if is_momentum_extreme(facts) else "optimizer.lr"
    what = "momentum" if key == "optimizer.momentum" else "learning rate"
    return Finding(
        "learning_rate_too_high",
        f"{what} too high: {', and '.join(text for text, _ in signs.values())}",
        {name: value for name, (_, value) in signs.items()} | {"setting": key},
        threshold=f"an epoch above {MOST_JUMP:g} prior losses, a batch above {MOST_BATCH:g}, a swing above"
        f" {MOST_SWING}, {MOST_DIED:.0%} of a layer's"
        f" units dead within an epoch; with a rate {EXTREME_RATE:g} times the usual one or a momentum above"
        f" {MOST_MOMENTUM} a swing above {MOST_SWING_OF_EXTREME}, a rise above {MOST_RISE}, or no number",
        source=MEASURED,
    )


def find_rate_that_targets_throw(facts: TrainingFacts) -> Finding | None:
    """Plain SGD was thrown by numbers that are not scaled, but not too far: a lower rate mends it as well."""
    spread, excess, learnt = facts.amount("targets.std"), excess_of_rate(facts), learned_on_val(facts)
    is_plain = optimizer_name(facts) == "SGD" and excess is not None and excess >= 1
    if not (is_plain and has_far_targets(facts)) or spread is None or spread > MOST_SPREAD_OF_RATE:
        return None
    if not (is_diverged(facts) or (learnt is not None and learnt < LEARNED_NEXT_TO_NOTHING)):
        return None
    found = find_too_high_rate(facts)
    return None if found is None else replace(found, one_of=("learning_rate_too_high", "unscaled_targets"))


def find_hopeless_rate(facts: TrainingFacts) -> Finding | None:
    """The loss is no number, with a rate or momentum that hardly any weights to begin with would stand."""
    return find_too_high_rate(facts) if is_diverged(facts) and _is_extreme(facts) else None


def _is_extreme(facts: TrainingFacts) -> bool:
    """Whether rate or momentum lie where hardly any training works: a weaker sign then suffices."""
    excess = excess_of_rate(facts)
    return is_momentum_extreme(facts) or (excess is not None and excess >= EXTREME_RATE)


def _signs_of_long_steps(facts: TrainingFacts, is_extreme: bool) -> dict[str, tuple[str, float]]:
    """Return what shows that steps were too long: a sentence and a number of each sign."""
    signs: dict[str, tuple[str, float]] = {}
    up, batch = jump(facts), worst_batch(facts)
    swings, rises, died = swing(val_losses(facts)), rise(facts), _died(facts)
    if is_extreme and is_diverged(facts):
        signs["times_usual"] = "the loss is no finite number any more", excess_of_rate(facts) or 0.0
    if up is not None and up > MOST_JUMP:
        signs["worst_epoch"] = f"the training loss went up to {up:.3g} times that of a constant answer", up
    if batch is not None and batch > MOST_BATCH:
        signs["worst_batch"] = f"that of a batch to {batch:.3g} times", batch
    if died is not None and died > MOST_DIED:
        signs["died"] = f"{died:.0%} of a layer's units died within the first epoch", died
    if swings is not None and swings > (MOST_SWING_OF_EXTREME if is_extreme else MOST_SWING) and _is_moved(facts):
        signs["swing"] = (
            f"the validation loss swings by {swings:.2g} prior losses an epoch (healthy: to .07)",
            swings,
        )
    if is_extreme and rises is not None and _ends_worse(facts, rises):
        signs["rise"] = f"the validation loss ends {rises:.2g} prior losses above its least", rises
    return signs


def _is_moved(facts: TrainingFacts) -> bool:
    """Whether steps move the weights by more than is usual; True if nobody knows."""
    update = update_ratio(facts)
    return update is None or update > USUAL_UPDATE


def _ends_worse(facts: TrainingFacts, rises: float) -> bool:
    """Whether the loss has risen too much; a small rise counts if it is no chance and much is left to learn."""
    learnt = learned_on_val(facts)
    is_small = has_classes(facts) and learnt is not None and learnt < LEARNED_NEARLY_ALL
    return rises > (SMALL_RISE if is_small else MOST_RISE)


def _died(facts: TrainingFacts) -> float | None:
    """Return the share of a layer's units that were alive at the start and are dead after the first epoch."""
    start, end = dead_share(facts, 0), dead_share(facts, 1)
    return None if start is None or end is None else end - start


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
        source="docs/diagnosis.md",
        one_of=("diverged", "learning_rate_too_high"),
    )


def find_too_low_rate(facts: TrainingFacts) -> Finding | None:
    """Steps hardly move the weights, and there is something left to learn."""
    update, learnt, left = update_ratio(facts), learned_on_val(facts), early_rate(facts)
    if learnt is None:
        return _unmoved(facts, update)
    if left is not None and left < LEAST_RATE_LEFT and learnt < LEARNED_ENOUGH:
        return _fallen_rate(left, learnt)
    least = LEAST_UPDATE_OF_ANY if facts.state == "PRUNED" else LEAST_UPDATE
    if update is None or update <= 0:
        return None
    if update < least:
        return _short_steps(update, learnt) if learnt < LEARNED_HALF or is_unfinished(facts) else None
    is_slow = facts.state != "PRUNED" and not is_tiny(facts) and _is_slow(facts, update)
    if is_slow and (is_unfinished(facts) or _has_learned_nothing(facts)):
        return _short_steps(update, learnt, is_sure=False)
    return None


def _unmoved(facts: TrainingFacts, update: float | None) -> Finding | None:
    """Of a loss of one's own, without a prior loss, steps alone can tell; weights that were given may need little."""
    if update is None or not 0 < update < LEAST_UPDATE_OF_ANY or facts.setting("weights") is not None:
        return None
    return Finding(
        "learning_rate_too_low",
        f"learning rate too low: a step moves the weights by {update:.1e} of their size (healthy: 2e-3 to 1e-2)",
        {"update_ratio": update},
        threshold=f"update/weight ratio below {LEAST_UPDATE_OF_ANY:.0e}, of a loss whose best constant answer is not"
        " known",
        source=MEASURED,
    )


def _is_slow(facts: TrainingFacts, update: float) -> bool:
    """Whether steps are shorter than in healthy runs, by more than there are too few of them."""
    excess, steps = excess_of_rate(facts), num_steps(facts)
    is_rate_low = excess is not None and 0 < excess <= SLOW_RATE
    if is_rate_low and _has_learned_nothing(facts) and not is_unfinished(facts):
        return len(facts.epochs) > FEW_EPOCHS
    return update < SHORT_UPDATE and (steps is None or update * MANY_STEPS < MEDIAN_UPDATE * steps)


def _has_learned_nothing(facts: TrainingFacts) -> bool:
    """Whether training has removed next to nothing of either part's prior loss; False if nobody knows."""
    shares = (learned(facts), learned_on_val(facts))
    return all(share is not None and share < LEARNED_NEXT_TO_NOTHING for share in shares)


def _short_steps(update: float, learnt: float, is_sure: bool = True) -> Finding:
    return Finding(
        "learning_rate_too_low",
        f"learning rate too low: a step moves the weights by {update:.1e} of their size (healthy: 2e-3 to 1e-2), and"
        f" training has removed {max(learnt, 0):.0%} of the prior loss",
        {"learned_on_val": learnt, "update_ratio": update},
        threshold=f"update/weight ratio below {LEAST_UPDATE:.0e}, and less than half learnt or still falling; or below"
        f" {SHORT_UPDATE:.0e}, and nothing learnt or still falling",
        source=MEASURED,
        one_of=() if is_sure else ("learning_rate_too_low", "stopped_too_early", "too_small_or_short"),
    )


def _fallen_rate(left: float, learnt: float) -> Finding:
    return Finding(
        "learning_rate_too_low",
        f"learning rate too low: after a third of the epochs the schedule has left {left:.1e} of it, and training has"
        f" removed {max(learnt, 0):.0%} of the prior loss",
        {"rate_left": left, "learned_on_val": learnt, "setting": "scheduler"},
        threshold=f"less than {LEAST_RATE_LEFT:g} of the largest rate after a third of the epochs",
        source=MEASURED,
    )
