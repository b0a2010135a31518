"""The lines that a sweep prints: the space first, then a line per trial."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from tunesmith.config.changes import show_value
from tunesmith.errors import printable
from tunesmith.search.space.dimension import listed
from tunesmith.search.space.space import Space
from tunesmith.search.stages.stage import Stage
from tunesmith.search.study.counts import num_counted
from tunesmith.search.study.front import pareto_front, violations
from tunesmith.search.study.silence import in_minutes
from tunesmith.search.study.study import best_trial
from tunesmith.search.study.trial import Attempt

NOTHING_VARIES = "nothing varies; one trial; a typed KEY=1,2 or KEY=interval(0,1) makes a key vary"
SUGGESTED = "what hydra.sweeper.custom_search_space suggests"
# Prints a trial that has ended: see show_trial.
Show = Callable[[FrozenTrial, list[FrozenTrial], Sequence[StudyDirection]], None]


def say(text: str) -> None:
    """Print a line; what would steer the console, or is not in its encoding, is shown as an escape."""
    encoding = sys.stdout.encoding or "utf-8"
    print(printable(text).encode(encoding, "backslashreplace").decode(encoding), flush=True)


def rows(pairs: Iterable[tuple[str, str]]) -> None:
    """Print labels and texts in two columns."""
    for label, text in pairs:
        say(f"{label:<12} {text}")


def show_space(space: Space, remarks: Iterable[str] = ()) -> None:
    """Print each swept key with its values, and what the app's check says of the trials."""
    _show_keys(space)
    for remark in remarks:
        say(remark)


def _show_keys(space: Space) -> None:
    if not space.dimensions:
        say(f"space: {SUGGESTED if space.is_open else NOTHING_VARIES}")
        return
    num_points = space.num_points()
    say("space" + (f" ({num_points} configurations)" if num_points else ""))
    _show_table(_ranges(space))
    if space.is_open:
        say(f"  and {SUGGESTED}")


def _ranges(space: Space) -> list[tuple[str, str]]:
    return [(dimension.key, dimension.describe()) for dimension in space.dimensions.values()]


def _show_table(keys: Sequence[tuple[str, str]]) -> None:
    width = max((len(key) for key, _ in keys), default=0)
    for key, text in keys:
        say(f"  {key:<{width}}  {text}")


def show_stage(stage: Stage, n_trials: int, remarks: Iterable[str] = ()) -> None:
    """Print that a stage begins: its trials, each key with what it varies over or is held at, and remarks.

    Of the only stage of a sweep without stages, print the space.
    """
    if stage.name is None:
        show_space(stage.space, remarks)
        return
    kind = _kind(stage) if stage.is_counted else ""  # a remark says which are repeated
    say(f"stage {stage.name}: {_trials(n_trials)}{kind}{_with_overrides(stage)}")
    if not _is_again(stage):
        keys = _values_at_points(stage) if stage.only_points else _ranges(stage.space)
        _show_table([*keys, *((key, f"{_short(value)}, held") for key, value in stage.held.items())])
    for remark in (*stage.remarks, *remarks):
        say(remark)


def show_planned(stage: Stage, n_trials: int) -> None:
    """Print what is known of a later stage before there is any trial: not yet which points it will have."""
    trials = _trials(n_trials) if n_trials else "trials"
    kind = ", around the best before it" if stage.remarks and not _is_again(stage) else _kind(stage)
    say(f"stage {stage.name}: {trials}{kind}{_with_overrides(stage)}")


def _trials(number: int) -> str:
    return f"{number} trial{'s' * (number != 1)}"


def _is_again(stage: Stage) -> bool:
    return stage.is_rerun or not stage.is_counted


def _kind(stage: Stage) -> str:
    if _is_again(stage):
        return ", the best before it once more"
    if not stage.only_points:
        return ""
    return " at given points" if any(stage.points) else ", the configuration as it stands"


def _with_overrides(stage: Stage) -> str:
    return f", with {' '.join(stage.overrides)}" if stage.overrides else ""


def _values_at_points(stage: Stage) -> list[tuple[str, str]]:
    """Return each key that the points of a stage set, with its values; numbers ascend."""
    values: dict[str, list[Any]] = {}
    for point in stage.points:
        for key, value in point.items():
            own = values.setdefault(key, [])
            own += [value] * (value not in own)
    for own in values.values():
        if all(isinstance(value, int | float) for value in own):
            own.sort()
    return [(key, listed([_short(value) for value in own])) for key, own in values.items()]


def _short(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else show_value(value)


def show_joined(trials: Sequence[FrozenTrial], n_trials: int) -> None:
    """If the study has trials, print how many count and on which hosts trials run."""
    if not trials:
        return
    running = [Attempt(trial).host or "an unknown host" for trial in trials if trial.state == TrialState.RUNNING]
    hosts = ", ".join(f"{running.count(name)} running on {name}" for name in dict.fromkeys(running))
    state = f"{num_counted(trials)} of {n_trials} trials counted"
    say(f"joined the study: {state}, {hosts}" if running else f"going on with the study: {state}")


def show_trial(
    trial: FrozenTrial, trials: list[FrozenTrial], directions: Sequence[StudyDirection], is_best_shown: bool = False
) -> None:
    """Print one finished trial: worker, number, state, values, best so far or the front, epochs, seconds.

    trials: of which the best is shown, none if the trial is compared with no other one.
    is_best_shown: whether the console shows the best one anyway, so that a line of 80 columns suffices.
    """
    attempt = Attempt(trial)
    parts = [
        _name(trial),
        f"{trial.state.name:<8}",
        *_values(attempt, trials, directions, is_best_shown),
        f"epochs {attempt.epochs}",
        f"{attempt.seconds:.1f} s",
    ]
    if broken := violations(trial):
        parts.append(f"infeasible: not {', not '.join(broken)}")
    if trial.state == TrialState.FAIL:
        parts.append(attempt.reason or "lost")
    say("  ".join(parts))


def _values(
    attempt: Attempt, trials: Sequence[FrozenTrial], directions: Sequence[StudyDirection], is_best_shown: bool
) -> Iterator[str]:
    if len(directions) == 1:
        best = best_trial(trials, directions[0])
        yield f"value {_number(attempt.value(directions[0]))}"
        if is_best_shown:
            yield from ["best so far"] * (best is not None and best.number == attempt.number)
        elif trials:
            yield f"best {_number(best.values[0])} (trial {best.number})" if best else "best none"
    else:
        yield f"values {', '.join(map(_number, attempt.values(directions))) or 'none'}"
        front = pareto_front(trials, directions)
        is_part = any(trial.number == attempt.number for trial in front)
        if is_best_shown:
            yield from ["on the front"] * is_part
        else:
            yield f"front {len(front)} trial{'s' * (len(front) != 1)}{', this one too' * is_part}"


def show_lost(trial: FrozenTrial) -> None:
    """Print that an attempt is lost."""
    say(f"{_name(trial)}  lost after {Attempt(trial).epochs} epochs; queued again")


def show_silence(number: int, seconds: float) -> None:
    """Print that a trial of this process, which has no sweep beside it, may hang."""
    say(
        f"trial {number:>3}  no progress for {in_minutes(seconds)}; if it hangs, kill -9 {os.getpid()} ends the sweep, "
        "and the same command goes on; hydra.sweeper.trial_timeout=SECONDS ends such a trial"
    )


def _name(trial: FrozenTrial) -> str:
    owner = Attempt(trial).owner
    name = f"trial {trial.number:>3}"
    return name if owner is None or owner.worker is None else f"worker {owner.worker}  {name}"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.6g}"
