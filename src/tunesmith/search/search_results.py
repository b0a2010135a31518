"""What optimization_results.yaml says of the search: its sampler and pruner, and the best trial of each stage."""

from __future__ import annotations

from typing import Any

from omegaconf import DictConfig
from optuna import Study
from optuna.study import StudyDirection

from tunesmith.search.confirm.confirmation import to_plain
from tunesmith.search.prepared_stage import PreparedStage
from tunesmith.search.settings import Settings
from tunesmith.search.staged_study import StagedStudy
from tunesmith.search.stages.effects import as_rows, effects
from tunesmith.search.study.counts import count
from tunesmith.search.study.study import best_trial
from tunesmith.search.study.study_of_space import StudyOfSpace


def describe_search(study: Study, settings: Settings) -> dict[str, Any]:
    """Return the names of Optuna's classes, and a dict per stage that has begun; no stages: an empty list."""
    begun = study.begun() if isinstance(study, StagedStudy) else []
    one_at_a_time = {stage.name for stage in settings.stages or () if stage.one_at_a_time}
    stages = [
        {**_describe(stage, of_stage), **(_effects(of_stage) if stage.stage.name in one_at_a_time else {})}
        for stage, of_stage in begun
        if stage.stage.name is not None
    ]
    return {"sampler": class_name(settings.sampler), "pruner": class_name(settings.pruner), "stages": stages}


def describe_confirmation(study: Study) -> dict[str, Any]:
    """Return the block `confirm` if repeats of the best trials have ended, else an empty dict."""
    found = study.confirmation() if isinstance(study, StagedStudy) else None
    return {} if found is None else {"confirm": to_plain(found)}


def class_name(node: Any) -> str:
    """Return the name of the class that a node builds, or that an object has."""
    target = str(node.get("_target_")) if isinstance(node, DictConfig) else type(node).__name__
    return target.rpartition(".")[2]


def _describe(stage: PreparedStage, of_stage: StudyOfSpace) -> dict[str, Any]:
    trials = of_stage.get_trials(deepcopy=False)
    best = best_trial(trials, of_stage.direction)
    return {
        "name": stage.stage.name,
        "sampler": class_name(stage.stage.sampler),
        "pruner": class_name(stage.stage.pruner),
        "trials": count(trials).counted,
        "best_trial": None if best is None else best.number,
        "best_value": None if best is None else float(best.values[0]),
    }


def _effects(of_stage: StudyOfSpace) -> dict[str, Any]:
    is_maximized = of_stage.direction == StudyDirection.MAXIMIZE
    return {"effects": as_rows(effects(of_stage.get_trials(deepcopy=False), is_maximized))}
