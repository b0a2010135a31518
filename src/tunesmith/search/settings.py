"""hydra.sweeper as typed values."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from omegaconf import DictConfig, OmegaConf

from tunesmith.checks import check_rule
from tunesmith.config.node_keys import HYDRAS
from tunesmith.errors import UserError, closest
from tunesmith.rules import FLAG, SEED, Rule, integer, is_list, list_of, number, one_of, or_null
from tunesmith.search.confirm.options import Confirm, read_confirm
from tunesmith.search.constraints import Constraint, read_constraints
from tunesmith.search.named_function import NamedEvaluation, NamedFunction
from tunesmith.search.old_keys import OLD, check_old
from tunesmith.search.several_objectives import check_best_is_not_needed, check_sampler, choose_pruner
from tunesmith.search.space.params import read_params
from tunesmith.search.stage_settings import StageSettings, read_stages
from tunesmith.search.stopping_rules import Stopping

PREFIX = "hydra.sweeper."

# File systems allow 255 bytes; a folder that is set aside gets a longer name.
MAX_NAME_BYTES = 200
NAME = Rule(
    f"a name without / that does not begin with a dot, of at most {MAX_NAME_BYTES} bytes",
    lambda value: (
        isinstance(value, str | int | float)
        and not isinstance(value, bool)
        and bool(re.fullmatch(r"[^./][^/]*", str(value)))
        and str(value).isprintable()
        and len(str(value).encode()) <= MAX_NAME_BYTES
    ),
)

_DIRECTION = one_of("minimize", "maximize", "min", "max")
_RULES: dict[str, Rule] = {
    "n_trials": integer(1),
    "n_workers": integer(1),
    "n_jobs": or_null(integer(1)),
    "max_retries": integer(0),
    "timeout": or_null(number("> 0", lambda value: value > 0)),
    "trial_timeout": or_null(number("> 0", lambda value: value > 0)),
    "target": or_null(number("that a trial's value may reach", math.isfinite)),
    "no_improvement": or_null(integer(1)),
    "total_epochs": or_null(integer(1)),
    "baseline": FLAG,
    "isolate": FLAG,
    "live": FLAG,
    "devices": integer(1),
    "max_failure_rate": number("in [0, 1]", lambda value: 0 <= value <= 1),
    "seed": or_null(SEED),
    "storage": Rule("null or a database's URL", lambda value: value is None or isinstance(value, str)),
    "study_name": or_null(NAME),
    "max_epochs": or_null(integer(1)),
    "folds": or_null(integer(2)),
    "dry_run": FLAG,
    "report": FLAG,
}

# Evaluates the best trial, given its folder and its config; returns its test metrics.
OnFinish = Callable[..., Mapping[str, Any]]
# What a file of a user's own for hydra/sweeper lacks if it was written for version 0.1, and what it is then.
_ADDED: Mapping[str, Any] = {
    **dict.fromkeys(("target", "no_improvement", "total_epochs", "constraints", "enqueue", "stages", "confirm")),
    "baseline": False,
    "report": False,
    "live": True,
}


@dataclass(frozen=True)
class Settings:
    """What hydra.sweeper says; conf/hydra/sweeper/tunesmith.yaml explains each key.

    direction: a tuple of several directions if the study has several objectives.
    """

    sampler: Any
    pruner: Any
    direction: str | tuple[str, ...]
    storage: str | None
    study_name: str
    n_trials: int
    n_workers: int
    n_jobs: int | None
    max_failure_rate: float
    max_retries: int
    timeout: float | None
    trial_timeout: float | None
    target: float | None
    no_improvement: int | None
    total_epochs: int | None
    isolate: bool
    devices: int
    params: Mapping[str, Any]
    constraints: tuple[Constraint, ...]
    custom_search_space: Callable[..., None] | None
    seed: int | None
    max_epochs: int | None
    folds: int | None
    dry_run: bool
    live: bool
    baseline: bool
    enqueue: Any
    stages: tuple[StageSettings, ...]
    confirm: Confirm | None
    check: Callable[[DictConfig], str | None] | None
    on_start: Callable[..., object] | None
    on_finish: OnFinish | None
    linear_model: Callable[[DictConfig], Mapping[str, float]] | None
    report: bool

    @property
    def stopping(self) -> Stopping:
        return Stopping(self.target, self.no_improvement, self.total_epochs)

    @property
    def has_own_processes(self) -> bool:
        """Whether each trial runs in a process of its own, beside that of its worker."""
        return self.isolate or self.devices > 1


def read_settings(given: Mapping[str, Any], config: DictConfig | None = None) -> Settings:
    """Check the keys of hydra.sweeper and their values.

    config: the app's, in which params stand as they are written; Hydra has resolved those that are given.

    Raises:
        UserError: names the key, its rule and the value.
    """
    given = {**_ADDED, **given}
    known = {field.name for field in fields(Settings)}
    check_old(given)
    _check_names(given)
    for key in sorted(known - set(given)):
        raise UserError(f"{PREFIX}{key} must be given: it was deleted, or a file of its own for hydra/sweeper lacks it")
    if given["study_name"] is None and _is_top_level_key(config):
        raise UserError("study_name must be a name; got null: leave it out, and it is a time stamp")
    for key, rule in _RULES.items():
        check_rule(PREFIX + key, rule, given[key])
    direction, typed = _direction(given["direction"]), _typed_of_hydra(config)
    check_sampler(given["sampler"], direction)
    resolved = _checked_params(_plain(given["params"]) or {})
    settings = Settings(
        **{
            **{key: value for key, value in given.items() if key not in OLD},
            "direction": direction,
            "pruner": choose_pruner(given["pruner"], direction, typed),
            "n_workers": _n_workers(given["n_workers"], given["n_jobs"]),
            "study_name": _study_name(given["study_name"]),
            "storage": given["storage"] or None,  # an empty variable is no storage
            "params": read_params(resolved, None if config is None else _written_params(config)),
            "constraints": read_constraints(_plain(given["constraints"])),
            "custom_search_space": _function("custom_search_space", given["custom_search_space"]),
            "enqueue": _plain(given["enqueue"]),
            "stages": read_stages(given["stages"]),
            "confirm": read_confirm(given["confirm"]),
            "check": _function("check", given["check"]),
            "on_start": _function("on_start", given["on_start"]),
            "on_finish": None if given["on_finish"] is None else NamedEvaluation(given["on_finish"]),
            "linear_model": _function("linear_model", given["linear_model"]),
        }
    )
    check_best_is_not_needed(vars(settings))
    return settings


def check_sweeper_keys(config: DictConfig) -> None:
    """Raise UserError for a misspelt key of our sweeper in a run, which reads none of them."""
    sweeper = OmegaConf.select(config, "hydra.sweeper", default=None)
    if sweeper is not None and str(sweeper.get("_target_")).rpartition(".")[2] == "TunesmithSweeper":
        _check_names(key for key in map(str, sweeper) if key not in HYDRAS)


def _check_names(given: Iterable[str]) -> None:
    known = {field.name for field in fields(Settings)}
    for key in given:
        if key not in known | OLD:
            raise UserError(f"{PREFIX}{key}: there is no such key{closest(key, known)}")


def _checked_params(params: object) -> dict[str, Any]:
    if not isinstance(params, Mapping):
        raise UserError(f"{PREFIX}params must be a dict of keys and their sweeps; got {params!r}")
    return {str(key): value for key, value in params.items()}


def _plain(given: Any) -> Any:
    return OmegaConf.to_container(given, resolve=True) if OmegaConf.is_config(given) else given


def _written_params(config: DictConfig) -> object:
    sweeper = OmegaConf.to_container(config.hydra.sweeper, resolve=False)
    assert isinstance(sweeper, dict)
    return sweeper.get("params")


def _n_workers(n_workers: int, n_jobs: int | None) -> int:
    if n_jobs in (None, 1, n_workers):  # 1 is what configs of the official plugin spell out
        return n_workers
    if n_workers == 1:
        return n_jobs
    raise UserError(f"{PREFIX}n_jobs is the old name of n_workers: give one of them; got {n_jobs} and {n_workers}")


def _direction(given: str | Sequence[str]) -> str | tuple[str, ...]:
    """Return the direction of the one objective, or the directions of several."""
    check_rule(f"{PREFIX}direction", list_of(_DIRECTION) if is_list(given) else _DIRECTION, given)
    return given if isinstance(given, str) else given[0] if len(given) == 1 else tuple(given)


def _typed_of_hydra(config: DictConfig | None) -> list[str]:
    typed = None if config is None else OmegaConf.select(config, "hydra.overrides.hydra", default=None)
    return [] if typed is None else list(map(str, typed))


def _study_name(given: str | int | None) -> str:
    return datetime.now().strftime("%Y-%m-%d_%H-%M-%S-%f") if given is None else str(given)


def _is_top_level_key(config: DictConfig | None) -> bool:
    """Whether the study's name is a key of the app, which names the study's folder as well."""
    sweeper = None if config is None else OmegaConf.select(config, "hydra.sweeper", default=None)
    return sweeper is not None and OmegaConf.is_interpolation(sweeper, "study_name")


def _function(key: str, path: str | None) -> NamedFunction | None:
    return None if path is None else NamedFunction(key, path)
