"""A trial's config: Hydra's own whole composition, signed, without a password and the plan of its search."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import make_dataclass
from typing import Any

import pytest
from hydra import initialize_config_dir
from hydra.core.config_loader import ConfigLoader
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict

from tunesmith.errors import UserError
from tunesmith.search.space.compose import Composer
from tunesmith.search.space.space import parse_space

FILES = {
    "main.yaml": """
        defaults: [_self_, {model: small}, {file: null}, {experiment: null}, {override hydra/sweeper: tunesmith}]
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
    "experiment/plain.yaml": "{lr: 3}",
    "experiment/trials.yaml": "{hydra: {sweeper: {n_trials: 3}}}",
    "experiment/space.yaml": "{hydra: {sweeper: {params: {lr: 'interval(0,1)'}}}}",
    "experiment/sampler.yaml": "{defaults: [{override /hydra/sweeper/sampler: random}]}",
    "experiment/launcher.yaml": "{defaults: [{override /hydra/launcher: joblib}]}",
    "file/0.yaml": "{number: zero}",
    "file/true.yaml": "{number: truth}",
    "file/1e3.yaml": "{number: thousand}",
}
# What plans, checks, ends and judges a search.
OF_SEARCH = {
    *("baseline", "enqueue", "stages", "confirm", "target", "no_improvement", "total_epochs", "constraints"),
    *("dry_run", "check", "on_start", "on_finish"),
}
URL = "postgresql+psycopg://user:secret@host/studies"


@pytest.fixture(scope="module")
def loader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConfigLoader]:
    """Hydra's own loader of a small app."""
    folder = tmp_path_factory.mktemp("conf")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        OmegaConf.save(OmegaConf.create(text), folder / name)
        if name.startswith("experiment"):
            (folder / name).write_text("# @package _global_\n" + (folder / name).read_text())
    with initialize_config_dir(str(folder), version_base="1.3"):
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        yield hydra.config_loader


def master_of(loader: ConfigLoader, typed: list[str]) -> DictConfig:
    return loader.load_configuration("main", typed, run_mode=RunMode.MULTIRUN)


def composer(loader: ConfigLoader, *typed: str) -> Composer:
    space = parse_space({}, [text for text in typed if not text.startswith("hydra")], loader)
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
        whole.hydra.sweeper = {key: each for key, each in whole.hydra.sweeper.items_ex(False) if key not in OF_SEARCH}
    config = Composer(loader, master, space).compose(params, number=7, folder="3")
    assert OmegaConf.to_container(config) == OmegaConf.to_container(whole)  # ${now:} is not resolved


# Overrides of a plain run, in the order in which they are typed.
TYPED = [
    ["model={units:16}", "model={kind:z}"],
    ["+model={depth:1}", "+model={width:2}"],
    ["++model={depth:1}", "++model={depth:2,width:3}"],
    ["model={units:16}", "model.units=17"],
    ["model.units=17", "model={units:16}"],
    ["model.units=17", "model={kind:z}"],
    ["+model.depth=1", "model={depth:2}"],
    ["model={units:16}", "model=large"],
    ["model=large", "model={units:16}"],
    ["model.units=3", "model=large"],
    ["~model.units", "+model={units:5}"],
    ["model={units:16}", "~model.dropout"],
    ["~model.dropout", "model={units:16}"],
    ["+model.opt={a:{b:1}}", "model.opt={a:{b:2}}", "+model.opt={a:{c:3}}"],
    ["lr=1", "lr=2"],
    ["++lr=1", "lr=2"],
    ["model=small", "model=large"],
    ["model=large", "~model"],
    ["layers=[1,2]", "layers=[3]"],
    ["note={a:1}", "note=null"],
    ["note=text", "note={b:2}"],
    ["note={}", "+note.a=1"],
    ["note={a:1}", "+note.b=2", "note.b=${lr}"],
    ["~layers", "+layers={a:1}", "+layers={b:2}"],
    ["name='${model.kind} (x), y'", "note='\\\\${name}'"],
    ["+model@teacher=large", "teacher={units:3}", "+teacher={depth:2}"],
]


