"""best.yaml: the best trial's config as it is written, with what a run of it needs."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hydra.core.config_loader import ConfigLoader
from hydra.core.config_store import ConfigStore
from hydra_app import app_context
from omegaconf import DictConfig, OmegaConf

from tunesmith.errors import UserError
from tunesmith.run_folder import read_yaml
from tunesmith.search.best_config import write_best_config
from tunesmith.search.results import best_command
from tunesmith.search.space.schemas import compose_file

SWEEPER = ("study_name", "direction", "seed", "max_epochs", "folds", "devices", "max_failure_rate")
HYDRA: dict[str, Any] = {
    "run": {"dir": "runs/${now:%Y}"},
    "sweep": {"dir": "sweeps/${study_name}"},
    "callbacks": {},
    "job_logging": {"version": 1},
    "job": {"name": "train", "num": 4, "id": "4", "config_name": "app"},
    "runtime": {"choices": {"model": "mlp"}},
    "overrides": {"hydra": [], "task": []},
    "sweeper": {
        **dict.fromkeys(SWEEPER),
        "study_name": "${study_name}",
        **dict.fromkeys(("check", "on_start", "on_finish", "linear_model", "storage", "params", "n_trials"), "left"),
    },
}
VALUES = {"study_name": "digits", "lr": 0.2, "twice": "${lr}"}


def leave(folder: Path, values: dict[str, Any] | None = None, **hydra: Any) -> DictConfig:
    """Leave what a sweep does; return the config of its best trial, as the sweep composes it."""
    node = OmegaConf.merge({"hydra": HYDRA}, {"hydra": hydra})
    OmegaConf.save(node, folder / "multirun.yaml")
    return OmegaConf.create({**OmegaConf.to_container(node), **(VALUES if values is None else values)})


def written(folder: Path, config: DictConfig, loader: ConfigLoader | None = None) -> dict[str, Any]:
    write_best_config("digits", folder, config, loader)
    return read_yaml(folder / "best.yaml")


def test_it_has_what_a_repeat_needs(tmp_path: Path) -> None:
    best = written(tmp_path, leave(tmp_path))
    assert best["defaults"] == ["_self_", {"override hydra/sweeper": "tunesmith"}]
    assert list(best["hydra"]) == ["run", "sweep", "callbacks", "job_logging", "job", "sweeper"]
    assert best["hydra"]["job"] == {"name": "train"}
    assert best["hydra"]["run"] == {"dir": "runs/${now:%Y}"}


def test_interpolations_stay_as_they_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "secret")
    values = {
        "twice": "${lr}",
        "token": "${oc.env:TOKEN}",
        "at": "${now:%S}",
        "place": "${hydra:runtime.output_dir}",
        "own": "${my_resolver:1,2}",
        "text": r"\${not_a_key}",
        "missing": "???",
        "deep": [{"a": "${..lr}"}],
    }
    assert values.items() <= written(tmp_path, leave(tmp_path, values)).items()
    assert "secret" not in (tmp_path / "best.yaml").read_text()


def test_what_a_config_asks_of_its_job_is_kept(tmp_path: Path) -> None:
    hydra = written(tmp_path, leave(tmp_path, {"seed": "${hydra:job.num}", "model": "${hydra:runtime.choices.model}"}))[
        "hydra"
    ]
    assert hydra["job"] == {"name": "train", "num": 4, "id": "4"}
    assert hydra["runtime"] == {"choices": {"model": "mlp"}}


def test_the_environment_of_a_job_is_kept_but_not_what_was_copied_from_mine(tmp_path: Path) -> None:
    variables = {"A": "1", "TOKEN": "${oc.env:TOKEN}", "COPIED": "secret"}
    config = leave(tmp_path, job={"env_set": variables, "env_copy": ["COPIED"], "chdir": True})
    assert written(tmp_path, config)["hydra"]["job"] == {
        "name": "train",
        "env_set": {"A": "1", "TOKEN": "${oc.env:TOKEN}"},
        "env_copy": ["COPIED"],
        "chdir": True,
    }


@pytest.mark.parametrize("name", ["${study_name}", "digits"])
def test_a_sweep_of_it_is_a_study_of_its_own(tmp_path: Path, name: str) -> None:
    best = written(tmp_path, leave(tmp_path, sweeper={"study_name": name}))
    assert best["study_name"] == "digits_best"
    assert best["hydra"]["sweeper"]["study_name"] == {"digits": "digits_best"}.get(name, name)
    assert not {"storage", "params", "n_trials"} & set(best["hydra"]["sweeper"])


def test_it_begins_with_the_command_that_repeats_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["train.py", "-m"])
    written(tmp_path, leave(tmp_path))
    first_line = (tmp_path / "best.yaml").read_text().splitlines()[0]
    assert first_line == f"# The best trial's configuration. Repeat it: {best_command(tmp_path)}"


def test_a_best_trial_out_of_reach_leaves_no_older_best_behind(tmp_path: Path) -> None:
    written(tmp_path, leave(tmp_path))
    write_best_config("digits", tmp_path, None)
    assert not (tmp_path / "best.yaml").exists()


@pytest.mark.parametrize("subdir", ["kept", None])
def test_hydras_folder_is_not_asked(tmp_path: Path, subdir: str | None) -> None:
    assert written(tmp_path, leave(tmp_path, output_subdir=subdir))["lr"] == 0.2


# schemas


class Color(enum.Enum):
    RED = 1
    BLUE = 2


@dataclass
class Net:
    units: int = 4
    color: Color = Color.RED


@dataclass
class Deep(Net):
    depth: int = 1


@pytest.fixture
def loader(tmp_path: Path) -> Iterator[ConfigLoader]:
    store = ConfigStore.instance()
    store.store(group="net", name="shallow", node=Net)
    store.store(group="net", name="deep", node=Deep)
    store.store(name="whole", node={"defaults": [{"net": "shallow"}, "_self_"], "lr": 0.1, "study_name": "digits"})
    (tmp_path / "conf").mkdir()
    sweeper = "{override hydra/sweeper: tunesmith}"
    text = f"{{defaults: [net: shallow, _self_, {sweeper}], lr: 0.1, study_name: digits}}"
    with app_context(tmp_path / "conf", text) as context:
        yield context.config_loader


@pytest.mark.parametrize("primary", ["app", "whole"])
def test_schemas_are_those_of_the_trial(tmp_path: Path, loader: ConfigLoader, primary: str) -> None:
    values = {"lr": 0.2, "study_name": "digits", "net": {"units": 4, "color": "BLUE", "depth": 2}}
    overrides = {"hydra": [], "task": ["net=deep", "net.depth=2", "net.color=BLUE", "lr=0.2"]}
    written(tmp_path, leave(tmp_path, values, overrides=overrides, job={"config_name": primary}), loader)
    best = compose_file(loader, tmp_path / "best.yaml")
    assert OmegaConf.get_type(best.net) is Deep
    assert (best.net.color, best.net.depth, best.lr, best.study_name) == (Color.BLUE, 2, 0.2, "digits_best")


def test_schemas_that_bring_back_what_was_deleted_are_left_out(tmp_path: Path, loader: ConfigLoader) -> None:
    values = {"lr": 0.2, "study_name": "digits", "net": {"units": 4}}
    config = leave(tmp_path, values, overrides={"hydra": [], "task": ["net=shallow"]})
    with pytest.raises(UserError, match=r"schemas of its config are left out, .* net\.color$"):
        written(tmp_path, config, loader)
    best = read_yaml(tmp_path / "best.yaml")
    assert (best["defaults"][0], best["net"]) == ("_self_", {"units": 4})
