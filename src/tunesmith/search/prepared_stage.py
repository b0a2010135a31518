"""A stage with what its trials need: made once in a process, whatever number of times the study is opened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

from omegaconf import DictConfig
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from tunesmith.search.sampling.param_sampler import ParamSampler
from tunesmith.search.space.compose import Composer
from tunesmith.search.space.dimension import Params
from tunesmith.search.stages.stage import Stage
from tunesmith.search.study.config_record import ConfigRecord, compose_record
from tunesmith.search.study.counts import is_over
from tunesmith.search.study.members import Members
from tunesmith.search.study.points import Points
from tunesmith.search.study.stopping import why_stopped
from tunesmith.search.study.trial import Attempt, State


class PreparedStage:
    """A stage, its sampler, and the composer of its configs."""

    def __init__(self, stage: Stage, composer: Composer, sampler: ParamSampler) -> None:
        self.stage = stage
        self.scope = sampler.scope
        self.composer = composer
        self.sampler = sampler

    @cached_property
    def record(self) -> ConfigRecord:
        """What its trials have in common."""
        return compose_record(self.scope.full_space, self.compose, self.composer.is_group, self.stage.name)

    @property
    def n_trials(self) -> int:
        """How many trials it has: no more than points, if it runs each once."""
        return self.points.most_trials(self.stage.n_trials)

    @property
    def most_trials(self) -> int:
        """How many it may have, as long as the trials are not known that its points are made of."""
        return self.n_trials if self.stage.share is None else self.stage.share

    @cached_property
    def points(self) -> Points:
        """The points that it runs once each."""
        return Points(self.scope, Members(self.scope, self.record if self.stage.points else None))

    def compose(self, choices: Params) -> DictConfig:
        """Compose its config with these group choices."""
        return self.composer.compose(choices, 0, "0")

    def is_used_up(self, trials: Sequence[FrozenTrial]) -> bool:
        """Whether its n_trials have ended; trials: of the study, marked."""
        return is_over(self._own(trials), self.n_trials)

    def why_stopped(self, trials: Sequence[FrozenTrial], direction: StudyDirection) -> str | None:
        """Return why it ends before its n_trials, None if it goes on."""
        return why_stopped(self._own(trials), direction, self.stage.stopping)

    def is_over(self, trials: Sequence[FrozenTrial], direction: StudyDirection) -> bool:
        """Whether the next stage may begin: of a stage that is stopped, the running trials are waited for."""
        if self.is_used_up(trials):
            return True
        running = (Attempt(trial) for trial in self._own(trials) if trial.state == TrialState.RUNNING)
        is_at_work = any(attempt.state is State.RUNNING and not attempt.is_surplus for attempt in running)
        return not is_at_work and self.why_stopped(trials, direction) is not None

    def _own(self, trials: Sequence[FrozenTrial]) -> Sequence[FrozenTrial]:
        name = self.stage.name
        return trials if name is None else [trial for trial in trials if Attempt(trial).stage == name]


Prepare = Callable[[Stage], PreparedStage]
