"""What a learner takes of the other groups, what is refused because nothing would read it, what loggers are told."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from tunesmith.config.doors import OF_THE_LEARNER, check_doors, taken_keys, untaken_groups, with_learner, written_at
from tunesmith.errors import UserError

GROUPS: dict[str, Any] = {
    "model": {"_target_": "Mlp", "units": 8},
    "optimizer": {"_target_": "Adam", "lr": 0.1, "weight_decay": 0.0},
    "scheduler": {"_target_": "OneCycle", "max_lr": "${optimizer.lr}"},
    "loss": {"_target_": "Mse"},
    "metrics": {},
    "l1": 0.0,
    "warmup_epochs": 0,
    "objective": {"metric": "val/loss", "mode": "min"},
    "seed": 0,
}


def config(learner: dict[str, Any] | None, *typed: str, **more: Any) -> DictConfig:
    hydra = {"overrides": {"task": list(typed)}, "runtime": {"choices": {"learner": "mine"}}}
    cfg = {**GROUPS, "hydra": hydra, **more, **({} if learner is None else {"learner": learner})}
    return OmegaConf.create(cfg)


@pytest.mark.parametrize(
    ("learner", "expected"),
    [
        ({"_target_": "Lit", "lr": 0.1}, set()),
        ({"_target_": "Lit", "net": "${model}"}, {"model"}),
        ({"_target_": "Lit", "lr": "${optimizer.lr}"}, {"optimizer.lr"}),
        ({"_target_": "Lit", "nested": [{"net": "${ model }"}]}, {"model"}),
        ({"_target_": "Lit", "scheduler": "${oc.select:scheduler,null}"}, {"scheduler", "optimizer.lr"}),
        ({"_target_": "Lit", "text": "lr ${optimizer.lr} of a model"}, {"optimizer.lr"}),
        ({"_target_": "Lit", "lr": "${.rate}", "rate": "${optimizer.lr}"}, {"optimizer.lr"}),
        ({"_target_": "Lit", "lr": "${optimizer[lr]}"}, {"optimizer.lr"}),
        (None, set(OF_THE_LEARNER)),
    ],
    ids=[
        *("nothing", "a group", "a key", "nested", "through another group", "in a text", "relative", "in brackets"),
        "no learner",
    ],
)
def test_what_a_learner_takes(learner: dict[str, Any] | None, expected: set[str]) -> None:
    assert taken_keys(config(learner)) == expected


def test_what_a_key_of_another_node_leads_to_is_taken() -> None:
    cfg = config({"_target_": "Lit", "lr": "${mine.lr}"}, mine="${other}", other="${optimizer}")
    assert taken_keys(cfg) == {"optimizer.lr"}


def test_what_callbacks_and_trainer_take_is_taken() -> None:
    cfg = config({"_target_": "Lit"}, callbacks={"mine": {"units": "${model.units}"}}, trainer={"clip": "${l1}"})
    assert taken_keys(cfg) == {"model.units", "l1"}


@pytest.mark.parametrize(
    "typed",
    ["model=cnn", "model.units=3", "++model.units=3", "~model.units", "l1=0.1", "optimizer.weight_decay=1"],
)
def test_a_key_that_nothing_reads_is_refused(typed: str) -> None:
    key = typed.partition("=")[0].lstrip("+~")
    message = f"{key} has no effect: learner=mine does not take it; got '{typed}': leave it out, or let the learner's "
    with pytest.raises(UserError, match=f"^{re.escape(message)}file in conf/learner/ say \\${{{key}}}$"):
        check_doors(config({"_target_": "Lit", "lr": "${optimizer.lr}"}, typed))


def test_a_key_that_nobody_typed_is_the_spaces_of_another_learner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["train.py", "-m", "learner=mine,supervised"])
    swept = config({"_target_": "Lit"}, "learner=mine", "model.units=8")
    swept.hydra.mode = RunMode.MULTIRUN
    message = "model.units is varied by the space of another learner, and learner=mine does not take it: add space=none"
    with pytest.raises(UserError, match=f"^{re.escape(message)}"):
        check_doors(swept)


@pytest.mark.parametrize("typed", ["optimizer.lr=1", "optimizer=sgd", "seed=1", "learner.lr=3", "data=iris"])
def test_other_keys_may_be_typed(typed: str) -> None:
    check_doors(config({"_target_": "Lit", "lr": "${optimizer.lr}"}, typed))


def test_the_finder_needs_a_learner_that_takes_the_learning_rate() -> None:
    check_doors(config({"lr": "${optimizer.lr}"}, find_lr=True))
    with pytest.raises(UserError, match=r"^find_lr must be false with learner=mine, which does not take optimizer\.lr"):
        check_doors(config({"_target_": "Lit"}, find_lr=True))


def test_a_damaged_config_that_names_longer_and_longer_keys_has_an_end() -> None:
    assert "model" in {key.partition(".")[0] for key in taken_keys({"learner": "${model}", "model": "${model.a}"})}


def test_a_config_without_a_learner_is_supervised() -> None:
    cfg = config(None)
    completed = with_learner(cfg)
    assert "learner" not in cfg
    assert completed.learner._target_ == "tunesmith.training.learner.Supervised"
    assert completed.learner.optimizer.lr == 0.1
    assert completed.learner.monitor == "val/loss"


def test_loggers_are_not_told_of_groups_that_are_not_part_of_the_run() -> None:
    left_out = untaken_groups(config({"net": "${model}", "lr": "${optimizer.lr}"}))
    assert left_out == {"scheduler", "loss", "metrics", "l1", "warmup_epochs"}


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("learner.net.units", "model.units"),
        ("learner.lr", "optimizer.lr"),
        ("learner.far.lr", "optimizer.lr"),
        ("learner.text", "learner.text"),
        ("learner.layers[0].units", "learner.layers[0].units"),
        ("model.units.none", "model.units.none"),
        ("nothing.there", "nothing.there"),
    ],
)
def test_a_value_is_written_where_interpolations_lead(key: str, expected: str) -> None:
    learner = {
        "net": "${model}",
        "lr": "${optimizer.lr}",
        "far": "${near}",
        "text": "a ${l1}",
        "layers": [{"units": 1}],
    }
    assert written_at(config(learner, near="${optimizer}"), key) == expected
