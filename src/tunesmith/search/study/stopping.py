"""What ends a stage before its n_trials."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stopping:
    """What ends a stage before its n_trials: nothing yet."""


NEVER = Stopping()
