"""The password of a study's database: from a sweep's start on it is in the environment and nowhere else."""

from __future__ import annotations

import os
import re
import sys
from urllib.parse import unquote

from omegaconf import DictConfig, OmegaConf, open_dict

from tunesmith.errors import UserError

# In the environment of a sweep, its workers and their trials.
PASSWORD = "TUNESMITH_STORAGE_PASSWORD"
# Where it was; SQLAlchemy hides passwords like this too.
HIDDEN = "***"
# Up to the last @ of the place, so that a password that should have been quoted is hidden whole.
_IN_A_URL = re.compile(r"(?<=://)(?P<user>[^:/@]*):(?P<password>[^@]*(?:@[^@\s/'\",]*)*)@")


def take_password(url: str | None) -> str | None:
    """Put the password of a storage's URL into the environment; return the URL with *** in its place.

    A command line is seen by everybody on the machine: where the password was typed, this process starts anew
    without it and does not return.
    """
    password = _password(url)
    if url is None or password in (None, HIDDEN):
        return url
    os.environ[PASSWORD] = str(password)
    command = [redacted_override(argument) for argument in sys.orig_argv]
    if command != sys.orig_argv:
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, *command[1:]])
    return redacted(url)


def with_password(url: str) -> str:
    """Return a URL with its password, as a driver needs it; raises UserError where there is none for the ***."""
    if _password(url) != HIDDEN:
        return url
    if PASSWORD not in os.environ:
        raise UserError(
            f"hydra.sweeper.storage must have its password in place of ***, or in the variable {PASSWORD}; got '{url}'"
        )
    from sqlalchemy.engine import make_url  # a tenth of a second that a plain run need not spend

    return make_url(url).set(password=os.environ[PASSWORD]).render_as_string(hide_password=False)


def redacted(url: str) -> str:
    """Return a storage's URL without its password."""
    return _IN_A_URL.sub(rf"\g<user>:{HIDDEN}@", url)


def redacted_override(argument: str) -> str:
    """Return an argument of a command without a storage's password."""
    return redacted(argument) if "storage" in argument else argument


def hide_password(config: DictConfig) -> None:
    """Take a storage's password out of a config that is going to be written."""
    url = OmegaConf.select(config, "hydra.sweeper.storage")
    if not isinstance(url, str):
        return
    with open_dict(config):
        config.hydra.sweeper.storage = redacted(url)
        config.hydra.overrides.hydra = [redacted_override(str(text)) for text in config.hydra.overrides.hydra]


def _password(url: str | None) -> str | None:
    match = _IN_A_URL.search(url or "")
    return unquote(match["password"]) if match else None
