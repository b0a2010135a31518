"""The limits of a search besides n_trials, as settings: search/study/stopping.py holds them against trials."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stopping:
    """When no further trial begins, whatever n_trials says; None: never.

    target: a complete trial has this value or a better one.
    no_improvement: as many trials in a row, by their numbers, have ended without a new best.
    total_epochs: all trials together have run as many epochs, the running ones included: the budget that is fair when
    trials are pruned.
    """

    target: float | None = None
    no_improvement: int | None = None
    total_epochs: int | None = None


NEVER = Stopping()
