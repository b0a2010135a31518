"""A run that goes on has the config that it began with, or a line says what differs and what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from begun import record
from omegaconf import DictConfig
from tiny import composed

from tunesmith.errors import UserError
from tunesmith.resume.comparison import check_resume, check_retry

BEGUN = ("data=iris", "trainer.max_epochs=3")


def resume(checkpoint: Path, *overrides: str) -> str | None:
    cfg = composed(*overrides, f"ckpt_path={checkpoint}", with_hydra=True)
    return check_resume(cfg, cfg.hydra)


@pytest.mark.parametrize(
    ("begun", "typed", "named"),
    [
        pytest.param([], ["optimizer.lr=0.1"], "optimizer.lr=0.1 instead of 0.001", id="a value"),
        pytest.param(
            [],
            ["callbacks.early_stopping.patience=20"],
            "callbacks.early_stopping.patience=20 instead of 10",
            id="a callback with a state",
        ),
        pytest.param(
            [],
            ["callbacks=none"],
            "callbacks.early_stopping._target_=no such key instead of lightning.pytorch.callbacks.EarlyStopping",
            id="such a callback left out",
        ),
        pytest.param(
            ["callbacks=none"],
            [],
            "callbacks.early_stopping._target_=lightning.pytorch.callbacks.EarlyStopping instead of no such key",
            id="such a callback added",
        ),
        pytest.param(
            ["scheduler=none"],
            [],
            "scheduler._target_=torch.optim.lr_scheduler.ReduceLROnPlateau instead of no such key",
            id="a choice that is not typed again",
        ),
        pytest.param(
            ["~callbacks.early_stopping.mode"], [], "mode=${objective.mode} instead of no such key", id="a key put back"
        ),
        pytest.param(
            [],
            ["scheduler=cosine"],
            "scheduler._target_=torch.optim.lr_scheduler.CosineAnnealingLR instead of "
            "torch.optim.lr_scheduler.ReduceLROnPlateau",
            id="another class is one change",
        ),
        pytest.param([], ["data.split_seed=3"], "data.split_seed=3 instead of 42", id="the split"),
        pytest.param([], ["data.batch_size=8"], "data.batch_size=8 instead of 16", id="the batch"),
        pytest.param(
            [], ["objective.metric=val/rmse"], "objective.metric=val/rmse instead of val/loss", id="the metric"
        ),
        pytest.param([], ["data=wine"], "data.name=wine instead of iris", id="the data"),
        pytest.param([], ["seed=1"], "seed=1 instead of 0", id="the seed"),
        pytest.param([], ["+trainer.max_steps=28"], "trainer.max_steps=28 instead of no such key", id="a new key"),
        pytest.param(["+trainer.max_steps=28"], [], "trainer.max_steps=no such key instead of 28", id="one left out"),
        pytest.param([], ["trainer.max_epochs=2"], "trainer.max_epochs=2 instead of 3", id="fewer epochs"),
        pytest.param(["trainer.max_epochs=-1"], [], "trainer.max_epochs=3 instead of -1", id="fewer than endless"),
        pytest.param(["optimizer=sgd"], ["optimizer=sgd", "optimizer.nesterov=true"], "nesterov=true", id="a switch"),
        pytest.param([], ["weights=a.ckpt"], "weights=a.ckpt instead of null", id="weights that would not be read"),
        pytest.param(
            [],
            ["experiment=xor_architectures"],
            " more: type what it began with",
            id="an experiment, whose keys may lie anywhere",
        ),
        pytest.param(
            ["optimizer.lr=${l1}", "l1=0.1"], ["optimizer.lr=0.2", "l1=0.1"], "lr=0.2 instead of ${l1}", id="unresolved"
        ),
    ],
)
def test_a_change_is_refused(begun: list[str], typed: list[str], named: str, tmp_path: Path) -> None:
    checkpoint = record(tmp_path / "r", *BEGUN, *begun)
    beginning = re.escape("ckpt_path must go on with the config that the run began with; got ")
    ending = re.escape(f"({tmp_path}/r/.hydra/overrides.yaml), or start a new run from its weights by weights=")
    with pytest.raises(UserError, match=rf"^{beginning}.*{re.escape(named)}.*{ending}"):
        resume(checkpoint, *BEGUN, *typed)


@pytest.mark.parametrize(
    ("begun", "typed"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([], ["trainer.max_epochs=6"], id="more epochs"),
        pytest.param([], ["trainer.max_epochs=-1"], id="endless"),
        pytest.param(["trainer.max_epochs=null"], ["trainer.max_epochs=1001"], id="more than Lightning's own number"),
        pytest.param(
            [],
            ["trainer.devices=2", "trainer=cpu", "trainer.max_epochs=3", "trainer.strategy=ddp", "+trainer.max_time=1"],
            id="devices and time-outs",
        ),
        pytest.param([], ["logger=csv"], id="another logger"),
        pytest.param(["logger=csv"], ["logger=none"], id="none"),
        pytest.param([], ["threads=2", "note=why", "tags=[a]", "study_name=s", "probes=false"], id="labels"),
        pytest.param([], ["hydra.job.name=x", "space=none", "search=random"], id="what is no part of a run"),
        pytest.param([], ["trainer.profiler=simple", "+trainer.enable_progress_bar=false"], id="what is shown"),
        pytest.param(
            [], ["+callbacks.a._target_=lightning.pytorch.callbacks.DeviceStatsMonitor"], id="a callback without state"
        ),
        pytest.param(["+callbacks.a._target_=faults.Draws"], [], id="such a callback left out"),
        pytest.param(
            ["+callbacks.t={_target_:lightning.pytorch.callbacks.Timer,duration:'00:00:01:00'}"],
            ["+callbacks.t={_target_:lightning.pytorch.callbacks.Timer,duration:'00:00:02:00'}"],
            id="a time-out that keeps the time",
        ),
        pytest.param(
            ["l1=0.1", "optimizer.lr=${l1}"], ["l1=0.1", "optimizer.lr=0.1"], id="the value of an interpolation"
        ),
        pytest.param(
            ["note=${oc.env:NO_SUCH_VARIABLE}"], ["note=${oc.env:NO_SUCH_VARIABLE}"], id="one without a value"
        ),
    ],
)
def test_what_may_change(begun: list[str], typed: list[str], tmp_path: Path) -> None:
    assert resume(record(tmp_path / "r", *BEGUN, *begun), *BEGUN, *typed) is None


def test_what_names_a_place_may_change(tmp_path: Path) -> None:
    table = ("data=csv", "data.target=y")
    checkpoint = record(tmp_path / "r", *table, "data.path=a.csv")
    assert resume(checkpoint, *table, "data.path=b.csv") is None
    with pytest.raises(UserError, match=r"got data\.target=z instead of y: "):
        resume(checkpoint, "data=csv", "data.target=z", "data.path=b.csv")


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        pytest.param(["scheduler=cosine"], "scheduler.T_max stands for the length of the run", id="cosine"),
        pytest.param(["scheduler=onecycle"], "scheduler.total_steps stands for the length of the run", id="one cycle"),
        pytest.param(
            ["scheduler=cosine", "scheduler.T_max=${trainer.max_epochs}"],
            "a value is read from it by ${trainer.max_epochs}",
            id="an interpolation",
        ),
        pytest.param(
            ["scheduler=step", "+length=${trainer.max_epochs}", "scheduler.step_size=${length}"],
            "a value is read from it by ${trainer.max_epochs}",
            id="one that reads another",
        ),
        pytest.param(["data.folds=2"], "with data.folds, folds that have ended are not trained further", id="folds"),
    ],
)
def test_a_run_whose_length_is_used_keeps_it(overrides: list[str], reason: str, tmp_path: Path) -> None:
    checkpoint = record(tmp_path / "r", *BEGUN, *overrides)
    assert resume(checkpoint, *BEGUN, *overrides) is None
    message = f"trainer.max_epochs must stay 3: {reason}; got 6: start a new run from its weights by weights="
    with pytest.raises(UserError, match=rf"^{re.escape(message)}"):
        resume(checkpoint, "data=iris", "trainer.max_epochs=6", *overrides)


def test_a_schedule_that_the_learner_does_not_take_has_no_length(tmp_path: Path) -> None:
    learner = ("learner.scheduler=null", "scheduler=cosine")
    assert resume(record(tmp_path / "r", *BEGUN, *learner), *BEGUN, *learner, "trainer.max_epochs=6") is None


def test_of_many_changes_three_are_named(tmp_path: Path) -> None:
    changes = ("seed=1", "l1=0.1", "data.batch_size=8", "data.split_seed=1", "model.dropout=0.5")
    with pytest.raises(UserError, match=r" and 2 more: type what it began with "):
        resume(record(tmp_path / "r", *BEGUN), *BEGUN, *changes)


# what older versions have left


def test_keys_that_were_not_recorded_are_not_compared_and_told(tmp_path: Path) -> None:
    def older(cfg: DictConfig) -> None:
        del cfg["learner"]
        del cfg.data["fraction"]

    checkpoint = record(tmp_path / "r", *BEGUN, change=older)
    told = f"ckpt_path: not compared, because {tmp_path}/r/.hydra/config.yaml has no data.fraction, learner"
    assert resume(checkpoint, *BEGUN) in (told, told.replace("data.fraction, learner", "learner, data.fraction"))
    with pytest.raises(UserError, match=r"got data\.fraction=0\.5 instead of no such key: "):
        resume(checkpoint, *BEGUN, "data.fraction=0.5")


def test_a_new_name_of_a_class_is_no_change(tmp_path: Path) -> None:
    def older(cfg: DictConfig) -> None:
        cfg.data.source._target_ = "tunesmith.data.sources.Shipped"

    assert resume(record(tmp_path / "r", *BEGUN, change=older), *BEGUN) is None


def test_a_value_that_is_an_interpolation_now_is_no_change(tmp_path: Path) -> None:
    def older(cfg: DictConfig) -> None:
        cfg.scheduler.mode = "min"

    assert resume(record(tmp_path / "r", *BEGUN, change=older), *BEGUN) is None


def test_a_checkpoint_without_a_config_is_not_compared(tmp_path: Path) -> None:
    checkpoint = record(tmp_path / "r", *BEGUN)
    (tmp_path / "r" / ".hydra" / "config.yaml").unlink()
    assert resume(checkpoint, "seed=3") == (
        "ckpt_path: the config is not compared with the one that the run began with: "
        f"{tmp_path}/r/.hydra/config.yaml is missing"
    )


@pytest.mark.parametrize("content", ["{", "- 1", "\xff"])
def test_a_config_that_cannot_be_read_is_one_line(content: str, tmp_path: Path) -> None:
    checkpoint = record(tmp_path / "r", *BEGUN)
    (tmp_path / "r" / ".hydra" / "config.yaml").write_text(content, "latin-1")
    with pytest.raises(UserError, match=r"^ckpt_path must lie in a run's folder; .*config\.yaml"):
        resume(checkpoint, *BEGUN)


# a trial's next attempt


def test_a_retry_has_the_config_of_the_lost_attempt(tmp_path: Path) -> None:
    checkpoint = record(tmp_path / "7", *BEGUN)
    check_retry(composed(*BEGUN, "note=again", with_hydra=True), tmp_path / "7")
    changed = composed(*BEGUN, "optimizer.lr=0.1", with_hydra=True)
    message = "a trial must go on with the config that it began with; got optimizer.lr=0.1 instead of 0.001 for"
    with pytest.raises(UserError, match=f"^{re.escape(message)} {tmp_path}/7: "):
        check_retry(changed, tmp_path / "7")
    checkpoint.unlink()
    check_retry(changed, tmp_path / "7")  # it begins anew
    check_retry(changed, tmp_path / "8")


# folders
