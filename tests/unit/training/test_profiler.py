"""A profiler that does nothing."""

from __future__ import annotations

from tunesmith.training.profiler import NoProfiler


def test_actions_may_nest_and_repeat_and_nothing_is_recorded() -> None:
    profiler = NoProfiler()
    for _ in range(2):
        with profiler.profile("epoch"), profiler.profile("batch"), profiler.profile("batch"):
            pass
    assert profiler.summary() == ""
    assert profiler.profile("epoch") is profiler.profile("batch")
