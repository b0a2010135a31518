"""Values that no key may have: each row ends in a few words, and writes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from mistakes import Mistake, check_that_it_is_refused, mistake

ROWS = [
    mistake("optimizer.lr=-1", "optimizer.lr must be a number > 0; got -1"),
    mistake("optimizer.lr=abc", "optimizer.lr must be a number > 0; got 'abc'"),
    mistake("-m study_name=s hydra.sweeper.n_trials=0", "hydra.sweeper.n_trials must be an integer >= 1; got 0"),
    mistake("optimizer=adm", "optimizer: there is no such choice; got 'adm'; did you mean adam? options: adam, "),
    mistake("trainer.precision=17", "trainer", "17", "bf16-mixed", is_late=True),
    mistake("-m study_name=s optimizer.lr=interval(0.1", "optimizer.lr: must be an override; got 'optimizer.lr=inter"),
]


@pytest.mark.parametrize("mistake", ROWS)
def test_a_value(mistake: Mistake, tmp_path: Path) -> None:
    check_that_it_is_refused(mistake, tmp_path)
