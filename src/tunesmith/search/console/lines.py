"""What a sweep prints: the space first, a line per trial, the outcome last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from tunesmith.search.space.space import Space
from tunesmith.search.study.study import OWNER, REASON, best_trial, counts, host, num_epochs, trial_value


def say(text: str) -> None:
    print(text, flush=True)


def rows(pairs: Iterable[tuple[str, str]]) -> None:
    """Print labels and texts in two columns."""
    for label, text in pairs:
        say(f"{label:<12} {text}")


def show_space(space: Space) -> None:
    """Print what varies over what."""
    if not space.dimensions:
        say("space: nothing varies; one trial")
        return
    num_points = space.num_points()
    say("space" + (f" ({num_points} configurations)" if num_points else ""))
    width = max(map(len, space.dimensions))
    for key, dimension in space.dimensions.items():
        say(f"  {key:<{width}}  {dimension.describe()}")


def show_joined(trials: Sequence[FrozenTrial], n_trials: int) -> None:
    """Print what others have done and do in a study that was there before."""
    if not trials:
        return
    running = [host(trial) or "an unknown host" for trial in trials if trial.state == TrialState.RUNNING]
    hosts = ", ".join(f"{running.count(name)} running on {name}" for name in dict.fromkeys(running))
    state = f"{counts(trials).counted} of {n_trials} trials counted"
    say(f"joined the study: {state}, {hosts}" if running else f"going on with the study: {state}")


def show_trial(trial: FrozenTrial, trials: list[FrozenTrial], direction: StudyDirection) -> None:
    """Print one finished trial: worker, number, state, value, best so far, epochs, seconds."""
    best = best_trial(trials, direction)
    seconds = trial.duration.total_seconds() if trial.duration else 0.0
    parts = [
        _name(trial),
        f"{trial.state.name:<8}",
        f"value {_number(trial_value(trial, direction))}",
        f"best {_number(best.values[0])} (trial {best.number})" if best else "best none",
        f"epochs {num_epochs(trial)}",
        f"{seconds:.1f} s",
    ]
    if trial.state == TrialState.FAIL:
        parts.append(str(trial.user_attrs.get(REASON, "lost")))
    say("  ".join(parts))


def show_lost(trial: FrozenTrial) -> None:
    """Print an attempt that is lost."""
    say(f"{_name(trial)}  lost after {num_epochs(trial)} epochs; queued again")


def show_epoch(trial: FrozenTrial) -> None:
    """Print how far a trial is that runs."""
    step = trial.last_step
    assert step is not None
    say(f"{_name(trial)}  running   value {_number(trial.intermediate_values[step])}  epochs {num_epochs(trial)}")


def _name(trial: FrozenTrial) -> str:
    worker = trial.user_attrs.get(OWNER, {}).get("worker")
    name = f"trial {trial.number:>3}"
    return name if worker is None else f"worker {worker}  {name}"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.6g}"
