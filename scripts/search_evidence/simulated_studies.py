"""Studies of a made-up objective whose truth is known: healthy ones, and ones with one planted fault each.

Six parameters, a quadratic bowl with an interaction, a choice, noise, learning curves and the median pruner's rule.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from tunesmith.insight.study_checks.trials import CheckedStudy, CheckedTrial, Score, position

SPACE: dict[str, BaseDistribution] = {
    "optimizer.lr": FloatDistribution(1e-4, 1e-1, log=True),
    "model.hidden_units": IntDistribution(32, 512, log=True),
    "optimizer": CategoricalDistribution(("adam", "sgd", "rmsprop")),
    "model.dropout": FloatDistribution(0.1, 0.6),
    "optimizer.weight_decay": FloatDistribution(1e-5, 1e-2, log=True),
    "data.batch_size": IntDistribution(16, 256),
}
CHOICE = "optimizer"
NUMBERS = [key for key in SPACE if key != CHOICE]
NUM_EPOCHS = 30
NOISE_SD, EPOCH_SD = 0.03, 0.01
WARMUP, STARTUP = 5, 5  # of the median pruner
Point = dict[str, float]  # number -> position in its range, choice -> index


@dataclass(frozen=True)
class Truth:
    """What a study's objective is.

    best: position of the optimum per number; weights: how much each matters; the choice's weight is that of CHOICE.
    fails_above: position of the learning rate from which on trials fail.
    blooms_late: whether what ends well begins badly; epochs_needed: time constant of the curves.
    test_drop: by how many standard errors the test part is worse than the validation part.
    """

    best: dict[str, float]
    weights: dict[str, float]
    interaction: float
    fails_above: float | None = None
    blooms_late: bool = False
    epochs_needed: float = 4.0
    test_drop: float = 0.0
    is_baseline_best: bool = False

    def loss(self, point: Point) -> float:
        away = {key: point[key] - self.best[key] for key in NUMBERS}
        bowl = sum(self.weights[key] * away[key] ** 2 for key in NUMBERS)
        first, second = NUMBERS[:2]
        choice = self.weights[CHOICE] * point[CHOICE] / 2
        return 0.1 + bowl + choice + self.interaction * away[first] * away[second]


def healthy(rng: np.random.Generator) -> Truth:
    """Return an objective whose optimum is well inside of all ranges, and of which every parameter has a share."""
    sizes = rng.permutation([3.0, 2.0, 1.5, 1.2, 1.2])
    best = {key: float(rng.uniform(0.3, 0.7)) for key in NUMBERS}
    weights = {key: float(size) for key, size in zip(NUMBERS, sizes, strict=True)}
    return Truth(best, {**weights, CHOICE: 0.4}, interaction=float(rng.uniform(-1, 1)))


def planted(fault: str, rng: np.random.Generator) -> Truth:
    """Return a healthy objective with one fault."""
    truth = healthy(rng)
    is_high = bool(rng.integers(2))
    match fault:
        case "edge_of_range":
            best = {**truth.best, "optimizer.lr": 1.15 if is_high else -0.15}
            return replace(truth, best=best, weights={**truth.weights, "optimizer.lr": 2.0})
        case "no_effect":
            return replace(truth, weights={**truth.weights, "optimizer.weight_decay": 0.0})
        case "failures_cluster":
            return replace(truth, fails_above=0.75)
        case "pruner_kills_late_bloomers":
            return replace(truth, blooms_late=True)
        case "still_improving":
            return replace(truth, epochs_needed=25.0)
        case "optimism":
            return replace(truth, test_drop=5.0)
        case "baseline_unbeaten":
            return replace(truth, is_baseline_best=True)
    return truth


def simulate(truth: Truth, num_trials: int, draws: str, prunes: bool, rng: np.random.Generator) -> CheckedStudy:
    """Run a study; draws: random, tpe-like. Trial 0 is the configuration as it stands."""
    trials: list[CheckedTrial] = []
    points: list[Point] = []
    for number in range(num_trials):
        point = _baseline(truth) if number == 0 else _draw(draws, trials, points, rng)
        points.append(point)
        trials.append(_run(truth, number, point, trials if prunes else [], rng))
    study = CheckedStudy(
        trials, SPACE, n_trials=num_trials, max_epochs=NUM_EPOCHS, epochs_key="trainer.max_epochs", baseline=0
    )
    return replace(study, score=_score(truth, study, points, rng)) if study.complete else study


def _baseline(truth: Truth) -> Point:
    if truth.is_baseline_best:
        return {**truth.best, CHOICE: 0.0}
    return dict.fromkeys(NUMBERS, 0.15) | {CHOICE: 1.0}


def _draw(draws: str, trials: Sequence[CheckedTrial], points: list[Point], rng: np.random.Generator) -> Point:
    drawn = drawn_near(draws, NUMBERS, trials, points, rng)
    near = drawn.get("near")
    index = float(rng.integers(3)) if near is None or rng.uniform() > 0.7 else points[int(near)][CHOICE]
    return {**{key: drawn[key] for key in NUMBERS}, CHOICE: index}


def drawn_near(
    draws: str, keys: Sequence[str], trials: Sequence[CheckedTrial], points: Sequence[Point], rng: np.random.Generator
) -> Point:
    """Draw positions of numbers evenly, or after ten trials near one of the best tenth, as TPE's kernels do.

    Returns: key -> position; near: number of the trial that the point is near to, if it is near to one.
    """
    even: Point = {key: float(rng.uniform()) for key in keys}
    scored = sorted((trial.value, trial.number) for trial in trials if trial.value is not None)
    if draws == "random" or len(scored) < 10:
        return even
    _, near = scored[rng.integers(max(2, min(25, len(scored) // 10)))]
    drawn = {key: _reflect(points[near][key] + rng.normal(0, 0.15)) for key in keys}
    return {key: even[key] if rng.uniform() < 0.1 else drawn[key] for key in keys} | {"near": float(near)}


def _reflect(value: float) -> float:
    value = abs(value)
    return 2 - value if value > 1 else value


def _run(
    truth: Truth, number: int, point: Point, others: Sequence[CheckedTrial], rng: np.random.Generator
) -> CheckedTrial:
    params = {key: _value(SPACE[key], place) for key, place in point.items()}
    if truth.fails_above is not None and point["optimizer.lr"] > truth.fails_above and rng.uniform() < 0.9:
        return CheckedTrial(number, "failed", None, params)
    curve = _curve(truth, truth.loss(point) + rng.normal(0, NOISE_SD), rng)
    end = next((epoch for epoch in range(WARMUP + 1, NUM_EPOCHS) if is_pruned(epoch, curve, others)), None)
    reports = dict(enumerate(map(float, curve[:end]), start=1))
    return CheckedTrial(
        number, "complete" if end is None else "pruned", min(reports.values()), params, reports, len(reports)
    )


def _curve(truth: Truth, final: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a loss per epoch that falls to its final value; a late bloomer falls the later, the better it ends."""
    epochs = np.arange(1, NUM_EPOCHS + 1)
    needed = truth.epochs_needed * math.exp(rng.normal(0, 0.2))
    start = 2.0
    if truth.blooms_late:
        fallen = 1 / (1 + np.exp(-(epochs - 20 + 12 * min(final, 1.5)) / 2))
    else:
        fallen = 1 - np.exp(-epochs / needed)
    curve: NDArray[np.float64] = final + (start - final) * (1 - fallen) + rng.normal(0, EPOCH_SD, NUM_EPOCHS)
    return curve