@pytest.mark.parametrize("typed", TYPED, ids=" ".join)
@pytest.mark.parametrize("swept", ["nothing", "last", "first"])
def test_a_trial_has_what_a_plain_run_of_the_same_overrides_has(
    loader: ConfigLoader, typed: list[str], swept: str
) -> None:
    """swept: whether another key varies, and whether it stands before the others."""
    plain = loader.load_configuration("main", typed, run_mode=RunMode.RUN)
    varied = {"nothing": [], "last": ["+x=7,8"], "first": ["+x=7,8"]}[swept]
    ordered = [*varied, *typed] if swept == "first" else [*typed, *varied]
    config = composer(loader, *ordered).compose({"+x": 7} if varied else {}, number=0, folder="0")
    assert content(config) == {**content(plain), **({"x": 7} if varied else {})}


@pytest.mark.parametrize(
    "typed",
    [["+lr=1"], ["+a=1", "+a=2"], ["note={a:1}", "note={b:2}"], ["model={depth:1}"], ["~note"], ["~model.depth"]],
    ids=" ".join,
)
def test_a_trial_is_refused_if_a_plain_run_is(loader: ConfigLoader, typed: list[str]) -> None:
    with pytest.raises(HydraException, match=r"Could not|Error merging") as plain:
        loader.load_configuration("main", typed, run_mode=RunMode.RUN)
    with pytest.raises(HydraException, match=re.escape(str(plain.value))):
        Composer(loader, master_of(loader, []), parse_space({}, [*typed, "+x=7,8"], loader)).compose({"+x": 7}, 0, "0")


def content(config: DictConfig) -> Any:
    """A job's own config as it is written."""
    plain = OmegaConf.to_container(config, resolve=False)
    assert isinstance(plain, dict)
    return {key: value for key, value in plain.items() if key != "hydra"}


@pytest.mark.parametrize(
    ("typed", "params"),
    [
        pytest.param(["model.units=2,3", "model={kind:z}"], {"model.units": 3}, id="a dict beside what varies"),
        pytest.param(["model={units:2}", "model.units=3,4"], {"model.units": 3}, id="a dict that a sweep replaces"),
        pytest.param(["model={units:2},{units:3}", "model={kind:z}"], {"model": "{units:3}"}, id="a dict that varies"),
        pytest.param(["model.units=2,3", "model=large"], {"model.units": 3}, id="a choice below a value that varies"),
        pytest.param(["model=small,large", "model={units:5}"], {"model": "large"}, id="a dict on a choice that varies"),
        pytest.param(["model={units:5}", "model=small,large"], {"model": "large"}, id="a dict before a choice"),
        pytest.param(["note={a:1}", "+note.b=2,3", "+note={c:4}"], {"+note.b": 3}, id="between two dicts"),
    ],
)
def test_what_varies_is_applied_at_its_place(loader: ConfigLoader, typed: list[str], params: dict[str, Any]) -> None:
    ((key, value),) = params.items()
    plain = [f"{key}={value}" if text.startswith(f"{key}=") and "," in text else text for text in typed]
    expected = loader.load_configuration("main", plain, run_mode=RunMode.RUN)
    assert content(composer(loader, *typed).compose(params, 0, "0")) == content(expected)


