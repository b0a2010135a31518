"""A study as the present space, or a stage of the sweep, sees it."""

from __future__ import annotations

import itertools
from collections.abc import Container
from copy import copy
from functools import cached_property

from optuna import Study
from optuna.pruners import BasePruner
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from tunesmith.search.attribute_names import OUTSIDE, REPEAT
from tunesmith.search.space.dimension import Params
from tunesmith.search.space.space import Point
from tunesmith.search.study.members import Members
from tunesmith.search.study.points import Points
from tunesmith.search.study.scope import Scope
from tunesmith.search.study.shown_study import ShownStudy
from tunesmith.search.study.trial import Attempt, State, state_of


class StudyOfSpace(Study):
    """A study whose trials are marked if they are of another stage, or no points of the space.

    So nothing counts them by mistake. The marks are on copies in memory, because another command may look at the same
    study with another space. All trials keep their places in the list. What Optuna's samplers and pruners see is
    `shown`.
    """

    def __init__(self, name: str, storage: BaseStorage, pruner: BasePruner, scope: Scope, members: Members) -> None:
        super().__init__(name, storage, pruner=pruner)
        self.scope = scope
        self.members = members
        self.run_once = Points(scope, members)
        self._settled: list[FrozenTrial] = []  # the trials before the first one that has not ended: they never change
        self._points_run: set[Point | None] = {None}  # by the settled trials that count
        self._lost: list[Attempt] = []  # settled: their points wait for a retry
        self._marked: dict[int, FrozenTrial] = {}
        self._points: dict[int, Point | None] = {}

    @cached_property
    def shown(self) -> ShownStudy:
        """The study that attempts are begun in: it shows Optuna the trials that are comparable with this stage's."""
        return ShownStudy(self, self.scope, self.members)

    def get_trials(self, deepcopy: bool = True, states: Container[TrialState] | None = None) -> list[FrozenTrial]:
        trials = super().get_trials(deepcopy, states)
        num_settled = len(self._settled)
        if states is not None:
            return [self._settled[t.number] if t.number < num_settled else self._mark_outsider(t) for t in trials]
        for trial in itertools.takewhile(lambda trial: trial.state.is_finished(), trials[num_settled:]):
            self._settle(self._mark(trial, self._points_run))
        rest = trials[len(self._settled) :]
        points_run = set(self._points_run) if rest else set()
        return self._settled + [self._mark(trial, points_run) for trial in rest]

    def point_of(self, trial: FrozenTrial) -> Point | None:
        """Return the point, of those that are run once, that a trial has; None if it has none, or not yet."""
        if trial.number in self._points:
            return self._points[trial.number]
        point = self.run_once.of(trial)
        if trial.state.is_finished():
            self._points[trial.number] = point
        return point

    def points_held(self, apart_from: int | None = None) -> tuple[set[Point], list[Attempt]]:
        """Return the points that trials have or had, and the attempts that have not drawn theirs yet.

        apart_from: number of the first attempt of a trial that is left out.
        """
        trials = self.get_trials(deepcopy=False)
        held, undrawn = self._points_run - {None}, []
        for attempt in (*self._lost, *map(Attempt, trials[len(self._settled) :])):
            if attempt.first_attempt == apart_from or not attempt.holds_point:
                continue
            assert isinstance(attempt.trial, FrozenTrial)
            point = self.point_of(attempt.trial)
            if point is not None:
                held.add(point)
            elif attempt.state in (State.RUNNING, State.WAITING):
                undrawn.append(attempt)
        return {point for point in held if point is not None}, undrawn

    def next_point(self) -> Params | None:
        """Return the first listed point that no trial has or had, None if there is none."""
        return self.run_once.first_missing(self.points_held()[0]) if self.run_once else None

    def _settle(self, trial: FrozenTrial) -> None:
        self._settled.append(trial)
        attempt = Attempt(trial)
        if attempt.state is State.LOST and attempt.holds_point:
            self._lost.append(attempt)

    def _mark(self, trial: FrozenTrial, points_run: set[Point | None]) -> FrozenTrial:
        """Mark a trial that is none of the stage's, or repeats a point that has run; add the point of a new one."""
        trial = self._mark_outsider(trial)
        if not (self.run_once and state_of(trial).is_counted):
            return trial
        point = self.point_of(trial)
        if point in points_run:
            return _with_mark(trial, REPEAT) if self.run_once.are_once else trial
        points_run.add(point)
        return trial

    def _mark_outsider(self, trial: FrozenTrial) -> FrozenTrial:
        marked = self._marked.get(trial.number)
        if marked is None:
            marked = trial if self._has_its_values(trial) and self._is_own(trial) else _with_mark(trial, OUTSIDE)
            if trial.state.is_finished():
                self._marked[trial.number] = marked
        return marked

    def _has_its_values(self, trial: FrozenTrial) -> bool:
        """Whether a complete trial has a number for each objective; whoever may write to the study may add others."""
        if trial.state != TrialState.COMPLETE:
            return True
        values = trial.values
        if values is None or len(values) != len(self.directions):
            return False
        return all(isinstance(value, int | float) and value == value for value in values)

    def _is_own(self, trial: FrozenTrial) -> bool:
        """Whether a trial is of this stage; one that another hand has queued is of the stage that takes it."""
        attempt = Attempt(trial)
        if attempt.stage != self.scope.stage:
            is_of_nobody = attempt.stage is None and attempt.owner is None and not trial.state.is_finished()
            if not is_of_nobody:
                return False
        return self.members.has(trial) or self.run_once.listed(trial) is not None


def _with_mark(trial: FrozenTrial, mark: str) -> FrozenTrial:
    """Return a copy of a trial that has a further attribute."""
    marked = copy(trial)
    marked.user_attrs = {**trial.user_attrs, mark: True}
    return marked
