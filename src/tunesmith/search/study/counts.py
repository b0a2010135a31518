"""How many trials of a study ended how, and whether that is enough or too bad to go on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from optuna.trial import FrozenTrial

from tunesmith.errors import UserError
from tunesmith.search.study.trial import REPEAT, State, state_of

# max_failure_rate is judged from this many ended trials on: with fewer, one bad draw would exceed it.
MIN_TRIALS_TO_JUDGE = 5


@dataclass(frozen=True)
class Counts:
    """How many trials ended how; lost: attempts that were retried."""

    complete: int
    pruned: int
    failed: int
    lost: int

    @property
    def counted(self) -> int:
        """How many trials have ended."""
        return self.complete + self.pruned + self.failed


def count(trials: Sequence[FrozenTrial]) -> Counts:
    """Count trials by how they ended."""
    number = Counter(map(state_of, trials))
    return Counts(number[State.COMPLETE], number[State.PRUNED], number[State.FAILED], number[State.LOST])


def is_over(trials: Sequence[FrozenTrial], n_trials: int) -> bool:
    """Whether n_trials of a study's trials have ended."""
    return num_counted(trials) >= n_trials


def num_counted(trials: Sequence[FrozenTrial]) -> int:
    """Return how many of the n_trials are done; trials at one point of an enumerated space count once."""
    return sum(state_of(trial).is_counted and REPEAT not in trial.user_attrs for trial in trials)


def check_failure_rate(counts: Counts, max_failure_rate: float) -> None:
    """Raise UserError if more than max_failure_rate of the ended trials have failed."""
    if counts.counted < MIN_TRIALS_TO_JUDGE or counts.failed <= max_failure_rate * counts.counted:
        return
    raise UserError(
        f"hydra.sweeper.max_failure_rate={max_failure_rate} is exceeded: {counts.failed} of {counts.counted} trials "
        "failed; trials.csv has the reasons"
    )
