"""The plan of a sweep: which stages it has, each derived from the trials of the stages before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from optuna.trial import FrozenTrial

from tunesmith.search.stages.stage import Stage


class Plan(Protocol):
    """The stages of a sweep in their order. A plan is never stored: any process derives the same one."""

    @property
    def names(self) -> Sequence[str | None]:
        """Names of all stages, (None,) for a sweep without stages; each once."""

    def stage(self, index: int, trials: Sequence[FrozenTrial]) -> Stage:
        """Return a stage, a pure function of the settings and of trials.

        trials: all of the study, in their places, each marked as OUTSIDE if it is no trial of the stages before; those
        of the stages before have ended.
        """


@dataclass(frozen=True)
class SingleStage:
    """The plan of a sweep without stages."""

    only: Stage

    @property
    def names(self) -> Sequence[str | None]:
        return (self.only.name,)

    def stage(self, index: int, trials: Sequence[FrozenTrial]) -> Stage:
        assert index == 0
        return self.only
