"""A study as Optuna's sampler and pruner see it in one stage: only trials that can be compared with the stage's."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Container, Mapping
from copy import copy
from copy import deepcopy as deep_copy
from typing import Any, cast

from optuna import Study
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from tunesmith.search.study.fit import UNKNOWN
from tunesmith.search.study.members import Members
from tunesmith.search.study.scope import Scope
from tunesmith.search.study.stored_dimension import drawn_dimension, is_stored
from tunesmith.search.study.trial import Attempt

# What of a trial's system attributes is a result of the trial, and no state of the sampler or pruner of its stage.
_RESULTS = "constraints"


class ShownStudy(Study):
    """The study that a stage's attempts are begun in.

    Values of other data, or of another fixed configuration, mislead a sampler, so such trials are shown as failed ones
    without parameters: all trials keep their places. The others are told under the distributions of this stage, or a
    narrowed range would drop its key out of the space that GP and CMA-ES search. Writes go to the storage as they are.
    """

    def __init__(self, of_space: Study, scope: Scope, members: Members) -> None:
        """of_space: the study as our own code sees it."""
        self.of_space = of_space
        trials = _ShownTrials(scope, members)
        storage = cast(BaseStorage, _ShownStorage(of_space._storage, trials.show, scope.stage))
        super().__init__(of_space.study_name, storage, of_space.sampler, of_space.pruner)


def unwrapped(study: Study) -> Study:
    """Return the study as our own code sees it, given one that Optuna has been shown, or Hyperband's part of it."""
    part = getattr(study, "_study", study)
    return part.of_space if isinstance(part, ShownStudy) else part


class _ShownStorage:
    """A storage with other trials; Optuna reads it past the study, as in Hyperband's brackets or study.best_trial.

    What samplers note of the study itself is kept apart for each stage.
    """

    def __init__(
        self, storage: BaseStorage, show: Callable[[list[FrozenTrial]], list[FrozenTrial]], stage: str | None
    ) -> None:
        self._storage = storage
        self._show = show
        self._prefix = "" if stage is None else f"stage {stage} "

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        shown = self._show(self._storage.get_all_trials(study_id, deepcopy=False))
        shown = shown if states is None else [trial for trial in shown if trial.state in states]
        return deep_copy(shown) if deepcopy else shown

    def get_n_trials(self, study_id: int, state: Any = None) -> int:
        return BaseStorage.get_n_trials(cast(BaseStorage, self), study_id, state)

    def get_best_trial(self, study_id: int) -> FrozenTrial:
        return BaseStorage.get_best_trial(cast(BaseStorage, self), study_id)

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        attributes = self._storage.get_study_system_attrs(study_id).items()
        return {name.removeprefix(self._prefix): each for name, each in attributes if name.startswith(self._prefix)}

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        self._storage.set_study_system_attr(study_id, f"{self._prefix}{key}", value)


class _ShownTrials:
    """Makes what is shown of trials, of each that has ended once."""

    def __init__(self, scope: Scope, members: Members) -> None:
        self._scope = scope
        self._members = members
        self._drawn: dict[str, tuple[str, BaseDistribution]] = {}  # name -> stored name, distribution in this stage
        self._distributions: dict[str, BaseDistribution] = {}  # the same by name
        self._is_final = False  # once the study has a trial with each of the names, no other order of choices comes
        self._settled: list[FrozenTrial] = []  # of the trials before the first one that has not ended
        self._ended: dict[int, FrozenTrial] = {}

    def show(self, trials: list[FrozenTrial]) -> list[FrozenTrial]:
        """Return what is shown of a study's trials, in their places."""
        if not self._is_final:
            self._look_up_names(trials)
        for trial in itertools.takewhile(lambda each: each.state.is_finished(), trials[len(self._settled) :]):
            self._settled.append(self._shown(trial))
        return self._settled + [self._shown(trial) for trial in trials[len(self._settled) :]]

    def _look_up_names(self, trials: list[FrozenTrial]) -> None:
        drawn = {}
        for name in self._scope.space.dimensions:
            dimension, distribution = drawn_dimension(self._scope, name, trials)
            drawn[name] = dimension.name, distribution
        if drawn != self._drawn:
            self._settled, self._ended = [], {}
        self._drawn, self._distributions = drawn, dict(drawn.values())
        self._is_final = all(is_stored(name, trials) for name, _ in drawn.values())

    def _shown(self, trial: FrozenTrial) -> FrozenTrial:
        if trial.number in self._ended:
            return self._ended[trial.number]
        shown = self._make(trial)
        if trial.state.is_finished():
            self._ended[trial.number] = shown
        return shown

    def _make(self, trial: FrozenTrial) -> FrozenTrial:
        attempt = Attempt(trial)
        is_own = attempt.stage == self._scope.stage
        if is_own and attempt.config_digest == self._members.digest and trial.distributions == self._distributions:
            return trial
        if trial.state == TrialState.WAITING:  # Optuna takes it out of the queue
            return trial
        if not (self._members.is_fixed_as_now(trial) and self._members.has(trial)):
            return _hidden(trial)
        kept = {each.key: self._members.kept(trial, each.key) for each in self._scope.space.dimensions.values()}
        known = {key: value for key, value in kept.items() if value is not UNKNOWN}
        active = self._scope.space.active(known)
        params = {self._drawn[each.name][0]: known[each.key] for each in active if each.key in known}
        if trial.state in (TrialState.COMPLETE, TrialState.PRUNED) and len(params) < len(active):
            return _hidden(trial)  # a trial without a key takes the key out of the space of all trials for good
        return self._told(trial, params, is_own)

    def _told(self, trial: FrozenTrial, params: dict[str, Any], is_own: bool) -> FrozenTrial:
        distributions = {name: self._distributions[name] for name in params}
        if self._scope.space.is_open:  # what the user's function has suggested
            own = {*params, *self._scope.recorded}
            of_function = [name for name in trial.params if name not in own]
            params |= {name: trial.params[name] for name in of_function}
            distributions |= {name: trial.distributions[name] for name in of_function}
        if is_own and params == trial.params and distributions == trial.distributions:
            return trial
        told = copy(trial)
        told.params, told.distributions = params, distributions
        if not is_own or _are_other_numbers(trial.distributions, distributions):
            attributes = trial.system_attrs.items()
            told.system_attrs = {name: value for name, value in attributes if name.startswith(_RESULTS)}
        return told


def _are_other_numbers(stored: Mapping[str, BaseDistribution], told: Mapping[str, BaseDistribution]) -> bool:
    """Whether a sampler's state, as of CMA-ES, was made in a space with other ranges of numbers."""
    numbers = {name for name, each in told.items() if not isinstance(each, CategoricalDistribution)}
    return any(stored.get(name) != told[name] for name in numbers)


def _hidden(trial: FrozenTrial) -> FrozenTrial:
    """Return a trial that no sampler and no pruner looks at."""
    hidden = copy(trial)
    hidden.state, hidden.values = TrialState.FAIL, None
    hidden.params, hidden.distributions, hidden.intermediate_values = {}, {}, {}
    hidden.user_attrs, hidden.system_attrs = {}, {}
    return hidden
