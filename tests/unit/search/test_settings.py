"""hydra.sweeper: known keys, the rules of their values, the functions they name."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from typing import Any

import pytest
from omegaconf import OmegaConf

from tunesmith.errors import UserError
from tunesmith.search.constraints import Constraint
from tunesmith.search.settings import Settings, read_settings
from tunesmith.search.study.stopping import NEVER

GIVEN: dict[str, Any] = {
    "sampler": None,
    "pruner": None,
    "direction": "minimize",
    "storage": None,
    "study_name": "study",
    "n_trials": 20,
    "n_workers": 1,
    "n_jobs": None,
    "max_failure_rate": 0.5,
    "max_retries": 2,
    "timeout": None,
    "trial_timeout": None,
    "target": None,
    "no_improvement": None,
    "total_epochs": None,
    "baseline": False,
    "enqueue": [],
    "confirm": None,
    "isolate": False,
    "devices": 1,
    "params": {},
    "custom_search_space": None,
    "constraints": None,
    "seed": None,
    "stages": [],
    "max_epochs": None,
    "folds": None,
    "dry_run": False,
    "live": True,
    "check": None,
    "on_start": None,
    "on_finish": None,
    "linear_model": None,
}


def settings(**changes: Any) -> Settings:
    return read_settings({**GIVEN, **changes})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("n_trials", 1),
        ("max_failure_rate", 0),
        ("max_failure_rate", 1),
        ("seed", 0),
        ("direction", "max"),
        ("storage", "sqlite:///a.db"),
        ("max_epochs", 1),
        ("folds", 2),
        ("dry_run", True),
        ("n_workers", 4),
        ("max_retries", 0),
        ("timeout", 0.5),
        ("trial_timeout", 3600),
        ("target", -0.5),
        ("no_improvement", 1),
        ("total_epochs", 1),
        ("baseline", True),
        ("enqueue", [{"x": 1}, "first:5"]),
        ("isolate", True),
        ("live", False),
        ("devices", 2),
    ],
    ids=str,
)
def test_allowed(key: str, value: Any) -> None:
    assert getattr(settings(**{key: value}), key) == value


@pytest.mark.parametrize(
    ("key", "value", "rule"),
    [
        ("n_trials", 0, "an integer >= 1; got 0"),
        ("n_trials", "3", "an integer >= 1; got '3'"),
        ("n_workers", 0, "an integer >= 1; got 0"),
        ("n_jobs", -1, "an integer >= 1, or null; got -1"),
        ("max_retries", -1, "an integer >= 0; got -1"),
        ("timeout", 0, "a number > 0, or null; got 0"),
        ("trial_timeout", "1h", "a number > 0, or null; got '1h'"),
        ("target", "low", "a number that a trial's value may reach, or null; got 'low'"),
        ("target", math.inf, "a number that a trial's value may reach, or null; got inf"),
        ("no_improvement", 0, "an integer >= 1, or null; got 0"),
        ("total_epochs", 0.5, "an integer >= 1, or null; got 0.5"),
        ("baseline", "yes", "true or false; got 'yes'"),
        ("isolate", 1, "true or false; got 1"),
        ("live", "auto", "true or false; got 'auto'"),
        ("devices", 0, "an integer >= 1; got 0"),
        ("max_failure_rate", 1.1, "a number in [0, 1]; got 1.1"),
        ("seed", -1, "an integer in [0, 2**32), or null; got -1"),
        ("direction", "up", "one of minimize, maximize, min, max; got 'up'"),
        ("storage", 3, "null or a database's URL; got 3"),
        (
            "study_name",
            "a/b",
            "a name without / that does not begin with a dot, of at most 200 bytes, or null; got 'a/b'",
        ),
        ("study_name", "", "a name without / that does not begin with a dot, of at most 200 bytes, or null; got ''"),
        ("max_epochs", 0, "an integer >= 1, or null; got 0"),
        ("folds", 1, "an integer >= 2, or null; got 1"),
        ("dry_run", "yes", "true or false; got 'yes'"),
    ],
    ids=str,
)
def test_refused(key: str, value: Any, rule: str) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(f'hydra.sweeper.{key} must be {rule}')}$"):
        settings(**{key: value})


def test_an_unknown_key_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(UserError, match=r"^hydra\.sweeper\.n_trial: there is no such key; did you mean n_trials\?"):
        settings(n_trial=3)


def test_a_search_space_of_null_says_nothing() -> None:
    assert settings(search_space=None) == settings()


def test_a_list_of_directions_is_one_for_each_objective() -> None:
    assert settings(direction=["minimize", "max"]).direction == ("minimize", "max")
    assert settings(direction=["max"]).direction == "max"


@pytest.mark.parametrize(
    ("given", "got"), [(["minimize", "up"], r"\['minimize', 'up'\]"), ([], r"\[\]")], ids=["a word", "none"]
)
def test_each_direction_is_checked(given: list[str], got: str) -> None:
    with pytest.raises(UserError, match=rf"^hydra\.sweeper\.direction must be .*one of minimize.*; got {got}$"):
        settings(direction=given)


def test_constraints_are_read() -> None:
    assert settings(constraints={"val/acc": ">= 0.9"}).constraints == (Constraint("val/acc", ">=", 0.9),)


@pytest.mark.parametrize(("name", "read"), [("digits", "digits"), (7, "7")], ids=str)
def test_a_study_name_is_a_text(name: str | int, read: str) -> None:
    assert settings(study_name=name).study_name == read


def test_studies_without_a_name_never_share_one() -> None:
    assert settings(study_name=None).study_name != settings(study_name=None).study_name


@pytest.mark.parametrize(
    "params", [None, OmegaConf.create({"lr": "interval(0,1)"}), {"lr": "interval(0,1)"}], ids=["null", "node", "dict"]
)
def test_params_are_plain_values(params: Any) -> None:
    read = settings(params=params).params
    assert type(read) is dict
    assert read == ({"lr": "interval(0,1)"} if params else {})


def test_the_path_of_a_function_is_read() -> None:
    check = settings(check="math.sqrt").check
    assert check is not None
    assert check(9.0) == 3.0  # type: ignore[arg-type, func-returns-value]


def test_zero_is_a_name() -> None:
    assert settings(study_name=0).study_name == "0"


@pytest.mark.parametrize(
    ("n_workers", "n_jobs", "read"),
    [
        pytest.param(3, None, 3, id="the new name"),
        pytest.param(1, 3, 3, id="the old name"),
        pytest.param(3, 3, 3, id="both"),
        pytest.param(1, 1, 1, id="one"),
        pytest.param(3, 1, 3, id="the new name typed over a config of the official plugin"),
    ],
)
def test_workers_have_an_old_name(n_workers: int, n_jobs: int | None, read: int) -> None:
    assert settings(n_workers=n_workers, n_jobs=n_jobs).n_workers == read


def test_two_numbers_of_workers_are_refused() -> None:
    message = r"^hydra\.sweeper\.n_jobs is the old name of n_workers: give one of them; got 3 and 2$"
    with pytest.raises(UserError, match=message):
        settings(n_workers=2, n_jobs=3)


def test_a_mistake_in_the_settings_does_not_wait_for_optuna() -> None:
    loaded = "import sys, tunesmith.cli; print({'optuna', 'psutil', 'numpy', 'torch', 'statistics'} & {*sys.modules})"
    ended = subprocess.run([sys.executable, "-c", loaded], check=True, capture_output=True, text=True)
    assert ended.stdout == "set()\n"


def test_an_empty_storage_is_none() -> None:
    """As `export TUNESMITH_STORAGE=` leaves it."""
    assert settings(storage="").storage is None


OF_0_1 = {*GIVEN} - {
    "target",
    "no_improvement",
    "total_epochs",
    "baseline",
    "enqueue",
    "confirm",
    "constraints",
    "stages",
    "live",
}


def test_a_file_for_hydra_sweeper_of_version_0_1_needs_no_newer_key() -> None:
    older = read_settings({key: GIVEN[key] for key in OF_0_1})
    assert older.stopping == NEVER
    assert (older.baseline, older.enqueue, older.stages, older.constraints, older.confirm) == (
        False,
        None,
        (),
        (),
        None,
    )


@pytest.mark.parametrize("key", sorted(OF_0_1))
def test_any_other_key_must_be_given(key: str) -> None:
    with pytest.raises(UserError, match=rf"^hydra\.sweeper\.{key} must be given: it was deleted, or a file of its own"):
        read_settings({name: value for name, value in GIVEN.items() if name != key})
