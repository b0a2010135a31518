"""How many trials of a study ended how, and whether that is enough or too bad to go on."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from optuna.trial import FrozenTrial

from tunesmith.errors import UserError
from tunesmith.search.attribute_names import REPEAT
from tunesmith.search.study.owner import worker_index
from tunesmith.search.study.trial import Attempt, State, state_of

# max_failure_rate is judged from this many ended trials on: with fewer, one bad draw would exceed it.
MIN_TRIALS_TO_JUDGE = 5
# Environment of the processes of one call: the pid of the first, and the study's Counts when it opened the study.
COUNTS_BEFORE = "TUNESMITH_COUNTS_BEFORE"


class TooManyFailed(UserError):
    """More than max_failure_rate of a call's trials have failed; once the cause is mended, the sweep can go on."""


@dataclass(frozen=True)
class Counts:
    """How many trials ended how; lost: attempts that were retried."""

    complete: int = 0
    pruned: int = 0
    failed: int = 0
    lost: int = 0

    @property
    def counted(self) -> int:
        """How many trials have ended."""
        return self.complete + self.pruned + self.failed


# Before the first call of a study's command.
NONE_ENDED = Counts()


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


def count_before(trials: Sequence[FrozenTrial]) -> Counts:
    """Return a study's counts when this call of the sweep opened it: its workers and a fresh process inherit them."""
    pid, *numbers = os.environ.get(COUNTS_BEFORE, "0").split()
    is_inherited = worker_index() is not None or int(pid) == os.getpid()  # a process keeps its pid through execv
    return Counts(*map(int, numbers)) if numbers and is_inherited else count(trials)


def to_environment(before: Counts) -> dict[str, str]:
    """Return the environment that tells further processes of this call what had ended before it."""
    return {COUNTS_BEFORE: " ".join(map(str, (os.getpid(), *astuple(before))))}


def why_all_failed(trials: Sequence[FrozenTrial]) -> str | None:
    """Return that all of the trials that ended have failed, and why the last one did; None if that is not so."""
    ended = count(trials)
    if not ended.counted or ended.failed < ended.counted:
        return None
    return f"all {ended.failed} trials failed, the last one with: {_last_reason(trials)}"


def _last_reason(trials: Sequence[FrozenTrial]) -> str | None:
    return next((Attempt(trial).reason for trial in reversed(trials) if state_of(trial) is State.FAILED), None)


def check_failure_rate(
    counts: Counts, max_failure_rate: float, before: Counts = NONE_ENDED, trials: Sequence[FrozenTrial] = ()
) -> None:
    """Raise TooManyFailed if more than max_failure_rate of the trials that ended in this call of the sweep have failed.

    before: the counts when the call began; its own trials alone are judged, so that a call after a mend can go on.
    trials: all of the study's, of which the last one that failed says why.
    """
    failed, ended = counts.failed - before.failed, counts.counted - before.counted
    if ended < MIN_TRIALS_TO_JUDGE or failed <= max_failure_rate * ended:
        return
    reason = _last_reason(trials)
    last = f"the last one with: {reason}; " if reason else ""
    raise TooManyFailed(
        f"hydra.sweeper.max_failure_rate={max_failure_rate} is exceeded: {failed} of {ended} trials failed"
        f"{' in this call' if before.counted else ''}; {last}trials.csv has the reasons; once the cause is mended, "
        "the same command goes on with the next trials"
    )
