"""The checks of a study: hands its stages to insight/study_checks, and writes and shows what is found."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from omegaconf import DictConfig, OmegaConf
from optuna import Study
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from tunesmith import run_folder
from tunesmith.checks import is_allowed
from tunesmith.insight.study_checks.all_checks import MIN_TRIALS, check_study
from tunesmith.insight.study_checks.baselines import MIN_OTHERS
from tunesmith.insight.study_checks.new_ranges import range_override, with_bound
from tunesmith.insight.study_checks.noise import CONFIRM
from tunesmith.insight.study_checks.trials import CheckedStudy, CheckedTrial, Finding, NewRange, is_number
from tunesmith.search import results
from tunesmith.search.attribute_names import POINT
from tunesmith.search.console.lines import say
from tunesmith.search.linear_value import linear_value
from tunesmith.search.measured_noise import noise_of_repeats, noise_of_score, score_of
from tunesmith.search.settings import Settings
from tunesmith.search.space.dimension import Dimension
from tunesmith.search.space.space import REPEATS, Space
from tunesmith.search.staged_study import StagedStudy
from tunesmith.search.stages.stage import Stage
from tunesmith.search.study.front import violations
from tunesmith.search.study.trial import Attempt, State
from tunesmith.search.worker.failure import reason_of

# Findings that a console shows.
MAX_SHOWN = 3
EPOCHS = "trainer.max_epochs"

_STATES = {State.COMPLETE: "complete", State.PRUNED: "pruned", State.FAILED: "failed"}


class StageTrials(NamedTuple):
    """A stage with the attempts that count in it.

    name: None without stages; has_baseline: whether its first point is the configuration as it stands.
    whole: the keys whose range the stage has narrowed, as they vary in the sweep.
    """

    name: str | None
    space: Space
    attempts: Sequence[Attempt]
    has_baseline: bool = False
    whole: Mapping[str, Dimension] = {}


def write_checks(
    study: Study,
    settings: Settings,
    space: Space,
    folder: Path,
    found: Mapping[str, Any],
    config: DictConfig | None,
) -> tuple[dict[str, Any], list[Finding]]:
    """Add `checks` to optimization_results.yaml; return its content, and the findings of the last stage.

    found: its content so far; config: the best trial's, None if that is not known.
    The last stage is the last one that has trials enough for all checks, if there is any.
    """
    by_stage: list[tuple[StageTrials, list[Finding]]] = []
    if len(study.directions) == 1:
        try:
            by_stage = list(_check(study, settings, space, folder, found, config))
        except Exception as error:  # whatever a study may hold, the other results stand
            say(f"the study is not checked: {reason_of(error)}")
    checked = {**found, "checks": [_plain(finding, stage) for stage, findings in by_stage for finding in findings]}
    run_folder.write_yaml(folder / results.RESULTS_FILE, checked)
    enough = [findings for stage, findings in by_stage if len(stage.attempts) >= MIN_TRIALS]
    return checked, (enough or [findings for _, findings in by_stage] or [[]])[-1]


def rows_of_checks(findings: Sequence[Finding]) -> Iterator[tuple[str, str]]:
    """Yield what a console shows: the first findings, each with what to type next."""
    for finding in findings[:MAX_SHOWN]:
        override = "" if finding.override is None else f"; next: {shlex.quote(finding.override)}"
        yield "check", f"{finding.text}{override}"
    if len(findings) > MAX_SHOWN:
        yield "", f"{len(findings) - MAX_SHOWN} more in {results.RESULTS_FILE}"


def _check(
    study: Study, settings: Settings, space: Space, folder: Path, found: Mapping[str, Any], config: DictConfig | None
) -> Iterator[tuple[StageTrials, list[Finding]]]:
    counted, confirming = _stages(study, space)
    for stage in counted:
        repeats = [*stage.attempts, *confirming]
        checked = _checked(stage, repeats, study.direction, settings, folder, found, config)
        findings = check_study(replace(checked, is_confirmed=bool(confirming)))
        yield stage, [_for_sweep(finding, stage) for finding in findings]


def _for_sweep(finding: Finding, stage: StageTrials) -> Finding:
    """Return a finding whose override may be typed: what is typed is of the whole sweep, and has no condition."""
    key, _, sweep = (finding.override or "").partition("=")
    if any(dimension.key == key and dimension.when for dimension in stage.space.dimensions.values()):
        return replace(finding, text=f"{finding.text}; in its space's file: {sweep}", override=None)
    if stage.name is not None and key.startswith("hydra") and key != CONFIRM.partition("=")[0]:
        return replace(finding, override=None)  # each stage has its own sampler, pruner and share of the trials
    whole = stage.whole.get(key)
    if finding.new_range is None or whole is None or not is_number(whole.distribution):
        return finding
    return replace(finding, override=_override_of_whole(finding, finding.new_range, whole))


def _override_of_whole(finding: Finding, new: NewRange, whole: Dimension) -> str | None:
    """Return the range of the sweep with the bound that a stage moves; None if the sweep's own range goes as far."""
    low, high = whole.extremes()[0], whole.extremes()[-1]
    goes_as_far = new.high <= high if new.is_high else new.low >= low
    if finding.name == "edge_of_range" and goes_as_far:
        return None
    moved = with_bound(new.key, whole.distribution, new.high if new.is_high else new.low, new.is_high)
    return range_override(whole.distribution, moved)


