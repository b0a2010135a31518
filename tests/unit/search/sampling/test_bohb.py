"""BOHB: each of Hyperband's brackets has a TPE of its own."""

from __future__ import annotations

from typing import Any

from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.pruners import HyperbandPruner
from optuna.samplers import TPESampler
from optuna.trial import FrozenTrial
from studies import asked, opened


class WatchedTpe(TPESampler):
    """Notes which trials each draw may learn from."""

    def __init__(self) -> None:
        super().__init__(seed=0, n_startup_trials=2)
        self.seen: dict[int, list[int]] = {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        self.seen[trial.number] = [each.number for each in study.get_trials(deepcopy=False)]
        return super().sample_relative(study, trial, search_space)


def test_tpe_learns_from_the_trials_of_its_own_bracket_alone() -> None:
    tpe, hyperband = WatchedTpe(), HyperbandPruner(1, 9)
    study = opened(sampler=tpe, pruner=hyperband)
    for number in range(20):
        trial = asked(study)
        x = trial.suggest_float("x", 0, 1)
        trial.report(x, 1)
        trial.should_prune()
        study.tell(trial, x)
        assert trial.number == number
    bracket = {trial.number: hyperband._get_bracket_id(study, trial) for trial in study.get_trials()}
    assert len(set(bracket.values())) == 3
    for number, seen in list(tpe.seen.items())[5:]:
        assert [each for each in seen if each != number] == [n for n in range(number) if bracket[n] == bracket[number]]
