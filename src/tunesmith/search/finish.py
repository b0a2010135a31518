"""The end of a sweep: results are written, the best trial is evaluated, both are shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock
from hydra.core.config_loader import ConfigLoader
from optuna import Study

from tunesmith.errors import MachineFault, NothingToEvaluate, UserError
from tunesmith.search import results
from tunesmith.search.best_config import write_best_config
from tunesmith.search.console.lines import say
from tunesmith.search.console.summary import print_summary
from tunesmith.search.settings import Settings
from tunesmith.search.space.space import Space
from tunesmith.search.worker.failure import reason_of


def finish(
    study: Study,
    settings: Settings,
    space: Space,
    folder: Path,
    study_keys: Mapping[str, str],
    is_best_trial_elsewhere: bool,
    loader: ConfigLoader | None = None,
) -> dict[str, Any]:
    """Write a study's results, evaluate its best trial, print both; return the content of optimization_results.yaml.

    If several sweeps share the study, a lock lets one at a time do this.

    folder: the study's; study_keys: overrides that lead a command to the study.
    is_best_trial_elsewhere: whether trials run on other machines, whose devices this machine may lack.
    loader: of the app, whose schemas best.yaml keeps.
    """
    with FileLock(folder / ".finish.lock"):
        found = write_results(study, settings, folder, loader)
        test = results.read_test(folder, found)
        if test is None and settings.on_finish is not None and results.is_best_here(folder, found):
            test = _evaluate(settings.on_finish, folder / found["best_dir"], is_best_trial_elsewhere)
        if test is not None:
            found = results.write_test(folder, found, test)
    print_summary(found, results.ties(study), settings, space, folder, study_keys)
    return found


def write_results(study: Study, settings: Settings, folder: Path, loader: ConfigLoader | None = None) -> dict[str, Any]:
    """Write what a study leaves behind; return the content of optimization_results.yaml."""
    found = results.write_results(study, folder, settings.max_epochs, settings.folds)
    if found["best_dir"] is not None:
        try:
            write_best_config(study.study_name, folder, folder / found["best_dir"], loader)
        except MachineFault:
            raise
        except Exception as error:  # it is made of what any app has put into its config, and the other results stand
            say(f"{results.BEST_FILE} is not complete: {reason_of(error)}")
    return found


def _evaluate(
    on_finish: Callable[[Path], Mapping[str, Any]], trial_folder: Path, is_elsewhere: bool
) -> dict[str, Any] | None:
    """Return the test metrics of the best trial, None if only another machine can evaluate it, or nothing can."""
    try:
        return dict(on_finish(trial_folder))
    except NothingToEvaluate as error:
        say(f"the best trial is not evaluated: {error}")
        return None
    except UserError as error:
        if not is_elsewhere:
            raise
        say(f"the best trial is not evaluated on this machine: {error}")
        return None
