"""A user's mistake becomes one line; a bug keeps its traceback."""

from __future__ import annotations

import io
import os
import re
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import hydra
from hydra.errors import HydraException, InstantiationException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import (
    ConfigAttributeError,
    ConfigKeyError,
    InterpolationResolutionError,
    MissingMandatoryValue,
    OmegaConfBaseException,
)

from tunesmith.errors import RunFailed, UserError, closest, mistake_in, text_of, without_key
from tunesmith.search.storage.password import redact

EXIT_INTERRUPTED = 130
NO_JOB = "HydraConfig was not set"  # what Hydra says of ${hydra:...} outside of a job


@contextmanager
def exit_on_error() -> Iterator[None]:
    """Exit with one line for what a user can mend, with the traceback for a bug, with 130 for Ctrl-C.

    What the console's encoding cannot hold is printed as an escape.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:  # the reader of a pipe, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if is_mendable(error):
            sys.exit(line(error))
        traceback.print_exception((isinstance(error, InstantiationException) and error.__cause__) or error)
        sys.exit(1)


def is_mendable(error: Exception) -> bool:
    """Whether a user can fix the error: an error of ours, or one that Hydra raised while composing."""
    if isinstance(error, UserError | RunFailed | OmegaConfBaseException):
        return True
    if isinstance(error, InstantiationException):
        return str(error).startswith("Error locating target")
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return isinstance(error, HydraException) or Path(hydra.__file__).parent in Path(frame.f_code.co_filename).parents


def line(error: BaseException) -> str:
    return f"error: {redact(explain(error))}"  # a storage's URL may be what was mistyped


def explain(error: BaseException, overrides: Sequence[str] | None = None) -> str:
    """Say what Hydra's errors leave out: what was typed, and the keys or choices that there are.

    overrides: None means the arguments of this process's command.
    """
    mistake = mistake_in(error) if isinstance(error, OmegaConfBaseException) else None
    if mistake is not None:  # what a resolver of ours refused
        return str(mistake)
    if isinstance(error, OverrideParseException):
        message = " ".join(error.message.split()).partition(" See http")[0]
        return f"{error.override.partition('=')[0]}: must be an override; got '{error.override}': {message}"
    for cause in _causes(error):
        if isinstance(cause, MissingMandatoryValue) and cause.full_key:
            return f"{cause.full_key} must be given: add {cause.full_key}=VALUE"
        if isinstance(cause, ConfigAttributeError | ConfigKeyError) and cause.full_key:
            return _no_such_key(cause, sys.argv[1:] if overrides is None else overrides)
        if isinstance(cause, MissingConfigException) and cause.missing_cfg_file and cause.options is not None:
            group, _, choice = cause.missing_cfg_file.rpartition("/")
            return f"{group}: there is no such choice; got '{choice}'{closest(choice, cause.options)}"
        if isinstance(cause, InterpolationResolutionError):
            return _unresolved(cause, sys.argv[1:] if overrides is None else overrides)
    return ": ".join(text for cause in _causes(error) if (text := text_of(cause)))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _unresolved(error: InterpolationResolutionError, overrides: Sequence[str]) -> str:
    """Name the key of an interpolation that has no value; OmegaConf does not always, and then it may be a typed one."""
    reason = without_key(error)
    missing = re.search("'(.+)'", reason)
    sign = "${hydra:" if NO_JOB in reason else missing[1] if missing else "${"
    typed = [text for text in overrides if "${" in text and sign in text]
    key = error.full_key or " or ".join(text.partition("=")[0] for text in typed)
    if NO_JOB in reason:
        reason = f"{sign}...}} has a value inside a job alone, and this value is read before; got {', '.join(typed)}"
    return f"{key}: {reason}" if key else reason


def _no_such_key(error: ConfigAttributeError | ConfigKeyError, overrides: Sequence[str]) -> str:
    prefix, dot, name = str(error.full_key).rpartition(".")
    parent = error.parent_node
    siblings = [f"{prefix}{dot}{key}" for key in parent or () if not str(key).startswith("_") and key != "hydra"]
    typed = next((text for text in overrides if text.lstrip("+~").startswith(str(error.full_key))), error.full_key)
    deeper = [] if prefix else _keys_named(name, parent)
    hint = f"; did you mean {' or '.join(deeper)}?" if deeper else closest(f"{prefix}{dot}{name}", siblings)
    return f"{error.full_key}: there is no such key; got '{typed}'{hint}"


def _keys_named(name: str, cfg: object) -> list[str]:
    """Return the keys of this name inside a config's groups, else the sweeper's: optimizer.lr for lr."""
    if not isinstance(cfg, DictConfig):
        return []
    plain = [
        key for key in map(str, cfg) if not OmegaConf.is_interpolation(cfg, key) and not OmegaConf.is_missing(cfg, key)
    ]
    nodes = [key for key in plain if isinstance(cfg[key], DictConfig)] + ["hydra.sweeper"]
    found = [node for node in nodes if name in (OmegaConf.select(cfg, node, default=None) or ())]
    return [f"{node}.{name}" for node in found if node != "hydra.sweeper" or len(found) == 1]
