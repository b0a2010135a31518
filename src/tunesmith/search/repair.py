"""Takes the trials of a study's folders into its journal, of which a part or the whole was lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import optuna
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from tunesmith.errors import UserError, list_names
from tunesmith.run_folder import read_yaml
from tunesmith.search.attribute_names import REASON
from tunesmith.search.constraints import Constraint, read_constraints
from tunesmith.search.rebuilt_trials import (
    active_dimensions,
    read_config_records,
    read_dimensions,
    read_trial,
    read_violations,
)
from tunesmith.search.results import MULTIRUN_FILE, RESULTS_FILE
from tunesmith.search.space.dimension import Dimension
from tunesmith.search.storage.folder_facts import read_facts
from tunesmith.search.storage.stand_ins import StudyNamed
from tunesmith.search.storage.storage import JOURNAL_FILE, open_journal
from tunesmith.search.study.study import directions_of, make_study, tell
from tunesmith.search.study.trial import Attempt, state_of
from tunesmith.search.study.trial_folders import numbered_folders


def repair(folder: Path) -> list[str]:
    """Take into the journal what a study's folders know of trials that the journal lacks; return lines that say what.

    Trials keep their numbers. One whose run has not ended is lost: the sweep's command goes on with it. Trials that the
    journal has stay as they are, but for those that ended without a worker that could tell.

    Raises:
        UserError: the folder is no study's, its storage is no journal, or a worker is at work.
    """
    config = _read_multirun(folder)
    named = _study_named(folder, config)
    storage = open_journal(folder / JOURNAL_FILE, named)
    make_study(storage, named.name, named.directions)
    study = optuna.load_study(study_name=named.name, storage=storage)
    trials = study.get_trials(deepcopy=False)
    _check_not_at_work(trials, folder)
    dimensions, constraints = read_dimensions(config), _read_constraints(config)
    running = [trial for trial in trials if trial.state == TrialState.RUNNING]
    ended = [trial.number for trial in running if _end(study, trial, folder, dimensions, constraints)]
    numbers = numbered_folders(folder)
    new = range(len(trials), max(numbers, default=-1) + 1)
    records = read_config_records(folder, dimensions, [number for number in numbers if number in new])
    for record in records.values():
        record.write(study)
    for number in new:
        study.add_trial(read_trial(folder, number, dimensions, records, constraints))
    return _lines(named.name, study, ended, new)


def _lines(name: str, study: Study, ended: list[int], new: range) -> list[str]:
    if not ended and not new:
        return [f"study {name}: its {len(study.trials)} trials are those of its folders; nothing to repair"]
    trials = study.get_trials(deepcopy=False)
    counts = Counter(state_of(trials[number]).value[0] for number in [*ended, *new])
    told = ", ".join(f"{number} {state}" for state, number in sorted(counts.items()))
    which = list_names(str(number) for number in [*ended, *new])
    return [f"study {name}: trials {which} were taken from their folders: {told}"]


def _read_multirun(folder: Path) -> DictConfig:
    try:
        config = OmegaConf.load(folder / MULTIRUN_FILE)
        assert isinstance(config, DictConfig)
        storage = OmegaConf.select(config, "hydra.sweeper.storage")
    except (OSError, ValueError, OmegaConfBaseException, AssertionError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"folder must be a study's; got {folder} ({MULTIRUN_FILE}: {reason})") from None
    if storage:
        raise UserError(f"folder must be that of a study in a journal; got {folder}, whose study is in a database")
    return config


def _study_named(folder: Path, config: DictConfig) -> StudyNamed:
    """Return the study's name; one that a time stamp has made is that of its results or of its folder."""
    written = OmegaConf.to_container(config, resolve=False)
    assert isinstance(written, dict)
    is_stamped = "${now:" in f"{written.get('study_name')} {written['hydra']['sweeper']['study_name']}"
    name = folder.absolute().name if is_stamped else OmegaConf.select(config, "hydra.sweeper.study_name")
    with suppress(OSError, ValueError, KeyError, AssertionError):
        name = read_yaml(folder / RESULTS_FILE)["study"]
    return StudyNamed(str(name), directions_of(OmegaConf.select(config, "hydra.sweeper.direction")))


def _check_not_at_work(trials: list[FrozenTrial], folder: Path) -> None:
    for attempt in map(Attempt, trials):
        owner = attempt.owner if attempt.trial.state == TrialState.RUNNING else None  # type: ignore[union-attr]
        if owner is not None and not owner.is_dead():
            raise UserError(
                f"folder must be that of a study that no worker is at; got {folder}, whose trial {attempt.number} is "
                f"running in process {owner.pid} of {owner.host}: stop the sweep first"
            )


def _read_constraints(config: DictConfig) -> tuple[Constraint, ...]:
    node = OmegaConf.select(config, "hydra.sweeper.constraints")
    return read_constraints(None if node is None else OmegaConf.to_container(node))


def _end(
    study: Study,
    trial: FrozenTrial,
    folder: Path,
    dimensions: Mapping[str, Dimension],
    constraints: Sequence[Constraint],
) -> bool:
    """End a trial that ran to its end and whose worker was gone before it could tell; return False for any other."""
    attempt, storage, trial_id = Attempt(trial), study._storage, trial._trial_id
    facts = read_facts(folder / attempt.folder_name)
    if facts.state is None:
        return False
    for name, dimension in active_dimensions(facts, dimensions).items():
        distribution = dimension.distribution
        if name not in trial.params and (value := facts.value_of(dimension.key, distribution)) is not None:
            storage.set_trial_param(trial_id, name, distribution.to_internal_repr(value), distribution)
    for step in sorted(facts.reports.keys() - trial.intermediate_values.keys()):
        storage.set_trial_intermediate_value(trial_id, step, facts.reports[step])
    for name, excess in read_violations(folder / attempt.folder_name, facts, constraints).items():
        storage.set_trial_system_attr(trial_id, name, excess)
    if facts.state == TrialState.FAIL and attempt.reason is None:
        storage.set_trial_user_attr(trial_id, REASON, facts.reason or "unknown")
    return tell(study, trial.number, facts.state, facts.values if facts.state == TrialState.COMPLETE else None)
