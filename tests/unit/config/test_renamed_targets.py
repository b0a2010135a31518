"""Old names in `_target_`s: all of them are found, built as today's, and told in one line."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf
from tiny import small

from tunesmith.config import renamed_targets
from tunesmith.config.renamed_targets import RENAMED, with_new_targets
from tunesmith.errors import UserError
from tunesmith.reporting import NoReporter
from tunesmith.run_folder import read_metrics
from tunesmith.training.fit import train_once
from tunesmith.training.losses import AutoLoss
from tunesmith.training.nodes import build_node

OLD, NEW = "tunesmith.losses.AutoLoss", "tunesmith.training.losses.AutoLoss"
OLD_NODE: dict[str, Any] = {"_target_": OLD}


@pytest.fixture(autouse=True)
def _nothing_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renamed_targets, "_warned", set())


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == renamed_targets.log.name]


@pytest.mark.parametrize("name", sorted(set(RENAMED.values())))
def test_a_new_name_is_there(name: str) -> None:
    assert get_object(name).__name__ == name.rpartition(".")[2]


@pytest.mark.parametrize("name", sorted(RENAMED))
def test_an_old_name_is_gone(name: str) -> None:
    with pytest.raises((ImportError, AttributeError)):
        get_object(name)


@pytest.mark.parametrize(
    ("content", "key"),
    [
        pytest.param({"loss": OLD_NODE}, "loss._target_", id="the node itself"),
        pytest.param({"loss": {"inner": {"loss": OLD_NODE}}}, "loss.inner.loss._target_", id="a node inside"),
        pytest.param({"loss": {"parts": [1, [OLD_NODE]]}}, "loss.parts.1.0._target_", id="in a list"),
        pytest.param({"loss": [OLD_NODE]}, "loss.0._target_", id="a list itself"),
        pytest.param({"loss": "${mine}", "mine": OLD_NODE}, "mine._target_", id="an interpolation of a node"),
        pytest.param({"loss": {"a": "${mine}"}, "mine": OLD_NODE}, "mine._target_", id="an interpolation inside"),
        pytest.param({"loss": {"_target_": "${name}"}, "name": OLD}, "loss._target_", id="an interpolated name"),
    ],
)
def test_an_old_name_is_built_as_the_new_one_and_warned_of(
    content: dict[str, Any], key: str, caplog: pytest.LogCaptureFixture
) -> None:
    cfg = OmegaConf.create(content)
    OmegaConf.set_readonly(cfg, True)
    assert "AutoLoss()" in repr(build_node(cfg, "loss"))
    assert warnings(caplog) == [f"{key}: {OLD} is now {NEW}; write that"]
    assert OmegaConf.to_container(cfg) == content  # a copy was renamed


def test_interpolations_are_kept_and_follow_the_whole_config() -> None:
    cfg = OmegaConf.create({"smoothing": 0.25, "loss": {**OLD_NODE, "label_smoothing": "${smoothing}"}})
    renamed = with_new_targets(cfg, "loss")
    assert OmegaConf.to_container(renamed)["loss"] == {"_target_": NEW, "label_smoothing": "${smoothing}"}
    loss = build_node(cfg, "loss")
    assert isinstance(loss, AutoLoss)
    assert loss.label_smoothing == 0.25


def test_each_old_name_is_warned_of_once_per_process(caplog: pytest.LogCaptureFixture) -> None:
    cfg = OmegaConf.create({"loss": OLD_NODE, "losses": [OLD_NODE, OLD_NODE]})
    for key in ("loss", "losses", "loss"):
        build_node(cfg, key)
    assert warnings(caplog) == [f"loss._target_: {OLD} is now {NEW}; write that"]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param({"loss": {"_target_": NEW}, "other": OLD_NODE}, id="new names"),
        pytest.param({"loss": None}, id="no node"),
        pytest.param({}, id="no key"),
        pytest.param({"loss": {"_target_": NEW, "label_smoothing": "???"}}, id="a missing value"),
        pytest.param({"loss": {"_target_": NEW, "label_smoothing": "${nothing}"}}, id="a broken interpolation"),
    ],
)
def test_any_other_node_is_left_alone(content: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    cfg = OmegaConf.create(content)
    assert with_new_targets(cfg, "loss") is cfg
    assert warnings(caplog) == []


def test_a_name_that_is_not_in_the_table_stays_a_mistake() -> None:
    cfg = OmegaConf.create({"loss": {"_target_": "tunesmith.losses.OtherLoss"}})
    message = (
        r"^loss\._target_ must be the path of something importable; got Error loading 'tunesmith\.losses\.OtherLoss'"
    )
    with pytest.raises(UserError, match=message):
        build_node(cfg, "loss")


# a whole run


def with_old_names(cfg: DictConfig) -> DictConfig:
    old = {new: old for old, new in RENAMED.items()}
    for node in (cfg.data.source, cfg.loss, cfg.trainer.profiler):
        node._target_ = old[node._target_]
    return cfg


def test_a_run_of_old_names_comes_to_the_same(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    rows = []
    for name, cfg in {"new": small("data=iris"), "old": with_old_names(small("data=iris"))}.items():
        cfg.trainer.max_epochs = 2
        (tmp_path / name).mkdir()
        assert train_once(cfg, tmp_path / name, NoReporter())["state"] == "COMPLETE"
        rows.append(read_metrics(tmp_path / name))
    assert rows[0] == rows[1]
    assert sorted(text.partition(":")[0] for text in warnings(caplog)) == [
        *("data.source._target_", "loss._target_", "trainer.profiler._target_")
    ]
