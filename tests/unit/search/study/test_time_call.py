"""A sweep calls time: its own workers hear it, those of another sweep of the study do not."""

from __future__ import annotations

from studies import opened

from tunesmith.search.study.time_call import call_time, is_time_called


def test_a_sweep_calls_time_for_its_own_workers() -> None:
    study = opened()
    assert not is_time_called(study, "boot 1.0")
    call_time(study, "boot 1.0")
    assert is_time_called(study, "boot 1.0")
    assert not is_time_called(study, "boot 2.0")
