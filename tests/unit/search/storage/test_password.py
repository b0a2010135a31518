"""A storage's password: refused on the command line, taken out of configs and messages."""

from __future__ import annotations

import re
from typing import Any

import pytest
from omegaconf import DictConfig, OmegaConf

from tunesmith.errors import UserError
from tunesmith.search.storage.password import (
    PASSWORD,
    hide_password,
    redact,
    refuse_typed_password,
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
    assert redact(url) == shown


def test_the_variables_password_takes_the_place_of_the_asterisks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD, "secret")
    assert with_password(SHOWN) == URL


def test_odd_characters_arrive_at_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD, "p@{x}/")
    assert with_password("mysql://user:***@host/name") == "mysql://user:p%40%7Bx%7D%2F@host/name"


def test_a_url_of_the_users_own_stays_as_it_is() -> None:
    assert with_password("mysql://user@host/name") == "mysql://user@host/name"


def test_asterisks_without_a_password_are_a_users_mistake() -> None:
    with pytest.raises(
        UserError, match=r"storage has \*\*\* for its password: set the variable TUNESMITH_STORAGE_PASSWORD; got"
    ):
        with_password(SHOWN)


def config_of(storage: str | None, **keys: Any) -> DictConfig:
    return OmegaConf.create({"hydra": {"sweeper": {"storage": storage}}, **keys})


AT = "@host/studies"
DRIVER = "postgresql+psycopg://"


@pytest.mark.parametrize(
    ("typed", "config"),
    [
        pytest.param([f"hydra.sweeper.storage='{URL}'"], config_of(URL), id="as it is"),
        pytest.param([f'++hydra.sweeper={{storage: "{URL}"}}'], config_of(URL), id="in a dict"),
        pytest.param([f"+db={URL}"], config_of("${db}", db=URL), id="through another key"),
        pytest.param(
            [f"hydra.sweeper.storage={DRIVER}${{user}}:secret{AT}"],
            config_of(f"{DRIVER}${{user}}:secret{AT}", user="bob"),
            id="with a user of another key",
        ),
        pytest.param(
            [f"hydra.sweeper.storage={DRIVER}u:se\\,cret{AT}"], config_of(f"{DRIVER}u:se,cret{AT}"), id="escaped"
        ),
        pytest.param(
            [f"hydra.sweeper.storage={DRIVER}u:p@s{AT}"], config_of(f"{DRIVER}u:p@s{AT}"), id="that should be quoted"
        ),
        pytest.param(
            ["+db.password='secret'", f"hydra.sweeper.storage={DRIVER}u:${{db.password}}{AT}"],
            config_of(f"{DRIVER}u:${{db.password}}{AT}", db={"password": "secret"}),
            id="in a key of its own",
        ),
        pytest.param(
            ["+pw=secret"],
            config_of("${db}", db=f"{DRIVER}u:${{pw}}{AT}", pw="secret"),
            id="in a key behind another one",
        ),
    ],
)
def test_a_typed_password_is_refused_in_one_line_that_does_not_show_it(
    monkeypatch: pytest.MonkeyPatch, typed: list[str], config: DictConfig
) -> None:
    monkeypatch.setattr("sys.argv", ["app.py", "-m", "x=1,2", *typed])
    with pytest.raises(UserError) as refused:
        refuse_typed_password(config)
    message = str(refused.value)
    assert message.startswith("hydra.sweeper.storage must have no password on the command line, which others can see; ")
    assert re.search(r"got 'postgresql\+psycopg://\w+:\*\*\*@host/studies'", message)
    for way in ("TUNESMITH_STORAGE", "oc.env", "PGPASSWORD"):
        assert way in message
    for password in ("secret", "se,cret", "p@s"):
        assert password not in message


@pytest.mark.parametrize(
    ("storage", "typed"),
    [
        pytest.param(None, "x=1", id="no storage"),
        pytest.param("sqlite:///a.db", "hydra.sweeper.storage=sqlite:///a.db", id="a file"),
        pytest.param("mysql://user@host/name", "hydra.sweeper.storage=mysql://user@host/name", id="no password"),
        pytest.param(SHOWN, f"hydra.sweeper.storage={SHOWN}", id="asterisks"),
        pytest.param(URL, "hydra.sweeper.storage=${oc.env:URL}", id="from the environment"),
        pytest.param(URL, "bucket=s3://key:other@bucket", id="another URL's password"),
        pytest.param(URL, "name=secret", id="the same word in a key that the URL is not made from"),
    ],
)
def test_what_shows_no_password_may_be_typed(monkeypatch: pytest.MonkeyPatch, storage: str | None, typed: str) -> None:
    monkeypatch.setattr("sys.argv", ["app.py", "-m", typed])
    refuse_typed_password(config_of(storage))


def test_a_config_loses_it_in_a_key_that_holds_the_password_alone() -> None:
    config = config_of(f"{DRIVER}bob:${{db.password}}{AT}", db={"password": "secret"}, name="secret")
    hide_password(config)
    assert config == config_of(f"{DRIVER}bob:***{AT}", db={"password": "***"}, name="secret")


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