def is_pruned(epoch: int, curve: NDArray[np.float64], others: Sequence[CheckedTrial]) -> bool:
    """Whether Optuna's MedianPruner stops a trial after an epoch."""
    done = [trial.reports[epoch] for trial in others if trial.state == "complete"]
    return len(done) >= STARTUP and float(curve[:epoch].min()) > float(np.median(done))


def _value(distribution: BaseDistribution, place: float) -> Any:
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[int(place)]
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    low, high = distribution.low, distribution.high
    value = low * (high / low) ** place if distribution.log else low + place * (high - low)
    return round(value) if isinstance(distribution, IntDistribution) else float(value)


def point_of(trial: CheckedTrial) -> Point:
    """Return where a trial's values lie in their ranges."""
    choices = SPACE[CHOICE]
    assert isinstance(choices, CategoricalDistribution)
    numbers = {key: position(SPACE[key], trial.params[key]) for key in NUMBERS}
    return {**numbers, CHOICE: float(choices.choices.index(trial.params[CHOICE]))}


def _score(truth: Truth, study: CheckedStudy, points: list[Point], rng: np.random.Generator) -> Score:
    """Return the best trial's two scores: its test value is its true one, with the noise of the test part."""
    best = study.complete[0]
    true = truth.loss(points[best.number])
    test = true + rng.normal(0, NOISE_SD) + truth.test_drop * NOISE_SD * math.sqrt(2)
    assert best.value is not None
    return Score("loss", best.value, test, NOISE_SD, NOISE_SD, is_higher_better=False)
