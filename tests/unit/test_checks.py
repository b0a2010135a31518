"""Checks of a config: whose rules a value has, what a refusal says, keys that depend on each other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig, OmegaConf
from tiny import composed

from tunesmith.checks import check_config, check_folder, check_rule
from tunesmith.errors import UserError
from tunesmith.rules import integer

# The classes as configs name them.
ADAM, MLP, DATA = "torch.optim.Adam", "tunesmith.models.mlp.Mlp", "tunesmith.data.DataModule"


def config(key: str, value: Any, target: str = "") -> DictConfig:
    """Return a config with one key, whose node has a `_target_`."""
    cfg = OmegaConf.create()
    OmegaConf.update(cfg, key, value, force_add=True)
    if target:
        cfg[key.partition(".")[0]]["_target_"] = target
    return cfg


def refusal(cfg: DictConfig) -> str:
    """Return what check_config says of a config; nothing if the config is allowed."""
    try:
        check_config(cfg)
    except UserError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        pytest.param("optimizer.lr", -1, "optimizer.lr must be a number > 0; got -1", id="a number"),
        pytest.param("optimizer.lr", "0.1", "optimizer.lr must be a number > 0; got '0.1'", id="a text"),
        pytest.param(
            "objective.mode",
            "mn",
            "objective.mode must be one of min, max; got 'mn'; did you mean min?",
            id="a misspelled option",
        ),
        pytest.param("objective.mode", "up", "objective.mode must be one of min, max; got 'up'", id="no such option"),
        pytest.param(
            "trainer.gradient_clip_val",
            0,
            "trainer.gradient_clip_val must be a number > 0, or null; got 0",
            id="null is allowed too",
        ),
        pytest.param(
            "model.shape",
            [64, 0],
            "model.shape must be one of constant, taper, or a list, each an integer >= 1; got [64, 0]",
            id="a list",
        ),
        pytest.param(
            "model.shape",
            "tapr",
            "model.shape must be one of constant, taper, or a list, each an integer >= 1; got 'tapr'; "
            "did you mean taper?",
            id="a misspelled option beside a list",
        ),
        pytest.param(
            "model.shape",
            "list",
            "model.shape must be one of constant, taper, or a list, each an integer >= 1; got 'list'",
            id="a word that is no option",
        ),
    ],
)
def test_a_refusal_has_key_rule_and_value(key: str, value: Any, message: str) -> None:
    target = {"optimizer": ADAM, "model": MLP, "trainer": "lightning.Trainer"}.get(key.partition(".")[0], "")
    assert refusal(config(key, value, target)) == message


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param("???", "optimizer.lr must be given: add optimizer.lr=VALUE", id="a value that is missing"),
        pytest.param("${nowhere}", "optimizer.lr: Interpolation key 'nowhere' not found", id="a broken interpolation"),
    ],
)
def test_a_value_that_cannot_be_read_is_refused(value: str, message: str) -> None:
    with pytest.raises(UserError, match=f"^{message}.*$"):
        check_config(config("optimizer.lr", value, ADAM))


@pytest.mark.parametrize("content", [{}, {"scheduler": None}, {"scheduler": {}}, {"scheduler": {"T_max": 3}}], ids=str)
def test_keys_that_are_not_there_are_not_checked(content: dict[str, Any]) -> None:
    check_config(OmegaConf.create(content))


# whose value it is

LINE = "tunesmith.data.sources.teaching.Line"
LEARNER = {"_target_": "tunesmith.training.learner.Supervised", "_partial_": True}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(
            {"model": {"_target_": "mine.Net", "shape": "unet", "activation": "swish", "kernel_size": [3, 5]}},
            "",
            id="a model of one's own has arguments of its own",
        ),
        pytest.param(
            {
                "learner": {
                    "_target_": "mine.Gan",
                    "optimizers": [{"_target_": ADAM, "lr": 0.1}, {"_target_": ADAM, "lr": 0}],
                }
            },
            "learner.optimizers.1.lr must be a number > 0; got 0",
            id="a node inside another one, in a list",
        ),
        pytest.param(
            {"data": {"_target_": "tunesmith.data.teaching.Line", "noise": -1}},
            "data.noise must be a number >= 0; got -1",
            id="an old name has the rules of the new one",
        ),
        pytest.param(
            {"loss": {"_target_": "torch.nn.MSELoss", "reduction": "none"}},
            "loss.reduction must be one of mean, sum; got 'none'",
            id="without a learner the config's own keys are Supervised's",
        ),
        pytest.param(
            {
                "loss": {"_target_": "torch.nn.MSELoss", "reduction": "none"},
                "learner": {"_target_": "a.B", "l": "${loss}"},
            },
            "",
            id="another learner may reduce a loss itself",
        ),
        pytest.param(
            {"data": {"_target_": DATA, "source": {"_target_": LINE, "_partial_": True}, "noise": -1}},
            "data.noise must be a number >= 0; got -1",
            id="a source takes the keys of the data",
        ),
        pytest.param(
            {"data": {"_target_": "mine.Data", "source": {"_target_": LINE, "noise": -1}, "samples": 1}},
            "data.source.noise must be a number >= 0; got -1",
            id="a source with keys of its own",
        ),
        pytest.param(
            {"data": {"_target_": DATA, "source": "???"}},
            "data.source must be given: add data.source=VALUE",
            id="a missing source",
        ),
        pytest.param({"mine": {"lr": "???"}}, "", id="a missing value that belongs to nobody"),
    ],
)
def test_a_rule_belongs_to_the_class_that_takes_the_value(content: dict[str, Any], message: str) -> None:
    assert refusal(OmegaConf.create(content)) == message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(
            {"learner": {**LEARNER, "model": "${model}"}, "model": {"_target_": MLP, "dropout": 3}},
            "model.dropout must be a number in [0, 1), or a list, each a number in [0, 1); got 3",
            id="a node that the learner takes",
        ),
        pytest.param(
            {"learner": {**LEARNER, "loss": "${loss}"}, "loss": {"_target_": "torch.nn.MSELoss", "reduction": "none"}},
            "loss.reduction must be one of mean, sum; got 'none'",
            id="a rule of the learner about a node that it takes",
        ),
        pytest.param(
            {"base": {"lr": -1}, "model": {"_target_": ADAM, "lr": "${base.lr}"}},
            "base.lr must be a number > 0; got -1",
            id="a value",
        ),
        pytest.param(
            {"base": -1, "optimizer": {"_target_": ADAM, "lr": "${oc.decode:'${base}'}"}},
            "optimizer.lr must be a number > 0; got -1",
            id="a value that is computed",
        ),
    ],
)
def test_a_refusal_names_the_key_under_which_a_value_is_written(content: dict[str, Any], message: str) -> None:
    content.setdefault("learner", {"model": "${model}", "optimizer": "${optimizer}"})
    assert refusal(OmegaConf.create(content)) == message


@pytest.mark.parametrize("dropout", [3, "???"])
def test_what_the_learner_does_not_take_is_no_part_of_the_run(dropout: Any) -> None:
    model = {"_target_": MLP, "dropout": dropout, "bias": 1}
    learner = {"_target_": "mine.Gan", "lr": "${optimizer.lr}", "bias": "${oc.select:model.bias,2}"}
    cfg = OmegaConf.create({"learner": learner, "model": model, "l1": -1, "warmup_epochs": "???"})
    assert refusal(cfg) == ""
    cfg.learner.net = "${model}"
    assert refusal(cfg).startswith("model.dropout must be ")


# keys that say something of each other


def given(*typed: str, **content: Any) -> DictConfig:
    """A config with what was typed to get it."""
    return OmegaConf.create({**content, "hydra": {"overrides": {"task": list(typed)}}})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(
            {"objective": {"metric": "val/acc", "mode": "min"}},
            "objective.mode must be max with objective.metric=val/acc, of which more is better; got min: "
            "leave objective.mode out; a metric of yours that is of the other mode needs another name",
            id="an accuracy that is minimised",
        ),
        pytest.param(
            {"objective": {"metric": "val_loss_epoch", "mode": "max"}},
            "objective.mode must be min with objective.metric=val_loss_epoch, of which less is better; got max: "
            "leave objective.mode out; a metric of yours that is of the other mode needs another name",
            id="a loss that is maximised",
        ),
        pytest.param(
            {"objective": {"metric": "lr", "mode": "${mode_of:${objective.metric}}"}},
            "objective.mode must be given with objective.metric=lr, whose name does not tell whether less or more of "
            "it is better; got none: add objective.mode=min or objective.mode=max",
            id="a metric without a mode",
        ),
        pytest.param(
            {"objective": {"metric": "val/acc", "mode": "max"}, "hydra": {"sweeper": {"direction": "minimize"}}},
            "hydra.sweeper.direction must be that of objective.mode=max; got minimize: leave it out",
            id="a study of the other direction",
        ),
        pytest.param(
            {"warmup_epochs": 5, "trainer": {"max_epochs": 5}},
            "warmup_epochs must be less than trainer.max_epochs=5; got 5",
            id="a warm-up as long as the run",
        ),
        pytest.param(
            {"lr_finder": {"min_lr": 0.1, "max_lr": 0.01}},
            "lr_finder.min_lr must be less than lr_finder.max_lr=0.01; got 0.1",
            id="a range that falls",
        ),
    ],
)
def test_an_order_of_two_keys(content: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        check_config(OmegaConf.create(content))


@pytest.mark.parametrize("max_epochs", [5, None])
def test_a_warm_up_may_end_in_the_last_epoch_but_one(max_epochs: int | None) -> None:
    check_config(OmegaConf.create({"warmup_epochs": 4, "trainer": {"max_epochs": max_epochs}}))


@pytest.mark.parametrize(
    ("cfg", "message"),
    [
        pytest.param(
            given("optimizer.lr=0.1", find_lr=True),
            "optimizer.lr has no effect beside find_lr=true; got 'optimizer.lr=0.1': leave one out",
            id="a learning rate beside its finder",
        ),
        pytest.param(
            given("++model.num_layers=3", "seed=1", model={"_target_": MLP, "shape": [8, 4]}),
            "model.num_layers has no effect beside model.shape=[8, 4]; got '++model.num_layers=3': leave one out",
            id="a depth beside a list of units",
        ),
        pytest.param(
            given("model.hidden_units=3", model={"_target_": MLP, "shape": [8, 4]}),
            "model.hidden_units has no effect beside model.shape=[8, 4]; got 'model.hidden_units=3': leave one out",
            id="a width beside a list of units",
        ),
        pytest.param(
            given("data.val_fraction=0.5", data={"_target_": DATA, "folds": 5}),
            "data.val_fraction has no effect beside data.folds=5; got 'data.val_fraction=0.5': leave one out",
            id="a validation part beside folds",
        ),
        pytest.param(
            given("warmup_epochs=1", scheduler={"_target_": "torch.optim.lr_scheduler.OneCycleLR"}),
            "warmup_epochs has no effect beside scheduler._target_='torch.optim.lr_scheduler.OneCycleLR'; got "
            "'warmup_epochs=1': leave one out",
            id="a warm-up beside a schedule that sets each step's rate",
        ),
    ],
)
def test_a_key_that_would_be_ignored_is_refused(cfg: DictConfig, message: str) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        check_config(cfg)


@pytest.mark.parametrize(
    "cfg",
    [
        pytest.param(given("optimizer.lr=0.1", find_lr=False), id="the finder is off"),
        pytest.param(
            given("model.num_layers=3", model={"_target_": MLP, "shape": "taper"}),
            id="a shape that needs the other key",
        ),
        pytest.param(given("data.val_fraction=0.5", data={"_target_": DATA, "folds": None}), id="no folds"),
        pytest.param(given(find_lr=True, optimizer={"lr": 0.1}), id="a default that nobody typed"),
        pytest.param(given("model.num_layers=3", model={"_target_": "a.Net", "shape": [8]}), id="another's model"),
        pytest.param(given("optimizer.lr_decay=1", find_lr=True), id="a key of a similar name"),
    ],
)
def test_a_key_that_has_its_effect_is_allowed(cfg: DictConfig) -> None:
    check_config(cfg)


# other checks


@pytest.mark.parametrize(
    ("target", "folds", "devices", "message"),
    [
        pytest.param(DATA, None, 2, "", id="no folds"),
        pytest.param(DATA, 5, 1, "", id="one device"),
        pytest.param(DATA, 5, 2, "trainer.devices must be 1 with data.folds; got 2", id="folds on two devices"),
        pytest.param("a.DataModule", 5, 2, "", id="another's folds"),
    ],
)
def test_folds_need_one_device(target: str, folds: int | None, devices: int, message: str) -> None:
    data = {"_target_": target, "folds": folds}
    assert refusal(OmegaConf.create({"data": data, "trainer": {"devices": devices}})) == message


def test_a_space_that_has_no_effect_is_refused() -> None:
    hydra = {"runtime": {"choices": {"space": "mine"}}}
    assert refusal(OmegaConf.create({"space": {"model.x": "range(1,3)"}, "hydra": hydra})).startswith("space=mine: ")


def test_a_rule_of_one_key() -> None:
    check_rule("hydra.sweeper.n_trials", integer(1), 1)
    with pytest.raises(UserError, match=r"^hydra\.sweeper\.n_trials must be an integer >= 1; got 0$"):
        check_rule("hydra.sweeper.n_trials", integer(1), 0)


def test_an_output_folder_is_made(tmp_path: Path) -> None:
    check_folder("hydra.run.dir", tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


def test_an_output_folder_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"^hydra\.run\.dir must be a folder .*; got .*/file/a \(Not a directory\)$"):
        check_folder("hydra.run.dir", tmp_path / "file" / "a")


@pytest.mark.parametrize(
    ("metric", "limit", "is_refused"),
    [
        ("val/loss", 0, True),
        ("val_acc", 0.0, True),
        ("train/loss", 0, False),
        ("value", 0, False),
        ("val/f", 2, False),
    ],
)
def test_an_objective_of_validations_needs_a_validation(metric: str, limit: float, is_refused: bool) -> None:
    objective = {"metric": metric, "mode": "min" if metric.endswith("loss") else "max"}
    cfg = OmegaConf.create({"objective": objective, "trainer": {"limit_val_batches": limit}})
    expected = f"trainer.limit_val_batches must be more than 0 with objective.metric={metric}"
    assert refusal(cfg).startswith(expected) is is_refused


# patience


@pytest.mark.parametrize(
    "typed",
    ["scheduler.patience=10", "scheduler.patience=11 trainer.max_epochs=12", "callbacks.early_stopping.patience=5"],
)
def test_a_plateau_schedule_acts_before_training_stops(typed: str) -> None:
    with pytest.raises(UserError, match=r"^scheduler\.patience must be less than callbacks\.early_stopping\.patience="):
        check_config(composed(*typed.split()))


@pytest.mark.parametrize(
    "typed",
    [
        ["scheduler.patience=9"],
        ["callbacks.early_stopping.patience=2", "scheduler=none"],
        ["scheduler.patience=20", "callbacks=none"],
        ["scheduler.patience=20", "callbacks.early_stopping.monitor=train/loss"],
        ["scheduler.patience=20", "ckpt_path=r/checkpoints/last.ckpt"],
        ["scheduler.patience=10", "trainer.max_epochs=11"],
        ["callbacks.early_stopping.patience=3", "trainer=smoke"],
        ["scheduler.patience=10", "+scheduler.threshold=0.01"],
    ],
    ids=str,
)
def test_a_patience_that_stops_nothing_passes(typed: list[str]) -> None:
    check_config(composed(*typed))


# what the code hands over


@pytest.mark.parametrize("typed", ["+model.output_size=3", "+model.input_shape=[4]", "+trainer.logger=true"])
def test_an_argument_that_the_code_hands_over_is_refused(typed: str) -> None:
    key = typed.lstrip("+").partition("=")[0]
    with pytest.raises(UserError, match=rf"^{re.escape(key)} must be left out: "):
        check_config(composed(typed))
