"""Reads what the page of a study shows: from its storage, and from the files of its folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from optuna.study import StudyDirection

from tunesmith import run_folder
from tunesmith.config.quoting import to_optuna
from tunesmith.errors import text_of
from tunesmith.insight.pages.plain_values import at, dict_of, dicts_of, list_at
from tunesmith.insight.pages.study_facts import ParamFacts, StudyFacts, TrialFacts
from tunesmith.search.measured_noise import noise_of_repeats, standard_error
from tunesmith.search.report.commands import Commands, commands_of
from tunesmith.search.report.files import Files, modes, read_files, read_json_or_nothing, read_or_nothing
from tunesmith.search.report.left import trials_left
from tunesmith.search.report.stored import Stored, read_stored
from tunesmith.search.report.trials import param_facts, trial_facts
from tunesmith.search.results import RESULTS_FILE
from tunesmith.search.study.trial import Attempt, State

# Keys of a config from which the sizes of the parts are known.
_SIZES = ("test_fraction", "val_fraction", "folds")


@dataclass(frozen=True)
class _Trials:
    trials: Sequence[TrialFacts]
    params: Sequence[ParamFacts]
    stored: Stored | None


def read_study(folder: Path, stored: Stored | None = None, commands: Commands | None = None) -> StudyFacts:
    """Read a study.

    stored: its trials as the sweep sees them, if it has them at hand; commands: the sweep's, which knows its own.
    """
    files = read_files(folder)
    found = _read_trials(files, stored)
    base = _base(files, found, commands or commands_of(files))
    facts = _with_baseline(_with_comparable(base))
    _say_if_stale(facts, files)
    return _with_best(facts, files, found.stored)


def _read_trials(files: Files, stored: Stored | None) -> _Trials:
    folder = files.folder
    try:
        stored = stored or read_stored(folder, files.url, files.name, files.directions)
        shown = trial_facts(stored.trials, stored.directions, folder, stored.is_journal)
        return _Trials(shown, param_facts(stored.trials), stored)
    except Exception as error:  # whatever a study may hold, the page shows what is left
        trials, params = trials_left(folder)
        left = f"{len(trials)} trials are shown as trials.csv and the trials' folders tell them"
        files.lack("", f"The study's storage cannot be read ({text_of(error)}): {left}.")
        return _Trials(trials, params, None)


def _base(files: Files, found: _Trials, commands: Commands) -> StudyFacts:
    objective = dict_of(files.config.get("objective"))
    others = [_metric(each) or "?" for each in list_at(objective, "others")]
    stored = found.stored
    words = files.directions or ["minimize"]
    if stored is not None:
        words = ["maximize" if each is StudyDirection.MAXIMIZE else "minimize" for each in stored.directions]
    return StudyFacts(
        name=files.name or (stored.name if stored else files.folder.absolute().name),
        metric=_metric(objective.get("metric")) or "value",
        others=(*others, *(f"objective {place + 2}" for place in range(len(others), len(words) - 1)))[: len(words) - 1],
        modes=modes(words),
        trials=found.trials,
        params=found.params,
        results=files.results,
        config=files.config,
        repeat_command=commands.repeat,
        resume_command=commands.resume,
        folder=str(files.folder),
        missing=files.missing,
    )


def _metric(found: object) -> str | None:
    """Return the name of a metric, as the config has it: a text, or an entry of objective.others."""
    name = found.get("metric") if isinstance(found, Mapping) else found
    return name if isinstance(name, str) and "${" not in name else None


def _with_comparable(facts: StudyFacts) -> StudyFacts:
    """Mark the trials of stages whose values cannot be compared with the best one's: other data, other epochs."""
    overrides = _overrides_of_stages(facts.config)
    ended = [trial for trial in facts.trials if trial.state == "complete" and not trial.is_repeat]
    named = [trial for trial in facts.trials if trial.number == facts.results.get("best_trial")]
    places = list(overrides)
    ended.sort(key=lambda trial: places.index(trial.stage) if trial.stage in places else -1)
    base = next(iter([*named, *reversed(ended)]), None)
    if base is None or base.stage is None:
        return facts
    own = overrides.get(base.stage, base.stage)
    marked = [
        replace(trial, is_comparable=trial.is_repeat or overrides.get(str(trial.stage), trial.stage) == own)
        for trial in facts.trials
    ]
    return replace(facts, trials=marked)


