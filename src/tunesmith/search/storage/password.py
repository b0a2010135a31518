"""The password of a study's database: refused on a command line, shown nowhere, written nowhere."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from omegaconf import DictConfig, OmegaConf, open_dict

from tunesmith.errors import UserError

# Variable that holds the password which a URL has *** for.
PASSWORD = "TUNESMITH_STORAGE_PASSWORD"
# Variable that holds a whole URL, the default of hydra.sweeper.storage.
STORAGE = "TUNESMITH_STORAGE"
# Stands for a hidden password; SQLAlchemy hides passwords like this too.
HIDDEN = "***"
# Up to the last @ before the host, so that a password that should have been quoted is hidden whole.
_IN_A_URL = re.compile(r"(?<=://)(?P<user>[^:/]*):(?P<password>[^@]*(?:@[^@\s/'\",]*)*)@")
# The same in the middle of a text.
_IN_A_TEXT = re.compile(r"(?<=://)(?P<user>[^:/\s'\"]*):[^@\s]*(?:@[^@\s/'\",]*)*@")


@dataclass(frozen=True)
class _Secret:
    """The part of a URL that holds user and password, as it was written."""

    user: str
    written: str

    @property
    def password(self) -> str:
        return unquote(self.written)

    def hidden_in(self, text: str) -> str:
        """Return a text without this password; other URLs in it stay as they are."""
        return text.replace(f"://{self.user}:{self.written}@", f"://{self.user}:{HIDDEN}@")


def refuse_typed_password(url: str | None) -> None:
    """Raise UserError if the password of a storage's URL was typed: other users can see a command line."""
    secret = _secret(url)
    if secret is None or secret.password == HIDDEN:
        return
    if any(secret.hidden_in(argument) != argument for argument in sys.argv):
        raise UserError(
            "hydra.sweeper.storage must have no password on the command line, which others can see; "
            f"got '{secret.hidden_in(str(url))}'; options: the URL in the variable {STORAGE}, "
            "'${oc.env:NAME}', the password in PGPASSWORD or ~/.pgpass"
        )


def with_password(url: str) -> str:
    """Return a URL with its password, as a driver needs it; raises UserError if nothing is set for its ***."""
    secret = _secret(url)
    if secret is None or secret.password != HIDDEN:
        return url
    if PASSWORD not in os.environ:
        raise UserError(
            f"hydra.sweeper.storage must have its password in place of ***, or in the variable {PASSWORD}; got '{url}'"
        )
    from sqlalchemy.engine import make_url  # a tenth of a second that a plain run need not spend

    return make_url(url).set(password=os.environ[PASSWORD]).render_as_string(hide_password=False)


def redact(text: str) -> str:
    """Return a text without the passwords of the URLs in it."""
    return _IN_A_TEXT.sub(rf"\g<user>:{HIDDEN}@", text)


def hide_password(config: DictConfig) -> None:
    """Take a storage's password out of a config that is going to be written, in every key that holds the URL."""
    url = OmegaConf.select(config, "hydra.sweeper.storage")
    secret = _secret(url) if isinstance(url, str) else None
    if secret is None or secret.password == HIDDEN:
        return
    with open_dict(config):
        _hide(config, secret)
        config.hydra.sweeper.storage = secret.hidden_in(url)


def _hide(node: Any, secret: _Secret) -> None:
    plain = OmegaConf.to_container(node, resolve=False, throw_on_missing=False)
    for key, value in plain.items() if isinstance(plain, dict) else enumerate(plain or ()):
        if isinstance(value, dict | list):
            _hide(node._get_node(key), secret)
        elif isinstance(value, str) and secret.hidden_in(value) != value:
            node[key] = secret.hidden_in(value)


def _secret(url: str | None) -> _Secret | None:
    """Return what a URL has to hide, None if it is no URL or has no password."""
    match = _IN_A_URL.search(url or "")
    if match is None or not _has_password(str(url)):
        return None
    return _Secret(match["user"], match["password"])


def _has_password(url: str) -> bool:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(url).password is not None
    except (ArgumentError, ValueError):  # check_url says what is wrong with it
        return True
