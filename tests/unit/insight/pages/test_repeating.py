"""The command of a run with a trial's configuration."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from shown import shown_study, shown_trial

from tunesmith.insight.pages.repeating import changed_command, repeat_command

RESUME = (
    "python train.py -m study_name=first --config-dir conf2 model=mlp,cnn data=digits "
    "'optimizer.lr=tag(log,interval(1e-4,1))' search=gp space=wide hydra.sweeper.n_trials=9 hydra/launcher=basic "
    "~callbacks.early_stopping tags=[a] seed=3"
)


def command(params: dict[str, Any], resume: str | None = RESUME, **more: Any) -> str | None:
    others = shown_trial(1, 1.0, params={"optimizer.lr": 0.1, "model": "cnn", "+model.width": 3})
    trial = shown_trial(0, 1.0, params=params, stage=more.pop("stage", None))
    return repeat_command(shown_study([trial, others], resume_command=resume, **more), trial)


def test_it_has_what_was_typed_but_for_the_search_and_the_trials_values() -> None:
    assert command({"optimizer.lr": 0.25, "model": "mlp", "+model.width": 4}) == (
        "python train.py --config-dir conf2 data=digits '~callbacks.early_stopping' seed=3 "
        "optimizer.lr=0.25 model=mlp +model.width=4"
    )


def test_a_key_that_does_not_vary_in_the_trial_is_left_out() -> None:
    words = shlex.split(command({"model": "mlp"}) or "")
    assert [word for word in words if "lr" in word or "width" in word] == []


def test_a_module_is_started_as_one() -> None:
    assert command({"model": "mlp"}, "python -m my_app -m model=mlp,cnn") == "python -m my_app model=mlp"


@pytest.mark.parametrize(
    ("value", "parsed"),
    [("[16,32]", [16, 32]), ("a b", "a b"), ("x,y", "x,y"), ("1", "1"), (None, None), (True, True), (1e-05, 1e-05)],
)
def test_hydra_reads_the_value_that_the_trial_had(value: Any, parsed: Any) -> None:
    words = shlex.split(command({"key": value}) or "")
    override = OverridesParser.create().parse_override(words[-1])
    found = override.value()
    assert getattr(found, "text", found) == parsed


@pytest.mark.parametrize(("stages", "name"), [([{"name": "part"}], "part"), ([{}], "0")], ids=["named", "numbered"])
def test_the_overrides_of_its_stage_come_before_its_values(stages: list[dict[str, Any]], name: str) -> None:
    stages = [{**stages[0], "overrides": ["data.fraction=0.25"]}]
    config = {"hydra": {"sweeper": {"stages": stages}}}
    words = shlex.split(command({"model": "mlp"}, stage=name, config=config) or "")
    assert words[-2:] == ["data.fraction=0.25", "model=mlp"]


@pytest.mark.parametrize("config", [{"hydra": None}, {"hydra": {"sweeper": {"stages": ["part", {"name": "part"}]}}}])
def test_a_config_of_other_types_has_no_overrides(config: dict[str, Any]) -> None:
    assert (command({"model": "mlp"}, stage="part", config=config) or "").endswith("seed=3 model=mlp")


@pytest.mark.parametrize("resume", [None, "", "python train.py"])
def test_without_the_studys_command_there_is_none(resume: str | None) -> None:
    assert command({"model": "mlp"}, resume) is None


@pytest.mark.parametrize("key", ["--config-dir", "a b", "", "-m"])
def test_a_name_that_is_no_key_makes_no_command(key: str) -> None:
    assert command({key: 1}) is None


@pytest.mark.parametrize(
    ("typed", "overrides", "is_trial", "words"),
    [
        (["data=iris", "optimizer.lr=1"], ["optimizer.lr=0.1"], False, ["data=iris", "optimizer.lr=0.1"]),
        (["+model.gain=4", "ckpt_path=a"], ["model.gain=1", "seed=2"], False, ["model.gain=1", "seed=2"]),
        (["optimizer.lr=1", "seed=1"], ["find_lr=true"], False, ["seed=1", "find_lr=true"]),
        (["data.val_fraction=0.1"], ["data.folds=5"], False, ["data.folds=5"]),
        (["study_name=s", "seed=1"], ["l1=0.0"], True, ["seed=1", "l1=0.0"]),
        (["note=a b"], ["data.drop=['x y']"], False, ["note=a b", "data.drop=['x y']"]),
    ],
    ids=["same key", "added key", "finder", "folds", "trial", "blanks"],
)
def test_a_remedys_command_is_the_runs_own_with_other_values(
    typed: list[str], overrides: list[str], is_trial: bool, words: list[str]
) -> None:
    assert shlex.split(changed_command(typed, overrides, is_trial)) == ["python", "train.py", *words]
