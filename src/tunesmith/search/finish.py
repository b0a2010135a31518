"""The end of a sweep: results are written, the best trial is evaluated, both are shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock
from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig
from optuna import Study
from optuna.trial import FrozenTrial

from tunesmith import run_folder
from tunesmith.errors import MachineFault, NothingToEvaluate, UserError
from tunesmith.search import results
from tunesmith.search.best_config import without_hydra, write_best_config
from tunesmith.search.best_test import evaluated_folder, read_test, write_test
from tunesmith.search.console.lines import rows, say
from tunesmith.search.console.summary import print_summary
from tunesmith.search.search_results import describe_confirmation, describe_search
from tunesmith.search.settings import Settings
from tunesmith.search.space.space import Space
from tunesmith.search.staged_study import StagedStudy
from tunesmith.search.study.stopping import why_stopped
from tunesmith.search.study_checks import rows_of_checks, write_checks
from tunesmith.search.worker.failure import reason_of

ConfigOf = Callable[[Study, FrozenTrial, Path], DictConfig]


def finish(
    study: Study,
    settings: Settings,
    space: Space,
    folder: Path,
    study_keys: Mapping[str, str],
    is_best_trial_elsewhere: bool,
    config_of: ConfigOf,
    loader: ConfigLoader | None = None,
) -> dict[str, Any]:
    """Write a study's results, evaluate its best trial, print both; return the content of optimization_results.yaml.

    If several sweeps share the study, a lock lets one at a time do this.

    folder: the study's; study_keys: overrides that lead a command to the study.
    is_best_trial_elsewhere: whether trials run on other machines, whose devices this machine may lack.
    config_of: composes the config of a trial that has ended, given its folder: see compose_ended.
    loader: of the app, whose schemas best.yaml keeps.
    """
    with FileLock(folder / ".finish.lock"):
        found, config = write_results(study, settings, folder, config_of, loader)
        if config is not None:
            found = _add_test(found, settings, folder, config, is_best_trial_elsewhere)
        found, findings = write_checks(study, settings, space, folder, found, config)
    if isinstance(study, StagedStudy):
        reason = study.why_stopped()
    else:
        reason = why_stopped(study.get_trials(deepcopy=False), study.directions[0], settings.stopping)
    if reason is not None:
        say(f"stopped: {reason}; the same command with a wider limit, or null, goes on")
    print_summary(found, results.ties(study), settings, space, folder, study_keys)
    rows(rows_of_checks(findings))
    _write_page(study, settings, folder, study_keys)
    return found


def _add_test(
    found: dict[str, Any], settings: Settings, folder: Path, config: DictConfig, is_elsewhere: bool
) -> dict[str, Any]:
    """Return the results with the test metrics of the best trial, or of its refit, if there are any."""
    tested = evaluated_folder(folder / found["best_dir"], config)
    test = read_test(tested)
    if test is None and settings.on_finish is not None:
        if tested.name == run_folder.REFIT_FOLDER and not (tested / run_folder.RESULT_FILE).exists():
            say(f"refit: trial {found['best_trial']} is trained again, on training and validation part")
        test = _evaluate(partial(settings.on_finish, folder / found["best_dir"], config), is_elsewhere)
    return found if test is None else write_test(folder, found, tested, test)


def _write_page(study: Study, settings: Settings, folder: Path, study_keys: Mapping[str, str]) -> None:
    if settings.report:
        # Here, because each worker imports this module, and none writes a page.
        from tunesmith.search.report.report import report_at_end

        report_at_end(study, folder, study_keys)


def leave_results(
    study: Study,
    settings: Settings,
    folder: Path,
    study_keys: Mapping[str, str],
    config_of: ConfigOf,
    loader: ConfigLoader | None = None,
) -> None:
    """Write what a study leaves behind that has not come to its end, and its page."""
    write_results(study, settings, folder, config_of, loader)
    _write_page(study, settings, folder, study_keys)


def write_results(
    study: Study, settings: Settings, folder: Path, config_of: ConfigOf, loader: ConfigLoader | None = None
) -> tuple[dict[str, Any], DictConfig | None]:
    """Write what a study leaves behind; return the content of optimization_results.yaml, and the best trial's config.

    The config is None, and best.yaml not written, if the trial lies elsewhere or is none of this command's.
    """
    more = {"search": describe_search(study, settings), **describe_confirmation(study)}
    found = results.write_results(study, folder, settings.max_epochs, settings.folds, more)
    config = _best_config(study, folder, found, config_of)
    try:
        write_best_config(study.study_name, folder, config, loader)
    except MachineFault:
        raise
    except Exception as error:  # it is made of what any app has put into its config, and the other results stand
        say(f"{results.BEST_FILE} is not complete: {reason_of(error)}")
    return found, None if config is None else without_hydra(config)


def _best_config(study: Study, folder: Path, found: Mapping[str, Any], config_of: ConfigOf) -> DictConfig | None:
    best_folder = results.find_best(folder, found)
    if best_folder is None:
        return None
    try:
        return config_of(study, study.get_trials(deepcopy=False)[found["best_trial"]], best_folder)
    except Exception as error:  # whatever a study may hold, the other results stand
        say(f"trial {found['best_trial']} is neither evaluated nor written to {results.BEST_FILE}: {reason_of(error)}")
        return None


def _evaluate(on_finish: Callable[[], Mapping[str, Any]], is_elsewhere: bool) -> dict[str, Any] | None:
    """Return the test metrics of the best trial, None if only another machine can evaluate it, or nothing can."""
    try:
        return dict(on_finish())
    except KeyboardInterrupt:
        say("interrupted: the best trial is not evaluated; the same command evaluates it")
        raise
    except NothingToEvaluate as error:
        say(f"the best trial is not evaluated: {error}")
        return None
    except UserError as error:
        if not is_elsewhere:
            raise
        say(f"the best trial is not evaluated on this machine: {error}")
        return None
