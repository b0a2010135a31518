"""The command that this process was started with, and the commands made from it."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, suppress
from io import StringIO
from pathlib import Path

from hydra._internal.utils import get_args_parser
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tunesmith.config.quoting import override
from tunesmith.typed_command import program

# Overrides about the sweep, which a single run has no use for.
_OF_THE_SWEEP = ("hydra.mode=", "hydra.sweep", "hydra/sweep", "hydra.launcher", "hydra/launcher", "hydra.run.dir=")
_CONFIG_FLAGS = ("config_path", "config_name", "config_dir")


def resume_hint(study: Mapping[str, str], arguments: list[str] | None = None) -> str:
    """Return the command that goes on with the study: this one, with the overrides that lead to the study."""
    script, *typed = sys.argv if arguments is None else arguments
    missing = [override(key, value) for key, value in study.items() if not _has(typed, key)]
    return shlex.join([*program(script), *_with(typed, missing)])


def study_name_keys(config: DictConfig, study_name: str) -> list[str]:
    """Return the keys that hold a study's name."""
    is_top_level_key = OmegaConf.select(config, "study_name") == study_name
    return ["hydra.sweeper.study_name", *["study_name"] * is_top_level_key]


def study_keys(config: DictConfig, study_name: str) -> dict[str, str]:
    """Return overrides that lead another call of the command to a study, which a time stamp may have named."""
    *_, key = study_name_keys(config, study_name)
    name = {key: study_name}
    return name if key == "study_name" else {**name, "hydra.sweep.dir": config.hydra.sweep.dir}


def restart_argv(keys: Sequence[str], study_name: str) -> list[str]:
    """Return this process's command on this study, even if a time stamp has named the study.

    keys: those that hold the study's name.
    """
    missing = [key for key in keys if not _has(sys.orig_argv, key)]
    return _this_with([override(key, study_name) for key in missing])


def worker_argv(keys: Sequence[str], study_name: str, folder: Path, *further: str) -> list[str]:
    """Return the command of a worker: this process's own, in the study's folder."""
    study = [*(override(key, study_name) for key in keys), override("hydra.sweep.dir", str(folder))]
    return _this_with([*study, *further])


def trial_argv(config: DictConfig, folder: Path, *further: str) -> list[str]:
    """Return the command of a trial: a plain run of its overrides in its folder, whatever mode the config has."""
    flags = get_args_parser().parse_args(sys.argv[1:])
    given = [(name, getattr(flags, name)) for name in _CONFIG_FLAGS]
    named = [part for name, value in given if value for part in (f"--{name.replace('_', '-')}", value)]
    hydra = OmegaConf.to_container(config.hydra.overrides, resolve=False)  # the job resolves what was typed
    assert isinstance(hydra, dict)
    kept = [text for text in hydra["hydra"] if not text.lstrip("+~").startswith(_OF_THE_SWEEP)]
    job = ["hydra.mode=RUN", f"hydra.job.num={config.hydra.job.num}", override("hydra.job.id", config.hydra.job.id)]
    overrides = [*hydra["task"], *_study_name(config), *kept, *job, override("hydra.run.dir", str(folder)), *further]
    return [sys.executable, *_script(), *named, *overrides]


def _study_name(config: DictConfig) -> list[str]:
    """Return the override of a study's name that is made of others, as of the time at which the sweep began."""
    plain = OmegaConf.to_container(config, resolve=False)
    assert isinstance(plain, dict)
    if "study_name" not in plain or not OmegaConf.is_interpolation(config, "study_name"):
        return []  # the job has it as it is
    if "${hydra:" in str(plain["study_name"]):
        return []  # the job alone knows it
    try:
        return [override("study_name", config.study_name)]
    except OmegaConfBaseException:  # made of what the job alone knows
        return []


def _has(arguments: Sequence[str], key: str) -> bool:
    return any(text.lstrip("+").startswith(f"{key}=") for text in arguments)


def _this_with(overrides: list[str]) -> list[str]:
    script = _script()
    return [sys.executable, *script, *_with(sys.orig_argv[1 + len(script) :], overrides)]


def _with(arguments: list[str], overrides: list[str]) -> list[str]:
    """Add overrides behind those of a command: Hydra's parser finds none behind a later flag."""
    typed = _overrides(arguments)
    ends = [end for end in range(len(arguments) + 1) if typed and arguments[end - len(typed) : end] == typed]
    end = ends[-1] if ends else len(arguments)
    return [*arguments[:end], *overrides, *arguments[end:]]


def is_of_command(config: DictConfig, arguments: Sequence[str] | None = None) -> bool:
    """Whether a sweep was typed, so that this process's command begins it again; a function may have begun it."""
    typed = sys.argv[1:] if arguments is None else arguments
    given = OmegaConf.to_container(config.hydra.overrides, resolve=False)
    assert isinstance(given, dict)
    return {*given["hydra"], *given["task"]} <= {*typed, "hydra.mode=MULTIRUN"}


def _overrides(arguments: list[str]) -> list[str]:
    """Return the overrides among a command's arguments; none if they are no arguments of Hydra's."""
    with suppress(SystemExit), redirect_stderr(StringIO()):
        overrides: list[str] = get_args_parser().parse_known_args(arguments)[0].overrides
        return overrides
    return []


def _script() -> list[str]:
    """Return what stands between the interpreter and the script's own arguments: its path, or -m and a module."""
    return sys.orig_argv[1 : len(sys.orig_argv) - len(sys.argv[1:])]
