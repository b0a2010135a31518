"""The study of a whole sweep: which of its stages is at work, and how each trial looks to its own stage."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from copy import deepcopy as deep_copy
from dataclasses import replace
from functools import cached_property

from optuna import Study
from optuna.pruners import NopPruner
from optuna.samplers import RandomSampler
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from tunesmith.search.confirm.confirmation import Confirmation
from tunesmith.search.confirm.confirmed_plan import ConfirmedPlan
from tunesmith.search.prepared_stage import Prepare, PreparedStage
from tunesmith.search.space.space import Space
from tunesmith.search.stages.plan import Plan
from tunesmith.search.stages.stage import is_on_full_data
from tunesmith.search.study.front import feasible
from tunesmith.search.study.study_of_space import StudyOfSpace
from tunesmith.search.study.trial import Attempt


class Stages:
    """The stages of a sweep in one process; a stage is known when those before it are over."""

    def __init__(self, plan: Plan, prepare: Prepare, remarks: Sequence[str] = ()) -> None:
        """remarks: what a user should know of how they were planned."""
        self.remarks = remarks
        self.names = tuple(plan.names)
        self._plan = plan
        self._prepare = prepare
        self.known: list[PreparedStage] = []
        self.tell: Callable[[PreparedStage], None] = lambda stage: None  # is called when a further stage begins
        self._reached = 0

    @cached_property
    def previews(self) -> list[PreparedStage]:
        """All stages as far as they are known before any trial: what the later ones start from is not."""
        later = [self._prepare(self._plan.stage(index, ())) for index in range(1, len(self.names))]
        return [self.get(0, ()), *later]

    def get(self, index: int, trials: Sequence[FrozenTrial]) -> PreparedStage:
        """Return a stage; trials: of the study, marked, if those before it have just ended."""
        if index == len(self.known):
            self.known.append(self._prepare(self._plan.stage(index, trials)))
        return self.known[index]

    def reach(self, index: int) -> None:
        """Note which stage is at work."""
        if index > self._reached:
            self._reached = index
            self.tell(self.known[index])

    def n_trials(self) -> int:
        """Return how many trials the sweep has, as far as that is known: those of later stages may be fewer."""
        later = [stage for stage in self.previews[len(self.known) :] if stage.stage.is_counted]
        known = [stage for stage in self.known if stage.stage.is_counted]
        return sum(stage.n_trials for stage in known) + sum(stage.most_trials for stage in later)

    def full_space(self) -> Space:
        """Return a space with all keys that trials of the known stages may record."""
        spaces = [stage.scope.full_space for stage in self.known]
        return replace(spaces[-1], dimensions={key: each for space in spaces for key, each in space.dimensions.items()})

    def confirmation(self, trials: Sequence[FrozenTrial]) -> Confirmation | None:
        """Return what the confirming stages have found; trials: of the study, each as its own stage marks it."""
        return self._plan.confirmation(trials) if isinstance(self._plan, ConfirmedPlan) else None

    def are_used_up(self, trials: Sequence[FrozenTrial]) -> bool:
        """Whether the last stage has had its n_trials."""
        return len(self.known) == len(self.names) and self.known[-1].is_used_up(trials)

    def why_stopped(self, trials: Sequence[FrozenTrial], direction: StudyDirection) -> str | None:
        """Return why the last stage ends before its n_trials."""
        return self.known[-1].why_stopped(trials, direction) if len(self.known) == len(self.names) else None


class StagedStudy(Study):
    """A study with the marks that the stages give to their own trials; trials of other stages are outside."""

    def __init__(
        self,
        name: str,
        storage: BaseStorage,
        stages: Stages,
        open_stage: Callable[[PreparedStage], StudyOfSpace],
        begins_stages: bool = True,
    ) -> None:
        """open_stage: opens the study as a stage sees it; begins_stages: False for a reader beside one that does."""
        super().__init__(name, storage, RandomSampler(), NopPruner())
        self._stages = stages
        self._open_stage = open_stage
        self._begins_stages = begins_stages
        self._opened: list[StudyOfSpace] = []
        self._index = 0

    def get_trials(self, deepcopy: bool = True, states: Container[TrialState] | None = None) -> list[FrozenTrial]:
        self.current()
        trials = self._marked()
        trials = trials if states is None else [trial for trial in trials if trial.state in states]
        return deep_copy(trials) if deepcopy else trials

    def current(self) -> tuple[PreparedStage, StudyOfSpace]:
        """Return the first stage that is not over, or the last one, and the study as it sees it."""
        while True:
            stage = self._stages.get(self._index, self._marked() if self._index == len(self._stages.known) else ())
            if self._index == len(self._opened):
                self._opened.append(self._open_stage(stage))
            study = self._opened[self._index]
            is_last = self._index == len(self._stages.names if self._begins_stages else self._stages.known) - 1
            if is_last or not stage.is_over(study.get_trials(deepcopy=False), self.directions[0]):
                if self._begins_stages:
                    self._stages.reach(self._index)
                return stage, study
            self._index += 1

    def is_over(self) -> bool:
        """Whether no stage has a trial to begin."""
        stage, study = self.current()
        trials = study.get_trials(deepcopy=False)
        is_last = stage is self._stages.known[-1] and len(self._stages.known) == len(self._stages.names)
        return is_last and (stage.is_used_up(trials) or stage.why_stopped(trials, self.directions[0]) is not None)

    def why_stopped(self) -> str | None:
        """Return why the last counted stage that has begun ends before its n_trials, None if it does not."""
        stage, study = [each for each in self.begun() if each[0].stage.is_counted][-1]
        trials = study.get_trials(deepcopy=False)
        return None if stage.is_used_up(trials) else stage.why_stopped(trials, self.directions[0])

    def of(self, trial: FrozenTrial) -> tuple[PreparedStage, StudyOfSpace]:
        """Return the stage that a trial is of, and the study as it sees it; the one at work for any other trial."""
        index = self._places().get(Attempt(trial).stage, self._index)
        return self._stages.known[index], self._opened[index]

    def begun(self) -> list[tuple[PreparedStage, StudyOfSpace]]:
        """Return the stages that have begun, the last one at work or over."""
        self.current()
        return list(zip(self._stages.known, self._opened, strict=False))

    def confirmation(self) -> Confirmation | None:
        """Return what repeats of the best trials on other seeds say, None if the sweep has none, or none has ended."""
        return self._stages.confirmation(self.get_trials(deepcopy=False))

    def counted(self) -> list[FrozenTrial]:
        """Return the trials of the stages that n_trials counts, and those of no stage."""
        uncounted = {stage.stage.name for stage, _ in self.begun() if not stage.stage.is_counted}
        return [trial for trial in self.get_trials(deepcopy=False) if Attempt(trial).stage not in uncounted]

    def candidates(self) -> list[FrozenTrial]:
        """Return the trials of which the best one is the sweep's.

        With stages these are the complete, feasible ones that can be compared with the last stage on the full data that
        has such a trial, or its own alone if it runs configurations of earlier stages again. The trial that repeats on
        other seeds have confirmed stands alone.
        """
        trials = self.get_trials(deepcopy=False)
        if len(self._stages.names) == 1:
            return trials
        confirmed = self.confirmation()
        if confirmed is not None and confirmed.best is not None:
            return [trials[confirmed.best.repeats.trial]]
        complete = list(feasible(trials))
        for stage, of_stage in reversed(self.begun()):
            own = [trial for trial in complete if Attempt(trial).stage == stage.stage.name]
            if own and stage.stage.is_counted and is_on_full_data(stage.stage):
                return self._comparable(stage, of_stage, complete)
        return []

    def comparable(self, trial: FrozenTrial) -> list[FrozenTrial]:
        """Return the trials that a trial of a stage may be compared with, itself one of them; none for a repeat."""
        stage, of_stage = self.of(trial)
        trials = self._marked()  # get_trials would begin the next stage
        return self._comparable(stage, of_stage, trials) if stage.stage.is_counted else []

    def _comparable(
        self, stage: PreparedStage, of_stage: StudyOfSpace, trials: Sequence[FrozenTrial]
    ) -> list[FrozenTrial]:
        """Return a stage's trials and, unless it runs some of them again, those of other stages with its config."""
        own = stage.stage
        if own.is_rerun:
            return [trial for trial in trials if Attempt(trial).stage == own.name]
        uncounted = {each.stage.name for each in self._stages.known if not each.stage.is_counted}
        return [
            trial
            for trial in trials
            if Attempt(trial).stage not in uncounted and of_stage.members.is_fixed_as_now(trial)
        ]

    def _marked(self) -> list[FrozenTrial]:
        """Return all trials in their places, each as its own stage marks it."""
        views = [study.get_trials(deepcopy=False) for study in self._opened]
        if len(views) < 2:
            return views[0] if views else []
        places = self._places()  # a later view may have more trials
        return [views[places.get(Attempt(trial).stage, -1)][trial.number] for trial in views[0]]

    def _places(self) -> dict[str | None, int]:
        return {stage.stage.name: index for index, stage in enumerate(self._stages.known[: len(self._opened)])}
