"""A sweep in stages that is killed with kill -9 in the middle of each stage, with one worker and with two."""

from __future__ import annotations

from collections import Counter

import pytest
from conftest import Shell
from plain_app import app, rows, sweep, trials

from tunesmith.search.study.trial import Attempt, State

pytestmark = pytest.mark.usefixtures("nothing_left")

STAGES = (
    "[{name: one, n_trials: 4, overrides: ['+part=1']}, {name: two, n_trials: 4}, "
    "{name: three, top: 2, overrides: ['+again=1']}]"
)
BODY = """
    stage = "one" if "part" in cfg else "three" if "again" in cfg else "two"
    tunesmith.report(float(cfg.x), 1)
    ran, dead = Path(f"ran in {stage}"), Path(f"died in {stage}")
    is_second = ran.exists()
    ran.touch()
    if is_second and not dead.exists():
        dead.touch()
        if "TUNESMITH_WORKER" in os.environ:
            os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)
    return float(cfg.x)
"""


@pytest.mark.parametrize("n_workers", [1, 2])
def test_a_sweep_that_is_killed_in_each_stage_goes_on_in_it(shell: Shell, n_workers: int) -> None:
    app(shell, BODY)
    typed = (
        *("x=interval(0,1)", f"hydra.sweeper.stages={STAGES}", "hydra.sweeper.n_trials=10"),
        *(f"hydra.sweeper.n_workers={n_workers}", "hydra.sweeper.seed=0", "hydra.sweeper.max_retries=5"),
    )
    codes = [sweep(shell, *typed).code for _ in range(4)]
    assert codes == [-9, -9, -9, 0]
    counted = [attempt for attempt in map(Attempt, trials(shell)) if attempt.state.is_counted]
    assert Counter(attempt.stage for attempt in counted) == {"one": 4, "two": 4, "three": 2}
    assert Counter(row["stage"] for row in rows(shell)) == {"one": 4, "two": 4, "three": 2}
    order = ["one", "two", "three"]
    assert [attempt.stage for attempt in counted] == sorted((each.stage for each in counted), key=order.index)
    lost = [attempt for attempt in map(Attempt, trials(shell)) if attempt.state is State.LOST]
    assert {attempt.stage for attempt in lost} == {"one", "two", "three"}
    best = sorted((a for a in counted if a.stage == "two"), key=lambda attempt: attempt.trial.values[0])[:2]
    assert sorted(a.params["x"] for a in counted if a.stage == "three") == sorted(a.params["x"] for a in best)
