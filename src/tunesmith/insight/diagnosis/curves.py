"""Features of a training's losses, in units of the prior loss: the loss of the best constant answer (data_facts.json).

1 is what a constant reaches, 0 is perfect; one threshold then serves all data sets. None: not measured.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, median

from tunesmith.insight.diagnosis.settings import FEW_STEPS, SHORT_PATIENCE, patience, steps_per_epoch
from tunesmith.insight.diagnosis.training_facts import TrainingFacts

# A second half of the epochs that took off so many prior losses: the next doubling is worth half of it.
LATE_GAIN = 0.1
# A weaker sign suffices if early stopping hardly waited, or if there were hardly any epochs, or steps in one.
LATE_GAIN_OF_CUT, LATE_GAIN_OF_FEW, FEW_EPOCHS = 0.02, 0.05, 5
# What is left to learn below this share of the prior loss is not worth a word.
LEAST_LEFT_OF_MANY, LEAST_LEFT, LEAST_LEFT_OF_CUT = 0.15, 0.1, 0.03
# A loss that falls slowly until the last epoch, with more than half of it left.
HALF_LEFT, LATE_GAIN_OF_SLOW = 0.5, 0.03
# Relative change of a metric below which validation parts of a few hundred samples are not sure of one.
LEAST_WORSENING = 0.05
# Of fewer than a tenth of the samples, errors are too few to say how they are spread.
MOST_ACCURACY = 0.9
_LARGEST = 1e100
LEAST_ACCURACY_GAIN = 0.01
# Shares of the prior loss that training has removed.
LEARNED_ENOUGH, LEARNED_HALF, LEARNED_NEXT_TO_NOTHING = 0.9, 0.5, 0.1
# Prior losses by which a validation loss may end above its least.
MOST_RISE = 0.15
VAL_LOSS, TRAIN_LOSS, EVAL_LOSS = "val/loss", "train/loss", "train_loss"


def prior_loss(facts: TrainingFacts, part: str) -> float | None:
    """Return the prior loss of a part, train or val; None if it is unknown or no unit.

    No unit is zero, as of constant targets, and that of a loss that falls below zero: 0 is not perfect there.
    """
    loss = facts.amount(f"prior_loss.{part}")
    return loss if loss is not None and loss > 0 and not _falls_below_zero(facts) else None


def _falls_below_zero(facts: TrainingFacts) -> bool:
    return any(row.get(name, 0) < 0 for row in facts.epochs for name in (TRAIN_LOSS, VAL_LOSS))


def val_losses(facts: TrainingFacts) -> list[float]:
    """Return the validation loss after each epoch, in units of its prior loss; NaN and infinity are kept."""
    return _in_priors(facts, [row[VAL_LOSS] for row in facts.epochs if VAL_LOSS in row], "val")


def train_losses(facts: TrainingFacts) -> list[float]:
    """Return each epoch's training loss: a mean over the steps of a net that changes, with dropout."""
    return _in_priors(facts, [row[TRAIN_LOSS] for row in facts.epochs if TRAIN_LOSS in row], "train")


def eval_losses(facts: TrainingFacts) -> list[float]:
    """Return the training losses in evaluation mode, at the epochs that were looked at; the first one: at the start."""
    return _in_priors(facts, [row[EVAL_LOSS] for row in facts.looks if EVAL_LOSS in row], "train")


def start_loss(facts: TrainingFacts) -> float | None:
    """Return the training loss before the first step."""
    first = [row for row in facts.looks if row["epoch"] == 0]
    losses = _in_priors(facts, [row[EVAL_LOSS] for row in first if EVAL_LOSS in row], "train")
    return losses[0] if losses else None


def loss_of_zero(facts: TrainingFacts) -> float:
    """Return the training loss of outputs of zero: each class alike, or zero for each number; 1 if nobody knows."""
    counts, prior = facts.fact("classes.train"), prior_loss(facts, "train")
    if isinstance(counts, list) and len(counts) > 1 and prior is not None:
        return max(1.0, math.log(len(counts)) / prior)
    mean, spread = facts.amount("targets.mean"), facts.amount("targets.std")
    return 1.0 if mean is None or not spread else 1 + (mean / spread) ** 2


def learned(facts: TrainingFacts) -> float | None:
    """Return the share of the prior loss that training removed from the training part, at best: 1 is all of it."""
    return _one_minus_least(eval_losses(facts))


def learned_on_val(facts: TrainingFacts) -> float | None:
    """Return the share of the prior loss that training removed from the validation part, at best."""
    return _one_minus_least(val_losses(facts))


def is_diverged(facts: TrainingFacts) -> bool:
    """Whether a loss is no finite number at some epoch."""
    return any(not math.isfinite(row[name]) for row in facts.epochs for name in (TRAIN_LOSS, VAL_LOSS) if name in row)


def rise(facts: TrainingFacts) -> float | None:
    """Return by how much the validation loss has risen from its least to its last value."""
    losses = _finite(val_losses(facts))
    return losses[-1] - min(losses) if losses else None


def has_worsened(facts: TrainingFacts) -> bool:
    """Whether the tuned metric ends worse than it was at best; True of a loss, or if unknown."""
    values = [row[facts.metric] for row in facts.epochs if facts.metric in row]
    if not values or facts.metric == VAL_LOSS or facts.mode not in ("min", "max"):
        return True
    best = max(values) if facts.mode == "max" else min(values)
    return abs(values[-1] - best) > LEAST_WORSENING * abs(best)