def _plain(finding: Finding, stage: StageTrials) -> dict[str, Any]:
    return {**({} if stage.name is None else {"stage": stage.name}), **finding.to_plain()}


def _stages(study: Study, space: Space) -> tuple[list[StageTrials], list[Attempt]]:
    """Return the stages with their trials, and the trials of stages that repeat configurations to confirm them."""
    if not isinstance(study, StagedStudy):
        return [StageTrials(None, space, _counted(study.get_trials(deepcopy=False)))], []
    stages: list[StageTrials] = []
    repeats: list[Attempt] = []
    for prepared, of_stage in study.begun():
        attempts = _counted(of_stage.get_trials(deepcopy=False))
        stage: Stage = prepared.stage
        if stage.is_counted:
            has_baseline = bool(stage.points) and not stage.points[0]
            stages.append(StageTrials(stage.name, stage.space, attempts, has_baseline, _narrowed(stage)))
        else:
            repeats += attempts
    return stages, repeats


def _narrowed(stage: Stage) -> dict[str, Dimension]:
    narrow = {dimension.key: dimension.distribution for dimension in stage.space.dimensions.values()}
    whole = stage.whole.values()
    return {each.key: each for each in whole if each.key in narrow and narrow[each.key] != each.distribution}


def _counted(trials: Sequence[FrozenTrial]) -> list[Attempt]:
    return [attempt for attempt in map(Attempt, trials) if attempt.state.is_counted]


def _checked(
    stage: StageTrials,
    repeats: Sequence[Attempt],
    direction: StudyDirection,
    settings: Settings,
    folder: Path,
    found: Mapping[str, Any],
    config: DictConfig | None,
) -> CheckedStudy:
    dimensions = _dimensions(stage.space)
    has_epochs = config is not None and OmegaConf.select(config, EPOCHS, default=None) is not None
    is_of_stage = any(attempt.number == found["best_trial"] for attempt in stage.attempts)
    score = score_of(folder, found, config) if is_of_stage else None
    return CheckedStudy(
        [_trial(attempt, direction) for attempt in stage.attempts],
        {key: dimension.distribution for key, dimension in dimensions.items()},
        is_maximized=direction == StudyDirection.MAXIMIZE,
        allows=lambda key, value: config is None or is_allowed(config, key, value),
        override=lambda key, value: dimensions[key].override(value),
        max_epochs=None if settings.folds or EPOCHS in dimensions else settings.max_epochs,
        epochs_key=EPOCHS if has_epochs else None,
        noise_sd=noise_of_repeats(repeats, direction) or noise_of_score(folder, found, score),
        score=score,
        baseline=_baseline(stage),
        linear=linear_value(settings, folder, found, config) if is_of_stage and _has_enough(stage) else None,
    )


def _has_enough(stage: StageTrials) -> bool:
    return sum(attempt.state is State.COMPLETE for attempt in stage.attempts) > MIN_OTHERS


def _dimensions(space: Space) -> dict[str, Dimension]:
    """Return the keys that are judged: not the seed, and none that varies over another range per choice of a group."""
    keys = [dimension.key for dimension in space.dimensions.values()]
    return {
        dimension.key: dimension
        for dimension in space.dimensions.values()
        if dimension.key != REPEATS and keys.count(dimension.key) == 1
    }


def _baseline(stage: StageTrials) -> int | None:
    """Return the number of the trial that ran the configuration as it stands: the first of the points, {}."""
    trials = [attempt.trial for attempt in stage.attempts if isinstance(attempt.trial, FrozenTrial)]
    made = [trial.number for trial in trials if POINT in trial.system_attrs]
    return min(made) if stage.has_baseline and made else None


def _trial(attempt: Attempt, direction: StudyDirection) -> CheckedTrial:
    assert isinstance(attempt.trial, FrozenTrial)
    reports = {step: value for step, value in attempt.trial.intermediate_values.items() if value == value}
    state: Any = _STATES[attempt.state]
    broken = bool(violations(attempt.trial))
    return CheckedTrial(
        attempt.number, state, attempt.value(direction), attempt.params, reports, attempt.epochs, broken
    )
