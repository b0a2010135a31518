"""The loggers of a run without a Trainer: which are built, and that they hear what Lightning's Trainer tells them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from omegaconf import DictConfig
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny import small

from tunesmith.reporting import NoReporter
from tunesmith.training.build import build
from tunesmith.training.lean.events import EventFile
from tunesmith.training.lean.loggers import begun_loggers, build_lean_loggers, build_tensorboard
from tunesmith.training.loggers import log_config, log_hparams, plain_config


class Recorder(CSVLogger):
    """Notes what it is called with, in the order of the calls."""

    calls: ClassVar[list[tuple[Any, ...]]] = []

    def log_hyperparams(self, params: Any = None) -> None:
        self.calls.append(("log_hyperparams", dict(params)))

    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        self.calls.append(("log_metrics", dict(metrics), step))

    def save(self) -> None:
        self.calls.append(("save",))

    def finalize(self, status: str) -> None:
        self.calls.append(("finalize", status))


class Learner:
    """A learner whose class has saved its hyperparameters, as Lightning's save_hyperparameters does."""

    _log_hyperparams = True
    hparams_initial: ClassVar[dict[str, int]] = {"width": 3}


MINE = (f"+logger.mine._target_={__name__}.Recorder", "+logger.mine._partial_=true")


@pytest.fixture
def calls() -> list[tuple[Any, ...]]:
    Recorder.calls.clear()
    return Recorder.calls


def with_mine() -> DictConfig:
    return small("logger=tensorboard", *MINE)


# which are built


def test_the_tensorboard_of_conf_is_an_events_file_and_others_are_lightnings(tmp_path: Path) -> None:
    assert [type(logger) for logger in build_lean_loggers(with_mine(), tmp_path)] == [EventFile, Recorder]


@pytest.mark.parametrize(
    "typed",
    [
        "+logger.tensorboard.max_queue=3",
        "+logger.tensorboard.prefix=mine",
        "logger.tensorboard.version=first",
        "logger.tensorboard.default_hp_metric=true",
    ],
)
def test_a_tensorboard_with_other_values_is_lightnings_own(typed: str, tmp_path: Path) -> None:
    (logger,) = build_lean_loggers(small("logger=tensorboard", typed), tmp_path)
    assert type(logger) is TensorBoardLogger


def test_a_run_without_loggers_has_none(tmp_path: Path) -> None:
    assert build_lean_loggers(small("logger=none"), tmp_path) == []


def test_of_several_the_tensorboards_are_built_alone(tmp_path: Path) -> None:
    assert [type(logger) for logger in build_tensorboard(with_mine(), tmp_path)] == [EventFile]


# what they are told


def train_with_lightning(cfg: DictConfig, folder: Path) -> None:
    run = build(cfg, folder, NoReporter())
    run.trainer.fit(run.module, run.data)


def test_a_logger_of_ones_own_hears_what_lightnings_trainer_tells_it(
    calls: list[tuple[Any, ...]], tmp_path: Path
) -> None:
    cfg = small(*MINE, "trainer.max_epochs=2", "probes=false")
    train_with_lightning(cfg, tmp_path)
    of_lightning = list(calls)
    calls.clear()
    loggers = build_lean_loggers(cfg, tmp_path)
    log_config(loggers, plain_config(cfg))
    with begun_loggers(loggers, tmp_path, module=None):
        *epochs, end = [call[1:] for call in of_lightning if call[0] == "log_metrics"]
        for metrics, step in epochs:
            for logger in loggers:
                logger.log_metrics(metrics, step=step)
        log_hparams(loggers, {"seed": 0}, "COMPLETE", end[0]["objective"], end[1])
    assert calls == of_lightning
    assert [call[0] for call in calls] == [
        *("log_hyperparams", "save", "log_metrics", "log_metrics", "log_hyperparams", "log_metrics", "finalize")
    ]


def test_hyperparameters_that_a_learner_has_saved_are_logged(calls: list[tuple[Any, ...]], tmp_path: Path) -> None:
    with begun_loggers(build_lean_loggers(small(*MINE), tmp_path), tmp_path, Learner()):
        pass
    assert calls == [("log_hyperparams", {"width": 3}), ("save",), ("finalize", "success")]


@pytest.mark.parametrize("error", [ValueError("a bug"), KeyboardInterrupt("Ctrl-C")])
def test_a_run_that_ends_with_an_error_is_said_to_have_failed(
    error: BaseException, calls: list[tuple[Any, ...]], tmp_path: Path
) -> None:
    loggers = build_lean_loggers(small(*MINE), tmp_path)
    with pytest.raises(type(error), match=str(error)), begun_loggers(loggers, tmp_path, module=None):
        raise error
    assert calls[-1] == ("finalize", "failed")


def test_tensorboard_shows_the_config(tmp_path: Path) -> None:
    cfg = small("logger=tensorboard", "note=why")
    loggers = build_lean_loggers(cfg, tmp_path)
    log_config(loggers, plain_config(cfg))
    events = EventAccumulator(str(tmp_path)).Reload()
    (event,) = events.Tensors("config/text_summary")
    assert "    note: why\n" in event.tensor_proto.string_val[0].decode()


def test_a_tensorboard_of_lightning_leaves_no_empty_file_of_hyperparameters(tmp_path: Path) -> None:
    loggers = build_lean_loggers(small("logger=tensorboard", "+logger.tensorboard.max_queue=3"), tmp_path)
    with begun_loggers(loggers, tmp_path, module=None):
        assert (tmp_path / "hparams.yaml").exists()
    assert not (tmp_path / "hparams.yaml").exists()