def _overrides_of_stages(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what each stage sets in all of its trials, by the stage's name."""
    stages = dicts_of(at(config, "hydra.sweeper.stages"))
    return {str(stage.get("name")): sorted(map(str, list_at(stage, "overrides"))) for stage in stages}


def _with_baseline(facts: StudyFacts) -> StudyFacts:
    """Mark the trials that ran the configuration as it stands, as multirun.yaml has it."""
    marked = [
        replace(trial, is_baseline=not trial.is_repeat and _is_as_it_stands(trial.params, facts.config))
        for trial in facts.trials
    ]
    return replace(facts, trials=marked)


def _is_as_it_stands(params: Mapping[str, Any], config: Mapping[str, Any]) -> bool:
    groups = dict_of(at(config, "hydra.runtime.choices"))
    return bool(params) and all(
        value == to_optuna(at(config, key)) or (key in groups and value == groups[key]) for key, value in params.items()
    )


def _say_if_stale(facts: StudyFacts, files: Files) -> None:
    """Say if the results count other trials than there are."""
    num = facts.num_since_results
    if num > 0:
        ended = "1 trial has" if num == 1 else f"{num} trials have"
        files.lack("next", f"{ended} ended since {RESULTS_FILE} was written: a sweep writes it anew at its end.")
    if num < 0:
        files.lack("", f"{RESULTS_FILE} counts {-num} more trials than are found here: some are lost.")


def _with_best(facts: StudyFacts, files: Files, stored: Stored | None) -> StudyFacts:
    """Add what the best trial's folder says."""
    best = facts.best
    if best is not None and files.results.get("best_trial") == best.number:  # of a folder that was moved, too
        best = replace(best, folder=str(files.results.get("best_dir")))
    where = None if best is None else run_folder.trial_folder(files.folder, best.folder)
    if best is None or where is None or not where.is_dir():
        if best is not None:
            files.lack("answer", f"The best trial's folder is not here: {best.folder}.")
        return facts
    result = read_or_nothing(where / run_folder.RESULT_FILE)
    refit = read_or_nothing(where / run_folder.REFIT_FOLDER / run_folder.TEST_FILE)
    config = read_or_nothing(where / run_folder.CONFIG_FILE)
    noise, source = _noise(facts, files, best, config, stored)
    metric = result.get("metric")
    return replace(
        facts,
        metric=facts.metric if facts.metric != "value" or not isinstance(metric, str) else metric,
        best_config=config,
        best_result=result,
        best_test=refit or read_or_nothing(where / run_folder.TEST_FILE),
        linear=read_or_nothing(where / run_folder.LINEAR_FILE),
        preparation=read_json_or_nothing(where / run_folder.PREPARATION_FILE),
        best_se=noise,
        se_source=source,
    )


def _noise(
    facts: StudyFacts, files: Files, best: TrialFacts, config: Mapping[str, Any], stored: Stored | None
) -> tuple[float | None, str]:
    """Return the standard error of the best value, and where it is from."""
    if stored is not None and not facts.is_multi:
        counted = [attempt for attempt in map(Attempt, stored.trials) if attempt.state is State.COMPLETE]
        noise = noise_of_repeats(counted, stored.directions[0])
        if noise is not None:
            return noise, "from repeats of configurations on several seeds"
    sizes = {key: value for key, value in dict_of(config.get("data")).items() if key in _SIZES}
    plain = {key: value for key, value in sizes.items() if value is None or type(value) in (int, float)}
    found = {"best_dir": best.folder, "best_host": None, "best_value": best.value, "test": files.results.get("test")}
    try:
        noise = standard_error(files.folder, found, OmegaConf.create({"data": plain}))
    except Exception as error:  # half-written files of the best trial: the value stands without its error
        files.lack("answer", f"The standard error of the best value cannot be computed: {text_of(error)}.")
        return None, ""
    return noise, "" if noise is None else "from the number of samples in the validation part"
