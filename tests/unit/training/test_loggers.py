"""Loggers: several by name, a node of version 0.1.0, what they are handed, what is said if a package is missing."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from omegaconf import DictConfig, OmegaConf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny import small

from tunesmith.errors import UserError
from tunesmith.reporting import NoReporter
from tunesmith.training.build import build
from tunesmith.training.loggers import build_loggers, closed_loggers, log_config, plain_config

CSV = {"_target_": "lightning.pytorch.loggers.CSVLogger", "_partial_": True}


def with_mine() -> DictConfig:
    """A config with TensorBoard's logger and a user's, called mine."""
    return small("logger=tensorboard", *(f"+logger.mine.{key}={value}" for key, value in CSV.items()))


# which are built


@pytest.mark.parametrize(
    ("typed", "classes"),
    [
        pytest.param("logger=tensorboard", [TensorBoardLogger], id="one"),
        pytest.param("logger=[tensorboard,csv]", [TensorBoardLogger], id="several: metrics.csv is always written"),
        pytest.param("logger=none", [], id="none"),
        pytest.param("~logger", [], id="no group"),
    ],
)
def test_loggers_are_chosen_by_name(typed: str, classes: list[type], tmp_path: Path) -> None:
    assert [type(logger) for logger in build_loggers(small(typed), tmp_path)] == classes


def test_the_default_is_tensorboard_in_the_runs_folder(tmp_path: Path) -> None:
    (logger,) = build_loggers(small("logger=tensorboard"), tmp_path)
    assert isinstance(logger, TensorBoardLogger)
    assert Path(logger.log_dir) == tmp_path


def test_a_users_logger_joins_by_a_name_of_its_own(tmp_path: Path) -> None:
    assert [type(logger) for logger in build_loggers(with_mine(), tmp_path)] == [TensorBoardLogger, CSVLogger]


def test_one_that_is_null_is_left_out(tmp_path: Path) -> None:
    assert build_loggers(small("logger=tensorboard", "logger.tensorboard=null"), tmp_path) == []


def test_a_node_of_version_0_1_0_is_one_logger(tmp_path: Path) -> None:
    cfg = OmegaConf.create({"logger": {**CSV, "name": "", "version": ""}})
    (logger,) = build_loggers(cfg, tmp_path)
    assert isinstance(logger, CSVLogger)
    assert Path(logger.log_dir) == tmp_path


def test_a_logger_that_is_no_partial_is_used_as_it_is(tmp_path: Path) -> None:
    cfg = OmegaConf.create({"logger": {"a": {"_target_": CSV["_target_"], "save_dir": str(tmp_path / "there")}}})
    (logger,) = build_loggers(cfg, tmp_path)
    assert logger.save_dir == str(tmp_path / "there")


def test_a_name_that_is_null_is_the_end_of_the_runs_path(tmp_path: Path) -> None:
    cfg = OmegaConf.create({"logger": {"a": {**CSV, "name": None}}})
    (logger,) = build_loggers(cfg, tmp_path / "digits" / "12")
    assert logger.name == "digits/12"


@pytest.mark.parametrize(
    ("choice", "absent", "message"),
    [
        pytest.param("wandb", ["wandb"], r"^logger\.wandb needs wandb: pip install wandb$", id="wandb"),
        pytest.param(
            "mlflow",
            ["mlflow", "alembic"],
            r"^logger\.mlflow needs mlflow-skinny, alembic: pip install mlflow-skinny alembic$",
            id="mlflow",
        ),
    ],
)
def test_a_missing_package_is_a_line_that_says_how_to_install_it(
    choice: str, absent: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in absent:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UserError, match=message):
        build_loggers(small(f"logger={choice}"), tmp_path)


def test_two_processes_do_not_make_the_tables_of_an_sqlite_file_at_once(tmp_path: Path) -> None:
    node = {**CSV, "tracking_uri": f"sqlite:///{tmp_path}/outputs/a.db?timeout=60", "_target_": "builtins.dict"}
    cfg = OmegaConf.create({"logger": {"a": node}})
    (tmp_path / "outputs").mkdir()
    with FileLock(f"{tmp_path}/outputs/a.db.lock"):
        other = threading.Thread(target=build_loggers_quietly, args=(cfg, tmp_path))
        other.start()
        other.join(0.2)
        assert other.is_alive()
    other.join(10)
    assert not other.is_alive()


def build_loggers_quietly(cfg: Any, folder: Path) -> None:
    with pytest.raises(UserError, match=r"logger\.a\._target_ must make a logger of .*; got dict"):
        build_loggers(cfg, folder)


# what they are handed


class Recorder(CSVLogger):
    """Remembers what it is handed."""

    config: Mapping[str, Any]

    def log_hyperparams(self, params: Any = None) -> None:
        self.config = params


class Refusing(CSVLogger):
    """A logger whose server wants a login."""

    def log_hyperparams(self, params: Any = None) -> None:
        raise RuntimeError("log in first")


def test_what_is_handed_over_is_resolved_and_leaves_out_what_may_hold_a_password(tmp_path: Path) -> None:
    nodes = {"hydra": {"storage": "secret"}, "logger": {"key": "${nowhere}"}}
    cfg = OmegaConf.create({"seed": 3, "data": {"seed": "${seed}", "folds": None}, **nodes})
    logger = Recorder(tmp_path)
    log_config([logger], plain_config(cfg))
    assert logger.config == {"seed": 3, "data": {"seed": 3, "folds": None}}


def test_groups_that_are_not_read_are_not_shown_but_what_is_written_in_them_is_known() -> None:
    cfg = OmegaConf.create({"learner": {"lr": 1}, "optimizer": {"lr": 0.1}, "note": "lr ${optimizer.lr}"})
    assert plain_config(cfg) == {"learner": {"lr": 1}, "note": "lr 0.1"}


def test_a_logger_that_cannot_begin_is_a_mistake_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^logger: Refusing cannot begin: RuntimeError: log in first$"):
        log_config([Refusing(tmp_path)], {})


@pytest.fixture
def text(tmp_path: Path) -> str:
    """What TensorBoard shows of a run's config."""
    run = build(small("logger=tensorboard", "note=why", "tags=[a,b]", "optimizer.lr=0.25"), tmp_path, NoReporter())
    with closed_loggers(run.trainer.loggers, tmp_path):
        run.trainer.logger.experiment.close()  # type: ignore[union-attr]
    events = EventAccumulator(str(tmp_path)).Reload()
    assert events.Tags()["tensors"] == ["config/text_summary"]
    (event,) = events.Tensors("config/text_summary")
    return str(event.tensor_proto.string_val[0].decode())


def test_tensorboard_shows_the_resolved_config_as_code_and_not_as_hparams(text: str) -> None:
    lines = text.splitlines()
    assert {"    note: why", "      lr: 0.25", "      mode: min"} <= set(lines)
    assert all(line.startswith("    ") for line in lines)
    assert "${" not in text


def test_keys_of_a_logger_that_is_not_chosen_are_a_mistake_in_one_line(tmp_path: Path) -> None:
    cfg = OmegaConf.create({"logger": {"wandb": {"entity": "me", "api_key": "secret"}}})
    with pytest.raises(UserError, match=r"^logger\.wandb must have a _target_; got entity, api_key alone: "):
        build_loggers(cfg, tmp_path)
