"""A storage's password: out of config, overrides and command, into the environment."""

from __future__ import annotations

import sys

import pytest
from omegaconf import OmegaConf

from tunesmith.errors import UserError
from tunesmith.search.storage.password import (
    PASSWORD,
    hide_password,
    redacted,
    take_password,
    with_password,
)

URL = "postgresql+psycopg://user:secret@host/studies"
SHOWN = "postgresql+psycopg://user:***@host/studies"


@pytest.fixture(autouse=True)
def _no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD, "")  # so that it is put back after the test, whatever the test does
    monkeypatch.delenv(PASSWORD)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        pytest.param("mysql://user:secret@host/name", "mysql://user:***@host/name", id="a password"),
        pytest.param("mysql://user:sec/re:t@host/name", "mysql://user:***@host/name", id="with slash and colon"),
        pytest.param("mysql://user:sec@ret@host/name", "mysql://user:***@host/name", id="with an @"),
        pytest.param("mysql://me@srv:secret@host/name", "mysql://me@srv:***@host/name", id="a user with an @"),
        pytest.param("got 'a=mysql://me:p=s,x@h/d'", "got 'a=mysql://me:***@h/d'", id="within a message"),
        pytest.param("mysql://:secret@host/name", "mysql://:***@host/name", id="nobody's"),
        pytest.param("mysql://user@host:5432/name", "mysql://user@host:5432/name", id="none to hide"),
        pytest.param("mysql://host:5432/name", "mysql://host:5432/name", id="a port"),
        pytest.param("sqlite:///a b.db", "sqlite:///a b.db", id="a file"),
        pytest.param("no url", "no url", id="no url"),
    ],
)
def test_redacted(url: str, shown: str) -> None:
    assert redacted(url) == shown


def test_the_password_goes_into_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert take_password(URL) == SHOWN
    assert with_password(SHOWN) == URL


@pytest.mark.parametrize("url", [None, "sqlite:///a.db", "mysql://user@host/name", "no url", SHOWN], ids=str)
def test_where_there_is_none_nothing_happens(url: str | None) -> None:
    import os

    assert take_password(url) == url
    assert PASSWORD not in os.environ


def test_odd_characters_arrive_at_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    take_password("mysql://user:p%40{x}%2F@host/name")
    assert with_password("mysql://user:***@host/name") == "mysql://user:p%40%7Bx%7D%2F@host/name"


def test_a_password_that_should_have_been_quoted_is_taken_whole() -> None:
    take_password("mysql://user:p@s@host/name")
    assert with_password("mysql://user:***@host/name") == "mysql://user:p%40s@host/name"


def test_a_url_of_the_users_own_stays_as_it_is() -> None:
    assert with_password("mysql://user@host/name") == "mysql://user@host/name"


def test_asterisks_without_a_password_are_a_users_mistake() -> None:
    with pytest.raises(UserError, match=r"password in place of \*\*\*, or in the variable TUNESMITH_STORAGE_PASSWORD"):
        with_password(SHOWN)


def test_a_typed_password_starts_the_process_anew_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Started(Exception):
        pass

    def execv(program: str, command: list[str]) -> None:
        raise Started(program, command)

    monkeypatch.setattr("os.execv", execv)
    typed = [f"hydra.sweeper.storage='{URL}'", f'++hydra.sweeper={{storage: "{URL}"}}', f"db={URL}", "x=1,2"]
    other = "storage_bucket=s3://key:secret@bucket"
    monkeypatch.setattr("sys.orig_argv", ["python", "-u", "a b.py", "-m", *typed, other])
    with pytest.raises(Started) as started:
        take_password(URL)
    command = [sys.executable, "-u", "a b.py", "-m", *(text.replace(URL, SHOWN) for text in typed), other]
    assert started.value.args == (sys.executable, command)


def test_a_config_loses_it_in_its_key_and_in_its_overrides() -> None:
    overrides = {"hydra": [f"hydra.sweeper.storage={URL}", "hydra.verbose=1"], "task": []}
    hydra = {"sweeper": {"storage": URL}, "overrides": overrides}
    config = OmegaConf.create({"hydra": hydra})
    OmegaConf.set_struct(config, True)
    hide_password(config)
    assert config.hydra.sweeper.storage == SHOWN
    assert config.hydra.overrides.hydra == [f"hydra.sweeper.storage={SHOWN}", "hydra.verbose=1"]


def test_a_config_that_takes_it_from_the_environment_loses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIES", URL)
    config = OmegaConf.create({"hydra": {"sweeper": {"storage": "${oc.env:STUDIES}"}, "overrides": {"hydra": []}}})
    hide_password(config)
    assert "secret" not in OmegaConf.to_yaml(config, resolve=True)


def test_a_config_loses_it_in_the_keys_that_the_url_came_from() -> None:
    hydra = {"sweeper": {"storage": "${db.url}"}, "overrides": {"hydra": [], "task": [f"db.url={URL}"]}}
    config = OmegaConf.create(
        {"db": {"url": URL, "all": [URL, "s3://a:b@c"], "none": None}, "x": "???", "hydra": hydra}
    )
    hide_password(config)
    assert "secret" not in OmegaConf.to_yaml(config)
    assert config.db["all"] == [SHOWN, "s3://a:b@c"]
    assert config.hydra.sweeper.storage == SHOWN
