"""The default rules of UMLAUT, SageMaker Debugger and AutoTrainer, restated on what our runs record.

Rules and numbers are theirs, the code is ours. All three were written for Keras, whose training loss is the mean over
an epoch's batches, with dropout: ours is train/loss of metrics.csv. `Alarm.names` are the names of ours that an alarm
may mean, generously: one alarm stands for each fault that its text, or its paper, gives as a cause.
DeepLocalize is left out: it looks at the outputs and deltas of each layer at each batch, which no run of ours keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite

from tunesmith.insight.diagnosis.training_facts import LayerRow, TrainingFacts

BLOWN_UP = ("diverged", "learning_rate_too_high", "exploding_init", "unscaled_inputs", "unscaled_targets")
NO_SIGNAL = ("vanishing_gradients", "dead_units", "zero_weights")
NOT_LEARNING = (
    *("learning_rate_too_low", "learning_rate_too_high", "labels_tell_nothing", "squashed_outputs"),
    *("unscaled_inputs", "unscaled_targets", "too_regularised", "too_few_steps", "too_small_or_short"),
    *("stopped_too_early", *NO_SIGNAL),
)


@dataclass(frozen=True)
class Alarm:
    """What a tool says: its own name for it, and the names of ours that it may mean."""

    name: str
    names: tuple[str, ...]


def umlaut(facts: TrainingFacts) -> Iterator[Alarm]:
    """UMLAUT (Schoop, Huang, Hartmann; CHI 2021), BerkeleyHCI/umlaut umlaut/heuristics.py, looks after each epoch.

    Left out, as they cannot be wrong here: inputs that are no floats; a loss that takes probabilities and gets logits.
    """
    largest = _largest_input(facts)
    if largest is not None and largest > 1:  # check_input_normalization: min < -1 or max > 1
        yield Alarm("input data exceeds typical limits", ("unscaled_inputs",))
    if _is_not_finite(facts):  # check_nan_in_loss
        yield Alarm("NaN in loss", BLOWN_UP)
    losses = _pairs(facts, "train/loss", "val/loss")
    # check_overfitting: from one epoch to the next, by any amount
    if any(val > val_before and train <= before for (before, val_before), (train, val) in pairwise(losses)):
        yield Alarm("possible overfitting", ("overfitting", "noisy_labels"))
    # check_high_validation_acc: above .95, or above the training part's
    if any(val > 0.95 or val > train for train, val in _pairs(facts, "train/acc", "val/acc")):
        yield Alarm("overconfident validation accuracy", ("duplicates", "give_away", "too_regularised"))


def sagemaker(facts: TrainingFacts) -> Iterator[Alarm]:
    """SageMaker Debugger's built-in rules with their default numbers (AWS, Amazon SageMaker AI Developer Guide).

    Not read again but known: the numbers of LossNotDecreasing (.1 %), Overtraining, CheckInputImages and AllZero.
    A step of theirs is an epoch here: they save a tensor every 500 steps (ruleConfigs.json of
    awslabs/sagemaker-debugger-rulesconfig). Left out: PoorWeightInitialization and SaturatedActivation (inputs of the
    activations), TensorVariance (no default number), SimilarAcrossRuns, StalledTrainingRule (time), and those for
    trees and texts. The order is ours: what names a cause, then what names a course.
    """
    yield from _sagemaker_tensors(facts)
    train = [row["train/loss"] for row in facts.epochs if "train/loss" in row]
    if _is_not_decreasing(train):
        yield Alarm("LossNotDecreasing", (*NOT_LEARNING, "diverged"))
    # Overfit: ratio_threshold .1, patience 1, start_step 0
    if any(train > 0 and (val - train) / train > 0.1 for train, val in _pairs(facts, "train/loss", "val/loss")):
        yield Alarm("Overfit", ("overfitting", "noisy_labels", "few_validation_samples"))
    val = [row["val/loss"] for row in facts.epochs if "val/loss" in row]
    # Overtraining: patience_train 5, patience_validation 10, delta .01
    if _waits(train, delta=0.01) >= 5 and _waits(val, delta=0.01) >= 10:
        yield Alarm("Overtraining", ("overfitting",))
    counts = _counts(facts)
    if counts and max(counts) > 10 * min(counts):  # ClassImbalance: threshold_imbalance 10
        yield Alarm("ClassImbalance", ("imbalance",))


def _sagemaker_tensors(facts: TrainingFacts) -> Iterator[Alarm]:
    """Yield the alarms of the rules about inputs, weights and gradients."""
    mean = facts.amount("inputs.mean")
    if mean is not None and abs(mean) > 0.2:  # CheckInputImages: threshold_mean .2; here for all inputs
        yield Alarm("CheckInputImages", ("unscaled_inputs",))
    norms = [value for row in facts.layers for value in (row.grad_norm, row.weight_norm) if value is not None]
    if _is_not_finite(facts) or not all(map(isfinite, norms)):  # ExplodingTensor: NaN or infinite
        yield Alarm("ExplodingTensor", BLOWN_UP)
    if any(norm == 0 for norm in norms):  # AllZero: threshold 100 %
        yield Alarm("AllZero", NO_SIGNAL)
    # DeadRelu: threshold_inactivity 1 %, threshold_layer 50 % of a layer; here: through which no gradient comes at all
    if "relu" in str(facts.setting("model.activation") or "relu") and any(
        row.dead_share is not None and row.dead_share > 0.5 for row in facts.layers
    ):
        yield Alarm("DeadRelu", ("dead_units", "learning_rate_too_high"))
    # VanishingGradient: mean |g| < 1e-7, which is a norm of about 1e-5 for a layer of 10 000 weights
    if any(row.grad_norm is not None and row.grad_norm < 1e-5 for row in facts.layers):
        yield Alarm("VanishingGradient", NO_SIGNAL)
    # WeightUpdateRatio: large_threshold 10, small_threshold 1e-8, between two steps
    ratios = [row.update_ratio for row in facts.layers if row.update_ratio is not None]
    if any(ratio > 10 for ratio in ratios):
        yield Alarm("WeightUpdateRatio, large", BLOWN_UP)
    if any(ratio < 1e-8 for ratio in ratios):
        yield Alarm("WeightUpdateRatio, small", ("learning_rate_too_low", *NO_SIGNAL))
    if any(_is_unchanged(rows) for rows in _by_layer(facts).values()):
        yield Alarm("UnchangedTensor", ("learning_rate_too_low", *NO_SIGNAL))


def _is_not_decreasing(losses: Sequence[float], steps: int = 10, least: float = 0.1) -> bool:
    """Whether a loss fell by less than diff_percent, `least`, in num_steps, `steps`, epochs (LossNotDecreasing)."""
    return any(before - now < least / 100 * abs(before) for before, now in pairwise(losses[::steps]))


def _waits(losses: Sequence[float], delta: float) -> int:
    """Return the longest row of epochs in which a loss did not fall below its best one by `delta`."""
    best, waited, longest = float("inf"), 0, 0
    for loss in losses:
        if loss < best - delta:
            best, waited = loss, 0
        else:
            waited += 1
            longest = max(longest, waited)
    return longest


def _is_unchanged(rows: Sequence[LayerRow]) -> bool:
    """Whether a layer's weights stayed equal for 3 epochs within a relative 1e-5 (UnchangedTensor: num_steps, rtol)."""
    ratios = [row.update_ratio for row in rows if row.update_ratio is not None]
    return any(max(ratios[start : start + 3]) < 1e-5 for start in range(len(ratios) - 2))


