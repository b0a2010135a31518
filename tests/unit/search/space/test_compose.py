"""A trial's config: the same as Hydra's own whole composition, signed, without a password."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hydra import initialize_config_dir
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict

from tunesmith.search.space.compose import Composer
from tunesmith.search.space.space import parse_space

FILES = {
    "main.yaml": """
        defaults: [_self_, {model: small}, {override hydra/sweeper: tunesmith}]
        lr: 0.1
        name: ${model.kind}-${lr}
        note: null
        layers: [1]
        hydra:
          sweep: {dir: sweeps}
          job: {config: {override_dirname: {exclude_keys: [name], item_sep: ;}}}
    """,
    "model/small.yaml": "{kind: small, units: 1, dropout: 0.0}",
    "model/large.yaml": "{kind: large, units: 9}",
}
URL = "postgresql+psycopg://user:secret@host/studies"


@pytest.fixture(scope="module")
def loader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConfigLoader]:
    """Hydra's own loader of a small app."""
    folder = tmp_path_factory.mktemp("conf")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        OmegaConf.save(OmegaConf.create(text), folder / name)
    with initialize_config_dir(str(folder), version_base="1.3"):
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        yield hydra.config_loader


def master_of(loader: ConfigLoader, typed: list[str]) -> DictConfig:
    return loader.load_configuration("main", typed, run_mode=RunMode.MULTIRUN)


def composer(loader: ConfigLoader, *typed: str) -> Composer:
    space = parse_space({}, [text for text in typed if not text.startswith("hydra")])
    return Composer(loader, master_of(loader, list(typed)), space)


SWEEPS: dict[str, tuple[list[str], dict[str, Any]]] = {
    "a value": (["lr=interval(0,1)"], {"lr": 0.5}),
    "a choice of a group": (["model=small,large"], {"model": "large"}),
    "a value of the chosen group": (["model=small,large", "model.units=1,2"], {"model.units": 2, "model": "large"}),
    "a choice of a group in a package": (["+model@teacher=small,large"], {"+model@teacher": "large"}),
    "a fixed choice": (["model=large", "model.units=1,2"], {"model.units": 2}),
    "a fixed value": (["lr=3", "name=left_out", "model=small,large"], {"model": "large"}),
    "a key that is new": (["+model.depth=1,2"], {"+model.depth": 2}),
    "a key that may be new": (["++lr=1,2"], {"++lr": 2}),
    "a deletion": (["~model.dropout", "lr=1,2"], {"lr": 2}),
    "a quoted text": (["note='a b','x,y'"], {"note": "x,y"}),
    "null": (["lr=null,1"], {"lr": None}),
    "a list": (["layers=[1,2],[3]"], {"layers": "[1,2]"}),
    "nothing": ([], {}),
}


@pytest.mark.parametrize(("typed", "params"), SWEEPS.values(), ids=SWEEPS)
def test_a_trials_config_is_hydras_own_but_for_its_signature(
    loader: ConfigLoader, typed: list[str], params: dict[str, Any]
) -> None:
    master, space = master_of(loader, typed), parse_space({}, typed)
    whole = loader.load_sweep_config(master, [*space.fixed, *space.overrides(params)])
    with open_dict(whole):
        whole.hydra.job.id, whole.hydra.job.num, whole.hydra.sweep.subdir = "7", 7, "3"
        whole.hydra.job_logging.handlers.console.level = "WARNING"
    config = Composer(loader, master, space).compose(params, number=7, folder="3")
    assert OmegaConf.to_container(config) == OmegaConf.to_container(whole)  # ${now:} is not resolved


def test_a_trials_values_do_not_reach_the_next(loader: ConfigLoader) -> None:
    sweep = composer(loader, "+model.depth=1,2", "lr=1,2")
    before = OmegaConf.to_container(sweep.compose({"lr": 1}, number=0, folder="0"))
    sweep.compose({"lr": 2, "+model.depth": 2}, number=1, folder="1")
    assert OmegaConf.to_container(sweep.compose({"lr": 1}, number=0, folder="0")) == before


@pytest.mark.parametrize(
    ("params", "message"),
    [
        pytest.param({"lrr": 1}, "lrr", id="no such key"),
        pytest.param({"model": "huge"}, "model/huge", id="no such choice"),
    ],
)
def test_what_is_not_there_is_hydras_error(loader: ConfigLoader, params: dict[str, Any], message: str) -> None:
    with pytest.raises(HydraException, match=message):
        composer(loader).compose(params, number=0, folder="0")


@pytest.mark.parametrize(
    ("key", "is_group"),
    [("model", True), ("+model", True), ("~model", True), ("lr", False), ("model.units", False), ("nothing", False)],
    ids=str,
)
def test_a_group_is_told_from_a_value(loader: ConfigLoader, key: str, is_group: bool) -> None:
    assert composer(loader).is_group(key) is is_group


def test_a_storages_password_is_not_in_a_trials_config(loader: ConfigLoader) -> None:
    config = composer(loader, f"hydra.sweeper.storage='{URL}'").compose({}, number=0, folder="0")
    assert "secret" not in OmegaConf.to_yaml(config)
    assert config.hydra.sweeper.storage == "postgresql+psycopg://user:***@host/studies"


@pytest.mark.parametrize(
    ("typed", "level"),
    [pytest.param([], "WARNING", id="quiet"), pytest.param(["hydra.verbose=true"], None, id="verbose")],
)
def test_the_console_shows_warnings_alone(loader: ConfigLoader, typed: list[str], level: str | None) -> None:
    config = composer(loader, *typed).compose({}, number=0, folder="0")
    assert config.hydra.job_logging.handlers.console.get("level") == level
