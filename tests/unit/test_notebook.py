"""From Python: compose, train and evaluate, twice in a process, in an event loop, and in one line on a mistake."""

from __future__ import annotations

import asyncio
import logging
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf
from tiny import SMALL, composed

import tunesmith
from tunesmith import compose, evaluate, predict, train
from tunesmith.errors import RunFailed, UserError

QUICK = (*SMALL, "trainer.max_epochs=2")


@pytest.fixture(autouse=True)
def _in_a_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["ipykernel_launcher.py", "-f", "/run/user/0/jupyter/kernel-1.json"])


# compose


def test_a_config_is_that_of_the_command_line() -> None:
    cfg = compose("optimizer=sgd", "optimizer.momentum=0.8", "study_name=s")
    assert cfg == composed("optimizer=sgd", "optimizer.momentum=0.8", "study_name=s")
    assert "hydra" not in cfg


def test_pruner_and_sampler_take_keys_without_a_plus_as_on_the_command_line() -> None:
    compose("hydra.sweeper.pruner.n_min_trials=3")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        pytest.param(
            ["optimizer.lrr=1"],
            "optimizer.lrr: there is no such key; got 'optimizer.lrr=1'; did you mean optimizer.lr? options: ",
            id="a misspelled key",
        ),
        pytest.param(["lr=1"], "lr: there is no such key; got 'lr=1'; did you mean optimizer.lr?", id="its last word"),
        pytest.param(
            ["n_trials=3"],
            "n_trials: there is no such key; got 'n_trials=3'; did you mean hydra.sweeper.n_trials?",
            id="the last word of a key of the sweeper",
        ),
        pytest.param(["model=mpl"], "model: there is no such choice; got 'mpl'; did you mean mlp?", id="a choice"),
        pytest.param(["optimizer.lr=-1"], "optimizer.lr must be a number > 0; got -1", id="a value"),
        pytest.param(["data=csv"], "data.path must be given: add data.path=VALUE", id="a value that is missing"),
        pytest.param(
            ["model.shape=[8,4]", "model.num_layers=2"],
            "model.num_layers has no effect beside model.shape=[8, 4]; got 'model.num_layers=2': leave one out",
            id="a key without effect",
        ),
        pytest.param(["weights=a.ckpt"], "weights must be a checkpoint file; got 'a.ckpt'", id="no weights"),
        pytest.param(
            ["weights=/"],
            "weights must be a checkpoint file; got '/', which is a folder: name a file such as "
            "FOLDER/checkpoints/best.ckpt",
            id="a folder as weights",
        ),
        pytest.param(["ckpt_path=a.ckpt"], "ckpt_path must be a checkpoint file; got 'a.ckpt'", id="no checkpoint"),
    ],
)
def test_a_mistake_is_one_line(overrides: list[str], message: str) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(message)}.*$"):
        compose(*overrides)


