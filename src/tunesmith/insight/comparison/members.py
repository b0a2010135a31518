"""Runs and studies as what is compared: a value, a best so far, and the configuration that led to it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tunesmith.insight.pages.plain_values import finite, to_number
from tunesmith.insight.pages.run_facts import RunFacts
from tunesmith.insight.pages.study_facts import StudyFacts, TrialFacts

SEED = "seed"
# Of hydra.sweeper: how a search is carried out, not what it searches.
_CARRIED_OUT = {"study_name", "storage", "seed", "n_workers", "isolate", "live", "report"}


@dataclass(frozen=True)
class Curve:
    """The best value so far after so many epochs; epochs rise, and there is a value for each."""

    epochs: Sequence[int] = ()
    best: Sequence[float] = ()


@dataclass(frozen=True)
class Member:
    """A run or a study.

    mode: min or max; value: the best one, None if there is none.
    seed: None if unknown; config: what tells configurations apart, as it is written: interpolations are not resolved.
    data: digest of the data, None if unknown.
    """

    name: str
    metric: str
    mode: str
    value: float | None
    seed: int | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    curve: Curve = field(default_factory=Curve)
    data: str | None = None


def of_run(run: RunFacts) -> Member:
    """Return a run; its name is the end of its folder's path, as in loggers."""
    rows = [(finite(row.get("epoch")), row) for row in run.rows.get("", ()) if row.get(run.metric)]
    points = [(int(epoch), finite(row[run.metric])) for epoch, row in rows if epoch is not None]
    return Member(
        "/".join(run.folder.rstrip("/").split("/")[-2:]),
        run.metric,
        run.mode or "min",
        _finite(run.result.get("value")),
        _seed(run.config),
        run.config,
        best_so_far(points, run.mode),
        run.result.get("data_digest"),
    )


def of_study(study: StudyFacts) -> Member:
    """Return a study; of several objectives the first one's best value counts."""
    own = {key: value for key, value in study.config.items() if key != "hydra"}
    space = {param.key: [param.low, param.high, param.is_log, param.choices] for param in study.params}
    search = {key: value for key, value in study.sweeper.items() if key not in _CARRIED_OUT}
    return Member(
        study.name,
        study.metric,
        study.mode,
        best_value(study),
        _seed(own),
        {**own, "sweeper": search, "space": space},
        best_so_far(_ends(study), study.mode),
        study.best_result.get("data_digest"),
    )


def best_value(study: StudyFacts) -> float | None:
    """Return the value of the best trial; with several objectives, the best of the first one."""
    best = study.best or next(iter(study.ranked), None)
    return _finite(study.results.get("best_value")) if best is None else best.value


def best_so_far(points: Iterable[tuple[int, float | None]], mode: str) -> Curve:
    """Return the best of the values so far; None and NaN are worse than any.

    points: epochs that were trained by then, and the value.
    """
    better = max if mode == "max" else min
    epochs: list[int] = []
    best: list[float] = []
    for epoch, value in points:
        if value is not None and not math.isnan(value):
            epochs.append(epoch)
            best.append(better(best[-1], value) if best else value)
        elif best:
            epochs.append(epoch)
            best.append(best[-1])
    return Curve(epochs, best)


def _ends(study: StudyFacts) -> Iterable[tuple[int, float | None]]:
    """Yield the ends of trials: all epochs until then, and the value of a trial that may be the best one."""
    able = {trial.number for trial in study.ranked}
    spent = 0
    for trial in sorted((trial for trial in study.trials if not trial.is_repeat), key=_end):
        spent += trial.epochs
        yield spent, trial.value if trial.number in able else None


def _end(trial: TrialFacts) -> tuple[float, int]:
    """Return what orders trials by their ends; those that run come last."""
    return (math.inf if trial.ended is None else trial.ended.timestamp()), trial.number


def _seed(config: Mapping[str, Any]) -> int | None:
    seed = config.get(SEED)
    return seed if isinstance(seed, int) else None


def _finite(value: object) -> float | None:
    number = to_number(value)
    return number if number is not None and math.isfinite(number) else None
