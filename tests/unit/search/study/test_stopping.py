"""What ends a search before n_trials count: a target, trials without a new best, a number of epochs."""

from __future__ import annotations

import pytest
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial
from studies import asked, opened

from tunesmith.search.attribute_names import EPOCHS, FIRST_ATTEMPT, OUTSIDE, REASON, REPEAT, RETRY_OF
from tunesmith.search.stopping_rules import Stopping
from tunesmith.search.study.budget import ask
from tunesmith.search.study.retries import requeue
from tunesmith.search.study.stopping import epochs_run, why_stopped

MIN, MAX = StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE
FAILED = create_trial(state=TrialState.FAIL, user_attrs={REASON: "a bug"})
LOST = create_trial(state=TrialState.FAIL)
PRUNED = create_trial(state=TrialState.PRUNED, intermediate_values={1: 0.0})
RUNNING = create_trial(state=TrialState.RUNNING, intermediate_values={1: 0.0, 2: 0.0})


def trials_of(*trials: FrozenTrial | float) -> list[FrozenTrial]:
    """Trials with these values, numbered."""
    made = [create_trial(value=trial) if isinstance(trial, int | float) else trial for trial in trials]
    for number, trial in enumerate(made):
        trial.number = number
    return made


@pytest.mark.parametrize(
    ("trials", "direction", "reason"),
    [
        pytest.param((0.5, 0.4, 0.6), MIN, "trial 1 has reached hydra.sweeper.target=0.4: 0.4", id="reached"),
        pytest.param((0.5, 0.41), MIN, None, id="not reached"),
        pytest.param((0.3, 0.39), MAX, None, id="not reached if maximized"),
        pytest.param((0.3, 0.75), MAX, "trial 1 has reached hydra.sweeper.target=0.4: 0.75", id="beyond"),
        pytest.param((PRUNED, RUNNING, FAILED), MIN, None, id="a value of a trial that is not complete"),
        pytest.param((create_trial(value=0.1, user_attrs={OUTSIDE: True}),), MIN, None, id="no point of the space"),
    ],
)
def test_a_target_is_reached_by_a_complete_trial(
    trials: tuple[FrozenTrial | float, ...], direction: StudyDirection, reason: str | None
) -> None:
    assert why_stopped(trials_of(*trials), direction, Stopping(target=0.4)) == reason


@pytest.mark.parametrize(
    ("trials", "direction", "is_stopped"),
    [
        pytest.param((1, 2, 3), MIN, False, id="one too few"),
        pytest.param((1, 2, 3, 4), MIN, True, id="three since the best"),
        pytest.param((1, 2, 3, 0), MIN, False, id="the last one is the best"),
        pytest.param((1, 2, 3, 4), MAX, False, id="ever better"),
        pytest.param((1, 1, 1, 1), MIN, True, id="an equal value is no new best"),
        pytest.param((1, PRUNED, FAILED, 2), MIN, True, id="pruned and failed ones count"),
        pytest.param((1, LOST, RUNNING, 2, 3), MIN, False, id="lost and running ones do not"),
        pytest.param((PRUNED, PRUNED, PRUNED), MIN, True, id="no complete trial at all"),
        pytest.param(
            (1, *(create_trial(value=2, user_attrs={REPEAT: True}) for _ in range(3))), MIN, False, id="repeats"
        ),
    ],
)
def test_trials_in_a_row_without_a_new_best(
    trials: tuple[FrozenTrial | float, ...], direction: StudyDirection, is_stopped: bool
) -> None:
    reason = "no new best in the last 3 trials (hydra.sweeper.no_improvement=3)" if is_stopped else None
    assert why_stopped(trials_of(*trials), direction, Stopping(no_improvement=3)) == reason


def test_epochs_of_pruned_failed_and_running_trials_count_those_of_a_retry_once() -> None:
    lost = create_trial(state=TrialState.FAIL, intermediate_values={1: 0.0, 2: 0.0})
    retry = create_trial(
        value=0.5, intermediate_values={1: 0.0, 2: 0.0, 3: 0.0}, user_attrs={FIRST_ATTEMPT: 0, RETRY_OF: 0}
    )
    folds = create_trial(value=0.5, intermediate_values={1: 0.0, 2: 0.0}, user_attrs={EPOCHS: 20})
    outside = create_trial(value=0.5, intermediate_values={1: 0.0}, user_attrs={OUTSIDE: True})
    trials = trials_of(lost, retry, folds, PRUNED, RUNNING, outside)
    assert epochs_run(trials) == 3 + 20 + 1 + 2
    assert why_stopped(trials, MIN, Stopping(total_epochs=27)) is None
    assert why_stopped(trials, MIN, Stopping(total_epochs=26)) == "26 epochs were run (hydra.sweeper.total_epochs=26)"


def test_no_trial_begins_once_a_search_is_stopped_until_its_limit_is_wider() -> None:
    study = opened()
    lost = asked(study)
    study.tell(asked(study), 0.5)
    requeue(study, lost.number)
    assert ask(study, 10, stopping=Stopping(target=0.5)) is None  # neither a new trial nor a retry
    retry = ask(study, 10, stopping=Stopping(target=0.4))
    assert retry is not None
    assert retry.user_attrs[RETRY_OF] == lost.number