def autotrainer(facts: TrainingFacts) -> Iterator[Alarm]:
    """AutoTrainer (Zhang et al., ICSE 2021), shiningrain/AUTOTRAINER AutoTrainer/utils/monitor.py and utils.py.

    Looks every third epoch (checktype epoch_3), stops the training at its first alarm, and names the one of the
    highest rank (problem_evaluation). Accuracies are needed: of numbers to predict it sees only losses that explode.
    Zero gradients are counted by our shares of dead units: all weights of such a unit have none.
    """
    max_epochs = facts.number("trainer.max_epochs") or len(facts.epochs)
    seen = _Seen()
    for epoch in range(1, len(facts.epochs) + 1, 3):
        seen.look_at_gradients([row for row in facts.layers if row.epoch == epoch])
        is_judged = epoch >= 0.3 * max_epochs  # judgment_point
        found = _autotrainer_alarm(facts.epochs[:epoch], seen, is_judged)
        if found is not None:
            yield found
            return
    if _is_not_finite(facts):
        yield EXPLODE


EXPLODE = Alarm("exploding gradient", BLOWN_UP)
VANISH = Alarm("vanishing gradient", NO_SIGNAL)
DYING_RELU = Alarm("dying ReLU", ("dead_units", "zero_weights", "learning_rate_too_high"))
SLOW = Alarm("slow convergence", NOT_LEARNING)
UNSTABLE = Alarm("oscillating loss", ("learning_rate_too_high", "diverged", "too_few_steps"))


