"""A storage's password: refused on the command line, taken out of configs and messages."""

from __future__ import annotations

import pytest
from omegaconf import OmegaConf

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
    with pytest.raises(UserError, match=r"password in place of \*\*\*, or in the variable TUNESMITH_STORAGE_PASSWORD"):
        with_password(SHOWN)


TYPED = [
    f"hydra.sweeper.storage='{URL}'",
    f'++hydra.sweeper={{storage: "{URL}"}}',
    f"db={URL}",
    f"hydra.sweeper.storage={URL.replace('secret', 'p@s')}",
]


@pytest.mark.parametrize("typed", TYPED)
def test_a_typed_password_is_refused_in_one_line_that_does_not_show_it(
    monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    monkeypatch.setattr("sys.argv", ["app.py", "-m", "x=1,2", typed])
    url = URL.replace("secret", "p@s") if "p@s" in typed else URL
    with pytest.raises(UserError) as refused:
        refuse_typed_password(url)
    message = str(refused.value)
    assert message.startswith("hydra.sweeper.storage must have no password on the command line, which others can see; ")
    assert f"got '{SHOWN}'" in message
    assert "TUNESMITH_STORAGE" in message
    assert "oc.env" in message
    assert "PGPASSWORD" in message
    assert "secret" not in message
    assert "p@s" not in message


@pytest.mark.parametrize(
    ("url", "typed"),
    [
        pytest.param(None, "x=1", id="no storage"),
        pytest.param("sqlite:///a.db", "hydra.sweeper.storage=sqlite:///a.db", id="a file"),
        pytest.param("mysql://user@host/name", "hydra.sweeper.storage=mysql://user@host/name", id="no password"),
        pytest.param(SHOWN, f"hydra.sweeper.storage={SHOWN}", id="asterisks"),
        pytest.param(URL, "hydra.sweeper.storage=${oc.env:URL}", id="from the environment"),
        pytest.param(URL, "bucket=s3://key:secret@bucket", id="another URL's password"),
    ],
)
def test_what_shows_no_password_may_be_typed(monkeypatch: pytest.MonkeyPatch, url: str | None, typed: str) -> None:
    monkeypatch.setattr("sys.argv", ["app.py", "-m", typed])
    refuse_typed_password(url)


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
