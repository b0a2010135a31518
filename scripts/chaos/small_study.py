"""A study of small trials, and what must hold of it in the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf
from optuna import Study, Trial
from optuna.pruners import NopPruner
from optuna.samplers import RandomSampler
from optuna.trial import FrozenTrial, TrialState

from chaos.fates import Fate
from chaos.invariants import broken_study, counted
from chaos.small_job import DOUBLED_FILE, EPOCHS, is_pruned, last_epoch, run, value_at
from tunesmith.search.space.compose import Composer
from tunesmith.search.space.space import parse_space
from tunesmith.search.storage.storage import JOURNAL_FILE, open_storage
from tunesmith.search.study.counts import is_over
from tunesmith.search.study.scope import Scope
from tunesmith.search.study.study import open_study
from tunesmith.search.study.trial import Attempt, State
from tunesmith.search.worker.executor import one_at_a_time
from tunesmith.search.worker.interruption import Interruption
from tunesmith.search.worker.stage_at_work import StageAtWork
from tunesmith.search.worker.worker import Limits, Worker

# No trial is to fail because its processes were killed: how often is up to the seed.
MAX_RETRIES = 1_000_000
_SPACE = parse_space({}, ["x=interval(0,1)"])


@dataclass(frozen=True)
class SmallStudy:
    """Where the study is, and how long it is."""

    folder: Path
    storage: str | None
    name: str
    n_trials: int

    def open(self) -> Study:
        storage = open_storage(self.storage, self.folder)
        study = open_study(storage, self.name, "min", NopPruner(), Scope(_SPACE))
        study.sampler = RandomSampler()
        return study

    def work(self, fate: Fate) -> None:
        """Run trials until the study is over, or until it is the fate of this process to end."""
        study = self.open()
        fate.begin(self.folder / JOURNAL_FILE)
        stage = StageAtWork(study, _draw, cast(Composer, _Composer()), self.n_trials)
        limits, execute = Limits(max_retries=MAX_RETRIES), one_at_a_time(run)
        Worker(
            study,
            lambda: stage,
            lambda: is_over(study.get_trials(deepcopy=False), self.n_trials),
            execute,
            limits,
            Interruption(),
            self.folder,
        ).work()

    def broken(self) -> Iterator[str]:
        """Yield what is wrong: each trial counts once, ended as its job ends, has all its epochs, and ran alone."""
        trials = self.open().get_trials(deepcopy=False)
        yield from broken_study(trials, self.n_trials)
        for trial in counted(trials):
            yield from broken_trial(trial)
        yield from (f"two processes ran trial {path.parent.name}" for path in self.folder.glob(f"*/{DOUBLED_FILE}"))

    def num_lost(self) -> int:
        """Return how many attempts were lost."""
        return sum(Attempt(trial).state is State.LOST for trial in self.open().get_trials(deepcopy=False))


def broken_trial(trial: FrozenTrial) -> Iterator[str]:
    """Yield what is wrong with a trial that has ended."""
    number = Attempt(trial).first_attempt
    reported = {epoch: value_at(trial.params["x"], epoch) for epoch in range(1, last_epoch(number) + 1)}
    state = TrialState.PRUNED if is_pruned(number) else TrialState.COMPLETE
    if trial.state != state:
        yield f"trial {trial.number} is {trial.state.name}, not {state.name}: {Attempt(trial).reason}"
    elif trial.intermediate_values != reported:
        yield f"trial {trial.number} has reported {trial.intermediate_values}, not {reported}"
    elif state == TrialState.COMPLETE and trial.value != reported[EPOCHS]:
        yield f"trial {trial.number} has value {trial.value}, not {reported[EPOCHS]}"


class _Composer:
    """Puts a trial's values into a config of their own."""

    def compose(self, params: Mapping[str, Any], number: int, folder: str) -> DictConfig:
        return OmegaConf.create(dict(params))


def _draw(trial: Trial) -> Mapping[str, Any]:
    return {"x": trial.suggest_float("x", 0, 1)}
