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
from typing import cast

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, InstantiationException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import (
    ConfigAttributeError,
    ConfigKeyError,
    InterpolationResolutionError,
    MissingMandatoryValue,
    OmegaConfBaseException,
)

from tunesmith.config.folder import CONF
from tunesmith.config.meant_keys import hint_below, hint_of, keys_of_name
from tunesmith.config.unreadable_yaml import explain_unreadable, file_being_read
from tunesmith.errors import RunFailed, UserError, closest, mistake_in, text_of, without_key
from tunesmith.machine_faults import find_machine_fault, leave_full_streams
from tunesmith.mistakes.override_errors import explain_composing, explain_file, explain_override
from tunesmith.search.storage.password import redact
from tunesmith.short_traceback import format_short

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
        if (fault := find_machine_fault(error, _run_folder())) is not None:
            leave_full_streams()
            sys.exit(line(fault) + ("" if "resume it with" in str(fault) else "; the same command goes on then"))
        if is_mendable(error):
            sys.exit(line(error))
        bug = error.__cause__ if isinstance(error, InstantiationException) else None
        print(format_short(bug or error), end="", file=sys.stderr)
        sys.exit(1)


def _run_folder() -> Path | None:
    """Return the folder of the run that this process has begun."""
    config = HydraConfig.instance().cfg
    folder = None if config is None else OmegaConf.select(cast(DictConfig, config), "hydra.runtime.output_dir")
    return None if folder is None else Path(folder)


def is_mendable(error: Exception) -> bool:
    """Whether a user can fix the error: an error of ours, or one that Hydra raised while composing."""
    if isinstance(error, UserError | RunFailed | OmegaConfBaseException):
        return True
    if isinstance(error, InstantiationException):
        return str(error).startswith("Error locating target")
    if file_being_read(error) is not None:
        return True
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
    typed = sys.argv[1:] if overrides is None else overrides
    if isinstance(error, OverrideParseException):
        return explain_override(error, typed)
    for cause in _causes(error):
        file = file_being_read(cause)
        if file is not None:
            return explain_unreadable(cause, file)
        if isinstance(cause, MissingMandatoryValue) and cause.full_key:
            return f"{cause.full_key} must be given: add {cause.full_key}=VALUE"
        if isinstance(cause, ConfigAttributeError | ConfigKeyError) and cause.full_key:
            return _no_such_key(cause, typed)
        if isinstance(cause, MissingConfigException) and cause.missing_cfg_file and cause.options is not None:
            group, _, choice = cause.missing_cfg_file.rpartition("/")
            return explain_file(group, choice) or (
                f"{group}: there is no such choice; got '{choice}'{closest(choice, cause.options)}"
            )
        if isinstance(cause, InterpolationResolutionError):
            return _unresolved(cause, typed)
    message = ": ".join(text for cause in _causes(error) if (text := text_of(cause)))
    return explain_composing(message, typed, CONF) or message


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
    prefix, _, name = str(error.full_key).rpartition(".")
    parent = error.parent_node
    siblings = [str(key) for key in parent or () if not str(key).startswith("_") and key != "hydra"]
    typed = next((text for text in overrides if text.lstrip("+~").startswith(str(error.full_key))), error.full_key)
    if prefix:
        return f"{error.full_key}: there is no such key; got '{typed}'{_hint_below(parent, prefix, name, typed)}"
    last = re.split("[./]", str(typed).partition("=")[0])[-1]  # train.epochs=3: Hydra stops at train
    hint = hint_of(parent, last) or hint_of(parent, name) or closest(name, siblings)
    return f"{error.full_key}: there is no such key; got '{typed}'{hint}"


def _hint_below(parent: object, prefix: str, name: str, typed: object) -> str:
    """Say what was meant by a name below a node, or how an argument that the node's file leaves out is given."""
    names = [str(key) for key in parent if not str(key).startswith("_")] if isinstance(parent, DictConfig) else []
    hint, is_known = hint_below(prefix, name, names)
    if prefix == "hydra" and (deeper := keys_of_name(parent, name, "hydra.")):
        return f"; did you mean {' or '.join(deeper)}?{hint}"
    if is_known or not isinstance(parent, DictConfig) or "_target_" not in parent:
        return hint if names else ""
    elsewhere = keys_of_name(parent._get_root(), name)
    meant = f"; did you mean {' or '.join(elsewhere)}?" if elsewhere else ""
    return f"{meant}; an argument that its file leaves out takes a plus: +{str(typed).lstrip('+~')}{hint}"
