"""A sweep calls time: workers on other machines share no clock with it, and read in the study that it is late."""

from __future__ import annotations

from optuna import Study

# In the name of an attribute of the study, in front of what tells a sweep from others.
_PREFIX = "late "


def call_time(study: Study, sweep: str) -> None:
    """Tell all workers of a sweep that no further trial is to be started; sweep: what tells it from others."""
    study.set_user_attr(_PREFIX + sweep, True)


def is_time_called(study: Study, sweep: str) -> bool:
    """Whether a sweep has told its workers that no further trial is to be started."""
    return _PREFIX + sweep in study.user_attrs
