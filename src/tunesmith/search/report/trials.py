"""The trials of a study as its page shows them: attempts of one trial put together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from tunesmith.insight.pages.study_facts import ParamFacts, TrialFacts
from tunesmith.insight.pages.study_facts import State as Shown
from tunesmith.search.attribute_names import VERSION
from tunesmith.search.confirm.options import STAGE, STAGE_OF_REST
from tunesmith.search.study.front import violations
from tunesmith.search.study.trial import Attempt, State

_SHOWN: Mapping[State, Shown] = {
    State.COMPLETE: "complete",
    State.PRUNED: "pruned",
    State.FAILED: "failed",
    State.RUNNING: "running",
    State.WAITING: "waiting",
    State.LOST: "lost",
}
# Stages that repeat configurations on other seeds.
REPEATING = (STAGE, STAGE_OF_REST)


def trial_facts(
    trials: Sequence[FrozenTrial], directions: Sequence[StudyDirection], folder: Path, is_journal: bool
) -> list[TrialFacts]:
    """Return the trials, each by its last attempt.

    is_journal: whether the study lies in the folder, so that its trials do, even if the folder was moved.
    """
    attempts: dict[int, list[Attempt]] = {}
    for attempt in map(Attempt, trials):
        if attempt.state in _SHOWN:
            attempts.setdefault(attempt.first_attempt, []).append(attempt)
    shown = [_trial(each, directions, folder, is_journal) for each in attempts.values()]
    return sorted(shown, key=lambda trial: trial.number)


def param_facts(trials: Iterable[FrozenTrial]) -> list[ParamFacts]:
    """Return the keys that vary, each with the widest range of those it has had."""
    found: dict[str, list[BaseDistribution]] = {}
    for trial in trials:
        for name, distribution in trial.distributions.items():
            known = found.setdefault(name.partition(VERSION)[0], [])
            if distribution not in known:
                known.append(distribution)
    return [_param(key, distributions) for key, distributions in found.items()]


def _trial(
    attempts: Sequence[Attempt], directions: Sequence[StudyDirection], folder: Path, is_journal: bool
) -> TrialFacts:
    last, trial = attempts[-1], attempts[-1].trial
    assert isinstance(trial, FrozenTrial)
    values = last.values(directions)
    reports = {step: value for each in attempts for step, value in each.trial.intermediate_values.items()}  # type: ignore[union-attr]
    broken = violations(trial)
    return TrialFacts(
        last.number,
        _state(last),
        last.value(directions[0]) if values else None,
        values,
        last.params,
        dict(sorted(reports.items())),
        max(last.epochs, len(reports) if last.epochs == len(trial.intermediate_values) else 0),
        last.seconds if trial.datetime_complete else None,
        trial.datetime_start,
        trial.datetime_complete,
        _worker(last),
        last.stage,
        last.reason,
        last.folder_name if is_journal else last.trial_folder(folder),
        is_infeasible=bool(broken),
        violations=tuple(broken),
        is_repeat=last.stage in REPEATING,
        findings=last.findings,
    )


def _state(attempt: Attempt) -> Shown:
    """Return how far an attempt is; one whose process is dead is lost, even if nobody has ended it."""
    is_dead = attempt.state is State.RUNNING and attempt.owner is not None and attempt.owner.is_dead()
    return "lost" if is_dead else _SHOWN[attempt.state]


def _worker(attempt: Attempt) -> str | None:
    owner = attempt.owner
    if owner is None or attempt.host is None:
        return None
    return f"{attempt.host} {owner.pid if owner.worker is None else owner.worker}"


def _param(key: str, distributions: Sequence[BaseDistribution]) -> ParamFacts:
    last = distributions[-1]
    if any(isinstance(each, CategoricalDistribution) for each in distributions):
        lists = [each.choices for each in distributions if isinstance(each, CategoricalDistribution)]
        choices = list({repr(choice): choice for listed in lists for choice in listed}.values())
        return ParamFacts(key, choices=choices, distribution=last)
    numbers: list[Any] = list(distributions)
    low, high = min(each.low for each in numbers), max(each.high for each in numbers)
    return ParamFacts(key, any(each.log for each in numbers), low, high, distribution=last)