def gap(facts: TrainingFacts, at_best: bool = False) -> float | None:
    """Return how far the validation loss is above the training loss in evaluation mode, at the last or best epoch."""
    seen = {row["epoch"]: row[EVAL_LOSS] for row in facts.looks if EVAL_LOSS in row and row["epoch"] > 0}
    epoch = facts.best_epoch if at_best else max(seen, default=None)
    of_val = [row[VAL_LOSS] for row in facts.epochs if row["epoch"] == epoch and VAL_LOSS in row]
    val = _in_priors(facts, of_val, "val")
    train = _in_priors(facts, [seen[epoch]] if epoch in seen else [], "train")
    return val[-1] - train[0] if val and train else None


def error_evenness(facts: TrainingFacts) -> float | None:
    """Return the least validation loss over that of a net with the same accuracy that is equally sure of each sample.

    That loss is the entropy of: right with probability accuracy, else any other class. Random errors in labels spread
    like this; where classes overlap, a net is unsure of a few samples alone. None of numbers, or near chance or 1.
    """
    counts = facts.fact("classes.train")
    num_classes = sum(1 for count in counts if count) if isinstance(counts, list) else 0
    rows = [row for row in facts.epochs if "val/acc" in row and math.isfinite(row.get(VAL_LOSS, math.nan))]
    if num_classes < 2 or not rows:
        return None
    best = min(rows, key=lambda row: row[VAL_LOSS])
    right = max(best["val/acc"], 1 / num_classes)
    if right > MOST_ACCURACY:
        return None
    return best[VAL_LOSS] / (-right * math.log(right) - (1 - right) * math.log((1 - right) / (num_classes - 1)))


def late_gain(losses: Sequence[float]) -> float | None:
    """Return how much the second half of the epochs still took off the least loss; None of fewer than two epochs.

    Losses fall about as a power of time: the next doubling of the epochs takes off about half of that again.
    """
    if len(losses) < 2 or not all(map(math.isfinite, losses)):
        return None
    half = len(losses) // 2
    return min(losses[:half]) - min(losses)


def is_unfinished(facts: TrainingFacts) -> bool:
    """Whether the validation loss still fell when the training ended: more epochs would have taken off more of it.

    Not if early stopping has waited long enough.
    """
    losses, waited = val_losses(facts), patience(facts)
    gain = late_gain(losses)
    if gain is None:
        return False
    best = losses.index(min(losses)) + 1 if facts.best_epoch is None else facts.best_epoch
    is_late = best >= 0.8 * len(losses) - 1
    if waited is not None:
        is_told = len(losses) <= FEW_EPOCHS or (is_late and gain >= LATE_GAIN_OF_CUT)
        return waited <= SHORT_PATIENCE and is_told and min(losses) >= LEAST_LEFT_OF_CUT
    if (steps_per_epoch(facts) or math.inf) <= FEW_STEPS:
        return is_late and gain >= LATE_GAIN_OF_FEW and min(losses) >= LEAST_LEFT_OF_CUT
    if not is_late or _is_right_alike(facts):
        return False
    if len(losses) <= FEW_EPOCHS:
        return gain >= LATE_GAIN_OF_FEW and min(losses) >= LEAST_LEFT
    is_slow = best == len(losses) and min(losses) > HALF_LEFT and gain >= LATE_GAIN_OF_SLOW
    return is_slow or (gain >= LATE_GAIN and min(losses) >= LEAST_LEFT_OF_MANY)


def _is_right_alike(facts: TrainingFacts) -> bool:
    """Whether the second half of the epochs left a good accuracy as it was: a net grows sure, and learns nothing."""
    shares = [row["val/acc"] for row in facts.epochs if "val/acc" in row]
    half = len(shares) // 2
    is_good = half > 0 and max(shares) > MOST_ACCURACY
    return is_good and max(shares) - max(shares[:half]) < LEAST_ACCURACY_GAIN


def early_rate(facts: TrainingFacts) -> float | None:
    """Return the learning rate after a third of the epochs, over the largest one until then."""
    rates = [row["lr"] for row in facts.epochs if "lr" in row]
    third = len(rates) // 3
    return rates[third] / max(rates[: third + 1]) if third and max(rates[: third + 1]) > 0 else None


def jump(facts: TrainingFacts) -> float | None:
    """Return the mean training loss of the worst epoch."""
    return max(_finite(train_losses(facts)), default=None)


def worst_batch(facts: TrainingFacts) -> float | None:
    """Return the training loss of the worst batch, of the epochs that were looked at."""
    worst = [row["max_batch_loss"] for row in facts.looks if "max_batch_loss" in row]
    return max(_finite(_in_priors(facts, worst, "train")), default=None)


def swing(losses: Sequence[float]) -> float | None:
    """Return the median change from epoch to epoch in the last two thirds, up or down, less that of a steady fall."""
    late = _finite(losses)[len(losses) // 3 :]
    if len(late) < 4:
        return None
    changes = [after - before for before, after in pairwise(late)]
    return median(map(abs, changes)) - abs(fmean(changes))


def _one_minus_least(losses: Sequence[float]) -> float | None:
    known = _finite(losses)
    return 1 - min(known) if known else None


def _finite(losses: Sequence[float]) -> list[float]:
    return [loss for loss in losses if math.isfinite(loss)]


def _in_priors(facts: TrainingFacts, losses: Sequence[float], part: str) -> list[float]:
    """Return losses in prior losses; those of absolute errors squared, so that shares mean what they do of others."""
    prior = prior_loss(facts, part)
    power = 2 if str(facts.setting("loss._target_")).endswith(".L1Loss") else 1
    return [] if prior is None else [_power(loss / prior, power) for loss in losses]


def _power(ratio: float, power: int) -> float:
    return math.inf if ratio > _LARGEST else ratio**power