@pytest.mark.parametrize(
    ("sweep", "value", "expected"),
    [
        ("file=0,true", "0", {"number": "zero"}),
        ("file=0,true", "true", {"number": "truth"}),
        ("file=1e3,0", "1e3", {"number": "thousand"}),
        ("file='0','true'", "0", {"number": "zero"}),
        ("file=null,0", None, None),
        ("model=null,small", None, None),
    ],
    ids=str,
)
def test_a_file_may_be_called_like_a_number_and_null_chooses_none(
    loader: ConfigLoader, sweep: str, value: str | None, expected: Any
) -> None:
    key = sweep.partition("=")[0]
    space = parse_space({}, [sweep], loader)
    assert value in (space.dimensions[key].values() or ())
    assert content(Composer(loader, master_of(loader, []), space).compose({key: value}, 0, "0")).get(key) == expected


@pytest.mark.parametrize(
    ("value", "kind"), [(0, "zero"), (True, "truth"), (1000.0, "thousand"), ("0", "zero")], ids=repr
)
def test_a_function_may_suggest_a_file_by_a_number(loader: ConfigLoader, value: Any, kind: str) -> None:
    assert composer(loader).compose({"file": value}, 0, "0").file.number == kind


def test_a_class_made_at_run_time_may_be_a_schema(loader: ConfigLoader) -> None:
    made = make_dataclass("Made", [("units", int, 4)])
    ConfigStore.instance().store(group="model", name="made", node=made)
    config = composer(loader, "model=made").compose({"model.units": 5}, number=0, folder="0")
    assert OmegaConf.get_type(config.model) is made
    assert config.model.units == 5
    assert composer(loader, "model=made").compose({}, number=0, folder="0").model.units == 4


@pytest.mark.parametrize(
    ("choice", "key"),
    [
        ("trials", r"hydra\.sweeper\.n_trials"),
        ("sampler", r"hydra\.sweeper\.sampler\._target_"),
        ("launcher", r"hydra\.launcher\._target_"),
    ],
)
def test_an_experiment_that_varies_cannot_change_its_own_sweep(loader: ConfigLoader, choice: str, key: str) -> None:
    sweep = composer(loader, f"experiment=plain,{choice}")
    assert sweep.compose({"experiment": "plain"}, 0, "0").lr == 3
    with pytest.raises(UserError, match=rf"^{key} must be the sweep's own; experiment={choice} changes it from .* to "):
        sweep.compose({"experiment": choice}, 0, "0")
    assert composer(loader, f"experiment={choice}").compose({}, 0, "0").lr == 0.1


def test_trials_stay_in_the_studys_folder(loader: ConfigLoader) -> None:
    sweep = composer(loader, "hydra.sweep.dir='out/${lr}'", "lr=1,2")
    assert sweep.compose({"lr": 2}, number=0, folder="0").hydra.sweep.dir == "out/0.1"


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


def test_hydra_copies_no_plan_of_the_search_with_each_trial(loader: ConfigLoader) -> None:
    sweep = composer(loader, "hydra.sweeper.stages=[{n_trials:3},{narrow:0.5,n_trials:2}]", "hydra.sweeper.target=.1")
    sweeper = sweep.compose({}, number=0, folder="0").hydra.sweeper
    assert not OF_SEARCH & set(sweeper)
    assert {"n_trials", "params", "direction", "devices", "seed", "max_epochs", "sampler"} <= set(sweeper)


@pytest.mark.parametrize("value", ["${hydra:sweeper.target}", "${oc.select:hydra.sweeper.target}"], ids=str)
def test_a_job_may_read_what_plans_its_search(loader: ConfigLoader, value: str) -> None:
    sweep = composer(loader, "hydra.sweeper.target=0.5", f"note='{value}'")
    assert sweep.compose({}, number=0, folder="0").hydra.sweeper.target == 0.5


@pytest.mark.parametrize(
    ("typed", "level"),
    [pytest.param([], "WARNING", id="quiet"), pytest.param(["hydra.verbose=true"], None, id="verbose")],
)
def test_the_console_shows_warnings_alone(loader: ConfigLoader, typed: list[str], level: str | None) -> None:
    config = composer(loader, *typed).compose({}, number=0, folder="0")
    assert config.hydra.job_logging.handlers.console.get("level") == level
