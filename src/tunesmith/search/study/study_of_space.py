"""A study as the present space sees it."""

from __future__ import annotations

from collections.abc import Callable, Container
from copy import copy

from optuna import Study
from optuna.pruners import BasePruner
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from tunesmith.search.study.members import Members, Point
from tunesmith.search.study.trial import OUTSIDE, REPEAT, state_of


class StudyOfSpace(Study):
    """A study whose trials are marked if they are no points of the space, so that nothing counts them by mistake.

    The marks are on copies in memory, because another command may look at the same study with another space. All trials
    keep their places in the list. Optuna's samplers see the trials unmarked.
    """

    def __init__(
        self, name: str, storage: BaseStorage, pruner: BasePruner, members: Members, is_enumerated: bool = False
    ) -> None:
        """is_enumerated: whether each point of the space is to run once."""
        super().__init__(name, storage, pruner=pruner)
        self.members = members
        self.is_enumerated = is_enumerated
        self._marked: dict[int, FrozenTrial] = {}
        self._points: dict[int, Point | None] = {}

    def get_trials(self, deepcopy: bool = True, states: Container[TrialState] | None = None) -> list[FrozenTrial]:
        trials = [self._mark_outsider(trial) for trial in super().get_trials(deepcopy, states)]
        return _mark_repeats(trials, self.point_of) if self.is_enumerated and states is None else trials

    def point_of(self, trial: FrozenTrial) -> Point | None:
        """Return the point of a finite space that a trial has, None if it has none, or not yet."""
        if trial.number in self._points:
            return self._points[trial.number]
        point = self.members.point(trial)
        if trial.state.is_finished():
            self._points[trial.number] = point
        return point

    def _mark_outsider(self, trial: FrozenTrial) -> FrozenTrial:
        marked = self._marked.get(trial.number)
        if marked is None:
            marked = trial if self.members.has(trial) else with_mark(trial, OUTSIDE)
            if trial.state.is_finished():
                self._marked[trial.number] = marked
        return marked


def with_mark(trial: FrozenTrial, mark: str) -> FrozenTrial:
    """Return a copy of a trial that has a further attribute."""
    marked = copy(trial)
    marked.user_attrs = {**trial.user_attrs, mark: True}
    return marked


def _mark_repeats(trials: list[FrozenTrial], point_of: Callable[[FrozenTrial], Point | None]) -> list[FrozenTrial]:
    """Mark the ended trials that have no point, or that of an earlier one; the first at a point stands for it."""
    seen: set[Point | None] = {None}
    marked = []
    for trial in trials:
        is_repeat = False
        if state_of(trial).is_counted:
            point = point_of(trial)
            is_repeat = point in seen
            seen.add(point)
        marked.append(with_mark(trial, REPEAT) if is_repeat else trial)
    return marked
