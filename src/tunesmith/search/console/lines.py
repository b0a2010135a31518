"""The lines that a sweep prints: the space first, then a line per trial."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence

from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from tunesmith.config.changes import show_value
from tunesmith.errors import printable
from tunesmith.search.space.space import Space
from tunesmith.search.stages.stage import Stage
from tunesmith.search.study.counts import num_counted
from tunesmith.search.study.front import pareto_front, violations
from tunesmith.search.study.silence import in_minutes
from tunesmith.search.study.study import best_trial
from tunesmith.search.study.trial import Attempt

NOTHING_VARIES = "nothing varies; one trial; a typed KEY=1,2 or KEY=interval(0,1) makes a key vary"
SUGGESTED = "what hydra.sweeper.custom_search_space suggests"


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
    width = max(len(dimension.key) for dimension in space.dimensions.values())
    for dimension in space.dimensions.values():
        say(f"  {dimension.key:<{width}}  {dimension.describe()}")
    if space.is_open:
        say(f"  and {SUGGESTED}")


def show_stage(stage: Stage, n_trials: int, remarks: Iterable[str] = ()) -> None:
    """Print that a stage begins: its trials, what varies over what, what is held, and what there is to say of it.

    Of the only stage of a sweep without stages, print the space.
    """
    if stage.name is None:
        show_space(stage.space, remarks)
        return
    varied = stage.space.dimensions.values()
    if stage.only_points:
        varies = f"given values of {', '.join(dict.fromkeys(each.key for each in varied))}" if varied else ""
    else:
        varies = ", ".join(f"{each.key} over {each.describe()}" for each in varied)
    parts = [f"stage {stage.name}: {n_trials} trials", varies or "nothing varies"]
    if stage.held:
        parts.append("held " + ", ".join(f"{key}={show_value(value)}" for key, value in stage.held.items()))
    if stage.overrides:
        parts.append("with " + " ".join(stage.overrides))
    say("; ".join(parts))
    for remark in (*stage.remarks, *remarks):
        say(remark)


def show_joined(trials: Sequence[FrozenTrial], n_trials: int) -> None:
    """If the study has trials, print how many count and on which hosts trials run."""
    if not trials:
        return
    running = [Attempt(trial).host or "an unknown host" for trial in trials if trial.state == TrialState.RUNNING]
    hosts = ", ".join(f"{running.count(name)} running on {name}" for name in dict.fromkeys(running))
    state = f"{num_counted(trials)} of {n_trials} trials counted"
    say(f"joined the study: {state}, {hosts}" if running else f"going on with the study: {state}")


def show_trial(trial: FrozenTrial, trials: list[FrozenTrial], directions: Sequence[StudyDirection]) -> None:
    """Print one finished trial: worker, number, state, values, best so far or the front, epochs, seconds."""
    attempt = Attempt(trial)
    parts = [
        _name(trial),
        f"{trial.state.name:<8}",
        *_values(attempt, trials, directions),
        f"epochs {attempt.epochs}",
        f"{attempt.seconds:.1f} s",
    ]
    if broken := violations(trial):
        parts.append(f"infeasible: not {', not '.join(broken)}")
    if trial.state == TrialState.FAIL:
        parts.append(attempt.reason or "lost")
    say("  ".join(parts))


def _values(attempt: Attempt, trials: Sequence[FrozenTrial], directions: Sequence[StudyDirection]) -> Iterator[str]:
    if len(directions) == 1:
        best = best_trial(trials, directions[0])
        yield f"value {_number(attempt.value(directions[0]))}"
        yield f"best {_number(best.values[0])} (trial {best.number})" if best else "best none"
    else:
        yield f"values {', '.join(map(_number, attempt.values(directions))) or 'none'}"
        front = pareto_front(trials, directions)
        is_part = any(trial.number == attempt.number for trial in front)
        yield f"front {len(front)} trial{'s' * (len(front) != 1)}{', this one too' * is_part}"


def show_lost(trial: FrozenTrial) -> None:
    """Print that an attempt is lost."""
    say(f"{_name(trial)}  lost after {Attempt(trial).epochs} epochs; queued again")


def show_epoch(trial: FrozenTrial) -> None:
    """Print how far a running trial has come."""
    step = trial.last_step
    assert step is not None
    say(f"{_name(trial)}  running   value {_number(trial.intermediate_values[step])}  epochs {Attempt(trial).epochs}")


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
