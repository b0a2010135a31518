"""What a worker knows of the stage that it begins trials in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from optuna import Study, Trial

from tunesmith.search.space.compose import Composer
from tunesmith.search.stopping_rules import NEVER, Stopping


@dataclass(frozen=True)
class StageAtWork:
    """The part of a sweep that trials are begun in: the study as it sees it, and how its trials are made.

    draw: gives a trial its values, override key -> value.
    """

    study: Study
    draw: Callable[[Trial], Mapping[str, Any]]
    composer: Composer
    n_trials: int
    stopping: Stopping = NEVER
