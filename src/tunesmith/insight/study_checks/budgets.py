"""Whether trials and epochs suffice, and whether they were well spent."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from tunesmith.insight.study_checks.no_effects import keys_with_effect
from tunesmith.insight.study_checks.trials import CheckedStudy, CheckedTrial, Finding, configuration, distinct

TRIALS_PER_KEY = 5
NUM_TOP = 5
WINDOW = 0.2  # of the epochs
MIN_GAIN = 0.02  # of the whole way that the value has come
NUM_ERRORS = 3.0
MIN_DUPLICATES, DUPLICATE_SHARE = 3, 0.1


def too_few_trials(study: CheckedStudy) -> Iterator[Finding]:
    """Find a study with fewer than five trials per key that has an effect (F > 4, see key_effects.py).

    Source: ten points a dimension, Jones, Schonlau and Welch 1998; half of that here, because ten would alarm in 60 to
    97 % of the healthy studies of 30 trials over six keys.
    """
    keys = keys_with_effect(study)
    num, enough = len(study.trials), TRIALS_PER_KEY * len(keys)
    if num < enough:
        yield Finding(
            "too_few_trials",
            f"{num} trials for {len(keys)} keys that have an effect: {TRIALS_PER_KEY} each would be {enough}",
            {"trials": num, "keys": len(keys), "enough": enough},
            f"trials < {TRIALS_PER_KEY} x keys with F > 4",
            f"hydra.sweeper.n_trials={enough}",
        )


def still_improving(study: CheckedStudy) -> Iterator[Finding]:
    """Find a budget of epochs that ends while more than half of the best five configurations still get better.

    A trial still gets better if it was trained for all epochs, and the median value of the last fifth of its epochs is
    better than that of the fifth before by more than 2 % of the way from its first value to its best one, and by more
    than three errors of such a difference, 1.25 sd sqrt(2 / epochs), sd from the steps between epochs. Two errors and
    no distinct configurations alarmed in up to 30 % of the studies of the recorded table, whose curves are flat.
    """
    if study.max_epochs is None:
        return
    top = distinct(study.complete)[:NUM_TOP]
    num = sum(_improves(study, trial, study.max_epochs) for trial in top)
    if len(top) == NUM_TOP and num > NUM_TOP / 2:
        more = 2 * study.max_epochs
        yield Finding(
            "still_improving",
            f"{num} of the best {NUM_TOP} trials were still improving after all {study.max_epochs} epochs; "
            "trials of more epochs are a study of their own",
            {"improving": num, "of": NUM_TOP, "epochs": study.max_epochs},
            f"more than half of the best {NUM_TOP}",
            None if study.epochs_key is None else f"{study.epochs_key}={more}",
        )


def _improves(study: CheckedStudy, trial: CheckedTrial, max_epochs: int) -> bool:
    losses = [study.sign * trial.reports[step] for step in sorted(trial.reports)]
    size = round(WINDOW * max_epochs)
    if len(losses) < max_epochs or size < 2:
        return False
    before, last = losses[-2 * size : -size], losses[-size:]
    gain = median(before) - median(last)
    drift = (losses[-1] - losses[-2 * size]) / (2 * size - 1)
    steps = [after - first - drift for first, after in zip(losses[-2 * size :], losses[-2 * size + 1 :], strict=False)]
    sd = (sum(step * step for step in steps) / len(steps) / 2) ** 0.5
    return gain > MIN_GAIN * (losses[0] - min(losses)) and gain > NUM_ERRORS * 1.25 * sd * (2 / size) ** 0.5


def duplicates(study: CheckedStudy) -> Iterator[Finding]:
    """Find a sampler that has drawn configurations again: at least three trials, and a tenth of all.

    With the same seed such a trial tells nothing new.
    """
    num = len(study.trials) - len(set(map(configuration, study.trials)))
    if study.distributions and num >= max(MIN_DUPLICATES, DUPLICATE_SHARE * len(study.trials)):
        yield Finding(
            "duplicated_configurations",
            f"{num} of {len(study.trials)} trials ran a configuration that another one had run",
            {"duplicates": num, "trials": len(study.trials)},
            f"at least {MIN_DUPLICATES} and {DUPLICATE_SHARE:.0%} of the trials",
            "hydra/sweeper/sampler=bruteforce" if all(map(_is_finite, study.distributions.values())) else None,
        )


def _is_finite(distribution: object) -> bool:
    return getattr(distribution, "step", 1) is not None and not getattr(distribution, "log", False)
