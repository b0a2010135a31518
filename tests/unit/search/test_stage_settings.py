"""hydra.sweeper.stages: the keys of a stage, their rules, and what may not stand beside what."""

from __future__ import annotations

from typing import Any

import pytest
from omegaconf import OmegaConf

from tunesmith.errors import UserError
from tunesmith.search.stage_settings import read_stages


def test_a_config_without_stages_has_none() -> None:
    assert read_stages([]) == () == read_stages(None)


def test_a_stage_without_a_name_has_its_place_for_one() -> None:
    found = read_stages(OmegaConf.create([{"n_trials": 3}, {"name": "full", "top": 2}, {"n_trials": 1}]))
    assert [(stage.name, stage.index, stage.kind) for stage in found] == [
        ("0", 0, None),
        ("full", 1, "top"),
        ("2", 2, None),
    ]


def test_one_pattern_needs_no_list() -> None:
    assert read_stages([{"n_trials": 1, "keys": "model.*"}])[0].patterns == ("model.*",)


def test_points_that_name_keys_vary_those() -> None:
    assert read_stages([{"grid": {"optimizer.lr": 3, "model.*": [1, 2]}}])[0].patterns == ("optimizer.lr", "model.*")


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        ("tpe", r"stages\[0\] must be a dict of a stage's keys; got 'tpe'"),
        ({"n_trial": 1}, r"stages\[0\].n_trial: there is no such key; did you mean n_trials\?"),
        ({}, r"stages\[0\].n_trials must be given: the stage's part of hydra.sweeper.n_trials"),
        ({"n_trials": 0}, r"stages\[0\].n_trials must be an integer >= 1, or null; got 0"),
        ({"n_trials": 1, "sampler": 3}, r"stages\[0\].sampler must be the name of a file of its group, .*; got 3"),
        ({"n_trials": 1, "pruner": {"a": 1}}, r"stages\[0\].pruner must be .* a node with a _target_.*; got {'a': 1}"),
        ({"n_trials": 1, "keys": []}, r"stages\[0\].keys must be a list, each a text, or null; got \[\]"),
        ({"n_trials": 1, "others": "worst"}, r"stages\[0\].others must be one of defaults, best; got 'worst'"),
        ({"n_trials": 1, "narrow": 2}, r"stages\[0\].narrow must be a number in \(0, 1\), or null; got 2"),
        ({"grid": 0}, r"stages\[0\].grid must be an integer >= 1, or a dict of keys, .*; got 0"),
        ({"grid": {"x": []}}, r"stages\[0\].grid must be .*; got {'x': \[\]}"),
        ({"neighbours": 1.5}, r"stages\[0\].neighbours must be a number in \(0, 1\), .*; got 1.5"),
        ({"neighbours": {"x": 0}}, r"stages\[0\].neighbours must be .* a step > 0, or null; got {'x': 0}"),
        ({"one_at_a_time": True}, r"stages\[0\].one_at_a_time must be .*; got true"),
        ({"top": 0}, r"stages\[0\].top must be an integer >= 1, or null; got 0"),
        ({"top": 1, "name": "a\nb"}, r"stages\[0\].name must be a text in one line"),
        (
            {"top": 1, "overrides": ["x"]},
            r"stages\[0\].overrides must be a list of overrides KEY=VALUE .*; got \['x'\]",
        ),
        ({"top": 1, "overrides": ["x=1,2"]}, r"stages\[0\].overrides must be .* no sweeps"),
        ({"top": 1, "overrides": ["hydra.sweeper.n_trials=3"]}, r"stages\[0\].overrides must be .* none of hydra's"),
        ({"top": 1, "overrides": "x=1"}, r"stages\[0\].overrides must be a list"),
        ({"top": 1, "target": "low"}, r"stages\[0\].target must be a number, or null; got 'low'"),
        (
            {"top": 1, "grid": 3},
            r"stages\[0\].top must be left out beside grid: a stage runs the points of one of them",
        ),
        ({"top": 1, "sampler": "tpe"}, r"stages\[0\].sampler must be left out: it has no effect beside top; got tpe"),
        ({"baseline": True, "keys": ["x"]}, r"stages\[0\].keys must be left out: it has no effect beside baseline"),
        ({"neighbours": 0.1, "narrow": 0.5}, r"stages\[0\].narrow must be left out: .* beside neighbours; got 0.5"),
        ({"grid": {"x": 3}, "keys": ["y"]}, r"stages\[0\].keys must be left out: it has no effect beside grid"),
    ],
    ids=str,
)
def test_refused(stage: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_stages([stage])


def test_two_stages_of_one_name() -> None:
    with pytest.raises(UserError, match=r"stages\[1\].name must be a name of its own; got 'a' twice"):
        read_stages([{"name": "a", "top": 1}, {"name": "a", "top": 1}])


def test_a_dict_is_no_list_of_stages() -> None:
    with pytest.raises(UserError, match=r"hydra.sweeper.stages must be a list of stages; got {'a': 1}"):
        read_stages({"a": 1})
