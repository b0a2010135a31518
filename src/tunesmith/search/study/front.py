"""Which trials can be the answer of a study: those that keep its constraints, and of several objectives the front."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from tunesmith.search.attribute_names import CONSTRAINT
from tunesmith.search.study.trial import State, state_of


def has_constraints(trial: FrozenTrial) -> bool:
    """Whether a trial was told whether it keeps constraints."""
    return any(name.startswith(CONSTRAINT) for name in trial.system_attrs)


def violations(trial: FrozenTrial) -> dict[str, float]:
    """Return the constraints that a trial breaks, and by how much; a study's trials may hold anything."""
    return {
        name.removeprefix(CONSTRAINT): float(value)
        for name, value in trial.system_attrs.items()
        if name.startswith(CONSTRAINT) and isinstance(value, int | float) and not value <= 0
    }


def feasible(trials: Sequence[FrozenTrial]) -> Iterator[FrozenTrial]:
    """Yield the complete trials that break no constraint."""
    return (trial for trial in trials if state_of(trial) is State.COMPLETE and not violations(trial))


def num_infeasible(trials: Sequence[FrozenTrial]) -> int:
    """Return how many of the trials that count break a constraint."""
    return sum(state_of(trial).is_counted and bool(violations(trial)) for trial in trials)


def pareto_front(trials: Sequence[FrozenTrial], directions: Sequence[StudyDirection]) -> list[FrozenTrial]:
    """Return the candidates that no other one dominates, the best in the first objective first.

    A trial dominates another one if it is better in at least one objective, and worse in none. Of trials with the same
    values none dominates another: all of them are part of the front.
    """
    signs = [-1.0 if direction == StudyDirection.MAXIMIZE else 1.0 for direction in directions]
    losses = [([s * v for s, v in zip(signs, trial.values, strict=True)], trial) for trial in feasible(trials)]
    front: list[tuple[list[float], FrozenTrial]] = []
    for loss, trial in sorted(losses, key=lambda pair: (pair[0], pair[1].number)):
        if not any(_dominates(other, loss) for other, _ in front):  # whoever dominates it comes before it
            front.append((loss, trial))
    return [trial for _, trial in front]


def _dominates(loss: Sequence[float], other: Sequence[float]) -> bool:
    return loss != other and all(own <= its for own, its in zip(loss, other, strict=True))
