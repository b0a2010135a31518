"""A sweep that a function of Python began, as Hydra's test runners do: no command begins its workers."""

from __future__ import annotations

from dataclasses import replace

from omegaconf import DictConfig

from tunesmith.errors import UserError
from tunesmith.search.command import is_of_command
from tunesmith.search.console.lines import say
from tunesmith.search.settings import PREFIX, Settings
from tunesmith.search.study.owner import worker_index


def fit_to_call(settings: Settings, config: DictConfig) -> Settings:
    """Return the settings with one worker, this process, if no command of this process begins further ones.

    Raises:
        UserError: the sweep needs processes of their own.
    """
    needs = {"isolate": settings.isolate, "devices": settings.devices > 1, "trial_timeout": settings.trial_timeout}
    needed = next((key for key, is_needed in needs.items() if is_needed), None)
    if worker_index() is not None or (needed is None and settings.n_workers == 1) or is_of_command(config):
        return settings
    if needed is not None:
        raise UserError(
            f"{PREFIX}{needed} needs processes, which a command line begins; got a sweep that Python began: leave it "
            "out"
        )
    say(f"one worker instead of {settings.n_workers}: a command line begins workers, and Python began this sweep")
    return replace(settings, n_workers=1)
