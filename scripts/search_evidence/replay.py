"""Replays a search on the recorded table, in memory: the files of conf/search, our plan of stages, sampler and pruner.

Each stage has an Optuna study of its own; the sweeper also shows a stage the comparable trials of the stages before.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import optuna
from curve_table import CurveTable
from hydra import version
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_automatic_config_search_path
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from optuna.distributions import IntDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from tunesmith.cli import register_resolvers
from tunesmith.config.folder import CONF
from tunesmith.search.attribute_names import STAGE
from tunesmith.search.sampling.sampler import is_enumerated, make_pruner, make_sampler
from tunesmith.search.settings import read_settings
from tunesmith.search.space.space import parse_space
from tunesmith.search.stages.plan import Plan, SingleStage
from tunesmith.search.stages.stage import Stage
from tunesmith.search.stages.staged_plan import make_plan

# The keys of lookup.yaml that vary, in the order of the table's axes -> their largest index.
KEYS = {"optimizer.lr": 7, "data.batch_size": 3, "model.width": 3, "model.dropout": 2}
DEFAULTS = {"optimizer.lr": 3, "data.batch_size": 2, "model.width": 3, "model.dropout": 1}

Point = tuple[int, ...]


@dataclass(frozen=True)
class Ended:
    """A trial that has ended: its point of the table, its value (None if it was pruned), the epochs it was trained."""

    point: Point
    value: float | None
    num_epochs: int


@contextmanager
def lookup_app() -> Iterator[ConfigLoader]:
    """Initialize Hydra with conf/ first, as in train.py, and lookup.yaml beside it."""
    register_resolvers()
    version.setbase("1.3")
    path = create_automatic_config_search_path(None, None, str(CONF))
    path.prepend("lookup", f"file://{Path(__file__).parent}")
    hydra = Hydra.create_main_hydra2("lookup", path)
    try:
        yield hydra.config_loader
    finally:
        GlobalHydra.instance().clear()


def plan_search(loader: ConfigLoader, overrides: Sequence[str], seed: int) -> Plan:
    """Plan the search of a command `lookup.py -m OVERRIDES`."""
    given = [*overrides, f"search_seed={seed}"]
    config = loader.load_configuration("lookup", given, run_mode=RunMode.MULTIRUN)
    sweeper = {str(key): value for key, value in config.hydra.sweeper.items() if not str(key).startswith("_")}
    settings = read_settings(sweeper, config)
    space = parse_space(settings.params, [text for text in overrides if text.partition("=")[0] in KEYS], loader)
    if settings.stages:
        return make_plan(settings, space, loader, config)
    return SingleStage(Stage(None, space, settings.sampler, settings.pruner, settings.n_trials))


def replay(plan: Plan, table: CurveTable, net_seed: int, seed: int, max_epochs: float = float("inf")) -> list[Ended]:
    """Return the trials of a search in their order; it ends early as soon as its trials have had max_epochs.

    net_seed: of all its trials, 0..2. seed: of the search's draws.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    trials: list[FrozenTrial] = []
    for index, name in enumerate(plan.names):
        stage = plan.stage(index, trials)
        study, n_trials = _make_study(stage, seed, len(trials))
        for _ in range(n_trials):
            if sum(len(trial.intermediate_values) for trial in trials) >= max_epochs:
                break
            trials.append(_run(study, stage, table, net_seed, name, len(trials)))
    return [Ended(_point(each.params), each.value, len(each.intermediate_values)) for each in trials]


def _make_study(stage: Stage, seed: int, num_before: int) -> tuple[optuna.Study, int]:
    """Return a stage's study with its points queued, and how many trials it runs."""
    points, n_trials = [dict(point) for point in stage.points], stage.n_trials
    if is_enumerated(stage.sampler, stage.space, stage.n_trials):
        points = [dict(stage.space.params_of(point)) for point in stage.space.points()]
        sampler: BaseSampler = RandomSampler(seed)
        n_trials = len(points)
    else:
        sampler = make_sampler(stage.sampler, stage.space, n_trials, seed, num_before)
    study = optuna.create_study(sampler=sampler, pruner=make_pruner(stage.pruner))
    for point in points:
        study.enqueue_trial(point)
    return study, n_trials


def _run(
    study: optuna.Study, stage: Stage, table: CurveTable, net_seed: int, name: str | None, number: int
) -> FrozenTrial:
    """Run a trial and return it as the plan sees it: with all four keys, its stage, its number in the search."""
    trial = study.ask()
    params = {**DEFAULTS, **stage.held}
    for dimension in stage.space.dimensions.values():
        params[dimension.key] = dimension.suggest(trial)
    point = _point(params)
    state, losses = TrialState.COMPLETE, table.val_loss[(*point, net_seed)].tolist()
    for epoch, loss in enumerate(losses, start=1):
        trial.report(loss, epoch)
        if trial.should_prune():
            state, losses = TrialState.PRUNED, losses[:epoch]
            break
    value = min(losses) if state == TrialState.COMPLETE else None
    study.tell(trial, value, state)
    ended = create_trial(
        state=state,
        value=value,
        params=dict(zip(KEYS, point, strict=True)),
        distributions={key: IntDistribution(0, high) for key, high in KEYS.items()},
        intermediate_values=dict(enumerate(losses, start=1)),
        user_attrs={} if name is None else {STAGE: name},
    )
    ended.number = number
    return ended


def _point(params: dict[str, int]) -> Point:
    return tuple(int(params[key]) for key in KEYS)
