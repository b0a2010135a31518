"""The password of a study's database: refused on a command line, shown nowhere, written nowhere."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from omegaconf import DictConfig, OmegaConf, open_dict

from tunesmith.errors import UserError

# Variable that holds the password which a URL has *** for.
PASSWORD = "TUNESMITH_STORAGE_PASSWORD"
# Variable that holds a whole URL, the default of hydra.sweeper.storage.
STORAGE = "TUNESMITH_STORAGE"
_KEY = "hydra.sweeper.storage"
_INTERPOLATION = re.compile(r"\$\{([\w.]+)\}")
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


def refuse_typed_password(config: DictConfig) -> None:
    """Raise UserError if the password of a storage's URL was typed: other users can see a command line."""
    url = OmegaConf.select(config, _KEY)
    secret = _secret(url)
    if secret is None or secret.password == HIDDEN:
        return
    keys = _source_keys(config)
    if any(_shows(argument, secret, keys) for argument in sys.argv):
        raise UserError(
            f"{_KEY} must have no password on the command line, which others can see; "
            f"got '{secret.hidden_in(url)}'; options: the URL in the variable {STORAGE}, "
            "'${oc.env:NAME}', the password in PGPASSWORD or ~/.pgpass"
        )


def _shows(argument: str, secret: _Secret, keys: Collection[str]) -> bool:
    """Whether an argument holds the password, in a URL or as the value of a key that the URL is made from."""
    plain = argument.replace("\\", "")  # Hydra's escapes
    if f":{secret.written}@" in plain:
        return True
    key, _, value = plain.lstrip("+").partition("=")
    return key in keys and value.strip("'\"") in (secret.written, secret.password)


def _source_keys(config: DictConfig) -> set[str]:
    """Return the keys that the storage's URL is made from: those of its interpolations, and so on."""
    keys: set[str] = set()
    new = {_KEY}
    while new:
        keys |= new
        texts = [value for key in new if isinstance(value := _unresolved(config, key), str)]
        new = {key for text in texts for key in _INTERPOLATION.findall(text)} - keys
    return keys - {_KEY}


def _unresolved(config: DictConfig, key: str) -> Any:
    """Return the value of a key as it was written, None if the key is not there."""
    parent, _, name = key.rpartition(".")
    node = OmegaConf.select(config, parent) if parent else config
    if not isinstance(node, DictConfig):
        return None
    plain = OmegaConf.to_container(node, resolve=False, throw_on_missing=False)
    return plain.get(name) if isinstance(plain, dict) else None


def with_password(url: str) -> str:
    """Return a URL with its password, as a driver needs it; raises UserError if nothing is set for its ***."""
    secret = _secret(url)
    if secret is None or secret.password != HIDDEN:
        return url
    if PASSWORD not in os.environ:
        raise UserError(f"hydra.sweeper.storage has *** for its password: set the variable {PASSWORD}; got '{url}'")
    from sqlalchemy.engine import make_url  # a tenth of a second that a plain run need not spend

    return make_url(url).set(password=os.environ[PASSWORD]).render_as_string(hide_password=False)


def redact(text: str) -> str:
    """Return a text without the passwords of the URLs in it."""
    return _IN_A_TEXT.sub(rf"\g<user>:{HIDDEN}@", text)


def hide_password(config: DictConfig) -> None:
    """Take a storage's password out of a config that is going to be written, in every key that holds the URL."""
    url = OmegaConf.select(config, _KEY)
    secret = _secret(url)
    if secret is None or secret.password == HIDDEN:
        return
    with open_dict(config):
        for key in _source_keys(config):
            if _unresolved(config, key) in (secret.written, secret.password):
                OmegaConf.update(config, key, HIDDEN)
        _hide(config, secret)
        config.hydra.sweeper.storage = secret.hidden_in(url)


def _hide(node: Any, secret: _Secret) -> None:
    plain = OmegaConf.to_container(node, resolve=False, throw_on_missing=False)
    for key, value in plain.items() if isinstance(plain, dict) else enumerate(plain or ()):
        if isinstance(value, dict | list):
            _hide(node._get_node(key), secret)
        elif isinstance(value, str) and secret.hidden_in(value) != value:
            node[key] = secret.hidden_in(value)


def _secret(url: Any) -> _Secret | None:
    """Return what a URL has to hide, None if it is no URL or has no password."""
    match = _IN_A_URL.search(url) if isinstance(url, str) else None
    if match is None or not _has_password(url):
        return None
    return _Secret(match["user"], match["password"])


def _has_password(url: str) -> bool:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(url).password is not None
    except (ArgumentError, ValueError):  # check_url says what is wrong with it
        return True