def test_a_hydra_that_the_caller_has_initialized_stays(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("x: 1\n")
    with initialize_config_dir(str(tmp_path), version_base="1.3"):
        compose("seed=3")
        assert hydra_compose("mine") == {"x": 1}
        with pytest.raises(UserError, match=r"^seed must be"):
            compose("seed=-3")
        assert hydra_compose("mine") == {"x": 1}
    GlobalHydra.instance().clear()


def test_without_conf_a_line_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tunesmith.cli.CONF", tmp_path / "conf")
    with pytest.raises(UserError, match=rf"^conf must be the folder of a clone, beside src/; got '{tmp_path}/conf'"):
        compose()


# train and evaluate


def test_it_trains_twice_in_an_event_loop_to_the_same_value(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    async def cell() -> list[dict[str, Any]]:
        return [train(compose(*QUICK)) for _ in range(2)]

    first, second = asyncio.run(cell())
    assert first["value"] == second["value"]
    assert first["folder"] != second["folder"]
    lines = [line.split("  ")[0] for line in capsys.readouterr().out.splitlines()]
    assert lines == ["data", "samples", "model", "device", "folder", "epoch 1/2", "epoch 2/2"] * 2
    assert caplog.records == []  # a notebook with a handler of its own shows no line twice


def test_it_trains_in_a_thread_of_an_event_loop() -> None:
    result = asyncio.run(asyncio.to_thread(train, compose(*QUICK)))  # type: ignore[arg-type]
    assert result["state"] == "COMPLETE"


def test_its_folder_is_that_of_a_run(tmp_path: Path) -> None:
    result = train(compose(*QUICK, "note=why", "report=true"))
    folder = result.pop("folder")
    assert folder.is_relative_to(tmp_path / "outputs" / "runs")
    assert result == yaml.safe_load((folder / "result.yaml").read_text())
    assert (result["state"], result["note"]) == ("COMPLETE", "why")
    assert OmegaConf.load(folder / ".hydra" / "config.yaml").trainer.max_epochs == 2
    assert "epoch 2/2" in (folder / "train.log").read_text()
    assert {"metrics.csv", "checkpoints", "report.html"} <= {path.name for path in folder.iterdir()}


def test_a_run_is_evaluated_on_the_test_part(tmp_path: Path) -> None:
    train(compose(*QUICK), "here")
    assert evaluate("here").keys() == {"test/loss", "test/acc"}
    assert (tmp_path / "here" / "test.yaml").is_file()


def test_new_rows_are_predicted_with_a_run(tmp_path: Path) -> None:
    train(compose(*QUICK, "data=iris"), "here")
    columns = ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"]
    rows = pd.DataFrame([[5.1, 3.5, 1.4, 0.2], [6.3, 3.3, 6.0, 2.5]], columns=columns, index=["mine", "yours"])
    rows.to_csv("new.csv", index=False)
    found = predict("here", rows)
    assert list(found) == ["setosa", "versicolor", "virginica", "prediction"]
    assert list(found.index) == ["mine", "yours"]
    for inputs in ("new.csv", tmp_path / "new.csv", rows.to_numpy(), rows[columns[::-1]]):
        pd.testing.assert_frame_equal(predict("here", inputs).reset_index(drop=True), found.reset_index(drop=True))


def test_a_folder_without_a_model_predicts_nothing() -> None:
    with pytest.raises(UserError, match=r"^folder must be one that a run left; got nowhere "):
        predict("nowhere", "new.csv")


def test_a_run_goes_on_from_a_checkpoint_in_its_folder(tmp_path: Path) -> None:
    train(compose(*QUICK), "here")
    result = train(compose(*SMALL, "trainer.max_epochs=3", "ckpt_path=here/checkpoints/best.ckpt"))
    assert (result["folder"], result["epochs"]) == (tmp_path / "here", 3)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        pytest.param(
            ["optimizer.lr=0.1"],
            "ckpt_path must go on with the config that the run began with; got optimizer.lr=0.1 instead of 0.001: ",
            id="a changed value",
        ),
        pytest.param(
            ["+trainer.max_steps=28"],
            "ckpt_path must go on with the config that the run began with; got trainer.max_steps=28 instead of no such",
            id="a new key",
        ),
        pytest.param(["+trainer.max_time=soon"], "trainer: ", id="what only the trainer finds"),
    ],
)
def test_a_run_that_cannot_go_on_stays_as_it_was(overrides: list[str], message: str, tmp_path: Path) -> None:
    train(compose(*QUICK), "here")
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(UserError, match=f"^{re.escape(message)}"):
        train(compose(*SMALL, "trainer.max_epochs=3", "ckpt_path=here/checkpoints/best.ckpt", *overrides))
    now = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.rglob("*") if path.is_file()}
    assert now == before


def test_a_run_goes_on_in_a_new_folder(tmp_path: Path) -> None:
    train(compose(*QUICK), "here")
    typed = compose(*SMALL, "trainer.max_epochs=3", "ckpt_path=here/checkpoints/best.ckpt")
    assert train(typed, "there")["epochs"] == 3
    assert len((tmp_path / "there" / "metrics.csv").read_text().splitlines()) == 4
    with pytest.raises(UserError, match=r"^folder must be the folder of ckpt_path \(here\), .*there, in which another"):
        train(typed, "there")


def test_folds_are_trained_and_evaluated() -> None:
    result = train(compose(*QUICK, "data.folds=2"))
    assert len(result["folds"]) == 2
    assert "test/acc" in evaluate(result["folder"])


def test_a_config_that_was_changed_is_checked_again(tmp_path: Path) -> None:
    cfg = compose(*QUICK)
    cfg.optimizer.lr = -1
    with pytest.raises(UserError, match=r"^optimizer\.lr must be a number > 0; got -1$"):
        train(cfg)
    assert list(tmp_path.iterdir()) == []


def test_several_devices_are_refused() -> None:
    with pytest.raises(UserError, match=r"^trainer\.devices must be 1 from Python; got 2: train\.py takes several$"):
        train(compose(*QUICK, "trainer.devices=2"))


def test_a_run_that_fails_raises_its_reason() -> None:
    with pytest.raises(RunFailed, match=r"^val/loss was (nan|inf) at epoch 1$"):
        train(compose(*QUICK, "optimizer=sgd", "optimizer.lr=1e30"))


def test_a_folder_without_a_run_is_refused() -> None:
    with pytest.raises(UserError, match=r"^folder must be one that a run left; got nowhere"):
        evaluate("nowhere")


def test_logging_is_as_it_was_afterwards() -> None:
    log = logging.getLogger("tunesmith")
    before = log.level, log.propagate, list(log.handlers)
    train(compose(*QUICK))
    assert (log.level, log.propagate, list(log.handlers)) == before


def test_the_package_has_no_other_lazy_names() -> None:
    with pytest.raises(AttributeError, match=r"^module 'tunesmith' has no attribute 'fit'$"):
        _ = tunesmith.fit