@dataclass
class _Seen:
    """What AutoTrainer has seen of the gradients: once seen, it stays so."""

    has_vanished: bool = False
    has_exploded: bool = False
    has_died: bool = False

    def look_at_gradients(self, rows: Sequence[LayerRow]) -> None:
        """Judge the layers of one epoch: beta_1 1e-3, beta_2 1e-4, beta_3 70, gamma .7."""
        norms = [row.grad_norm for row in rows if row.grad_norm is not None]
        if len(norms) > 1 and norms[-1] > 0:
            rate = norms[0] / norms[-1]
            self.has_vanished |= rate < 1e-3 and norms[0] < 1e-4
            self.has_exploded |= rate > 70
        shares = [row.dead_share for row in rows if row.dead_share is not None]
        self.has_died |= bool(shares) and sum(shares) / len(shares) >= 0.7
        self.has_died |= bool(norms) and not any(norms)


def _autotrainer_alarm(epochs: Sequence[Mapping[str, float]], seen: _Seen, is_judged: bool) -> Alarm | None:
    """Return the alarm after some epochs: Theta .7 (accuracy), delta .01 (its largest rise), zeta .03, eta .2."""
    losses = [row[name] for row in epochs for name in ("train/loss", "val/loss") if name in row]
    if not all(map(isfinite, losses)) or epochs[-1].get("val/loss", 0.0) >= 1e5:
        return EXPLODE
    accuracies = [[row[name] for row in epochs if name in row] for name in ("train/acc", "val/acc")]
    if not is_judged or not all(accuracies):
        return None
    is_slow = all(_largest_rise(values) < 0.01 for values in accuracies)
    if not is_slow and min(map(max, accuracies)) >= 0.7:
        return UNSTABLE if _oscillates(accuracies[0]) else None
    causes = ((seen.has_died, DYING_RELU), (seen.has_exploded, EXPLODE), (seen.has_vanished, VANISH), (is_slow, SLOW))
    return next((alarm for is_seen, alarm in causes if is_seen), None)


def _largest_rise(values: Sequence[float]) -> float:
    return max((after - before for before, after in pairwise(values)), default=0.0)


def _oscillates(values: Sequence[float], height: float = 0.03, rate: float = 0.2) -> bool:
    """Whether the k-th peak lies `height` above the k-th dip in more than `rate` of the epochs (ol_judge)."""
    turns = list(zip(values, values[1:], values[2:], strict=False))
    peaks = [here for before, here, after in turns if here >= before and here >= after]
    dips = [here for before, here, after in turns if here <= before and here <= after]
    return sum(peak - dip >= height for peak, dip in zip(peaks, dips, strict=False)) >= rate * len(values)


def _largest_input(facts: TrainingFacts) -> float | None:
    measured = facts.amount("inputs.abs_max")
    return facts.looks[0].get("input_max") if measured is None and facts.looks else measured


def _is_not_finite(facts: TrainingFacts) -> bool:
    """Whether a loss became NaN or infinite; the epoch itself may be missing in metrics.csv."""
    losses = [row[name] for row in facts.epochs for name in ("train/loss", "val/loss") if name in row]
    return not all(map(isfinite, losses)) or facts.state == "FAIL"


def _pairs(facts: TrainingFacts, first: str, second: str) -> list[tuple[float, float]]:
    return [(row[first], row[second]) for row in facts.epochs if first in row and second in row]


def _by_layer(facts: TrainingFacts) -> dict[str, list[LayerRow]]:
    layers: dict[str, list[LayerRow]] = {}
    for row in facts.layers:
        layers.setdefault(row.layer, []).append(row)
    return layers


def _counts(facts: TrainingFacts) -> list[float]:
    """Return how many training samples each class has; empty for numbers."""
    counts = facts.fact("classes.train")
    return [float(count) for count in counts] if isinstance(counts, list) else []


ANCHORS: Mapping[str, Callable[[TrainingFacts], Iterator[Alarm]]] = {
    "UMLAUT": umlaut,
    "SageMaker Debugger": sagemaker,
    "AutoTrainer": autotrainer,
}
