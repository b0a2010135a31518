"""What CMA-ES has pickled into a study runs nothing when it is read, and goes on if it is its own."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import optuna
import pytest
from omegaconf import OmegaConf
from optuna.distributions import FloatDistribution
from optuna.trial import create_trial
from studies import opened

from tunesmith.search.sampling.sampler import make_sampler
from tunesmith.search.space.space import parse_space

PLANE = parse_space({}, ["x=interval(0,1)", "y=interval(0,1)"])
UNIT = FloatDistribution(0, 1)


class Evil:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.mark),)


def run(study: optuna.Study, n_trials: int) -> list[int]:
    """Return the generation that each trial was drawn for."""
    for _ in range(n_trials):
        trial = study.ask()
        study.tell(trial, trial.suggest_float("x", 0, 1) + trial.suggest_float("y", 0, 1))
    attributes = [trial.system_attrs for trial in study.trials[-n_trials:]]
    return [value for each in attributes for key, value in each.items() if key.endswith("generation")]


def cmaes_study() -> optuna.Study:
    config = OmegaConf.create({"_target_": "optuna.samplers.CmaEsSampler", "n_startup_trials": 1})
    return opened(sampler=make_sampler(config, PLANE, 100, 0, 0), space=PLANE)


def test_its_own_state_is_read() -> None:
    generations = run(cmaes_study(), 30)
    assert generations == sorted(generations)
    assert generations[-1] > 2


@pytest.mark.parametrize("is_damaged", [False, True], ids=["code", "no pickle"])
def test_a_state_that_another_hand_wrote_runs_nothing(tmp_path: Path, is_damaged: bool) -> None:
    study, mark = cmaes_study(), tmp_path / "mark"
    run(study, 3)
    state = "00" if is_damaged else pickle.dumps(Evil(mark)).hex()
    point = {"params": {"x": 0.5, "y": 0.5}, "distributions": {"x": UNIT, "y": UNIT}}
    study.add_trial(create_trial(value=-1.0, system_attrs={"cma:optimizer:0": state}, **point))
    assert len(run(study, 10)) == 10
    assert not mark.exists()
