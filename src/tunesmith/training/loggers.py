"""Loggers: built by name, handed the config that the run was made from, closed when it ends.

Lightning is imported by a logger of Lightning's alone: a lean run that only TensorBoard follows has none of them.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import yaml
from filelock import FileLock
from omegaconf import DictConfig, OmegaConf

from tunesmith.config.doors import untaken_groups
from tunesmith.errors import UserError
from tunesmith.run_folder import SECRET_GROUPS
from tunesmith.training.imported import is_of
from tunesmith.training.nodes import build_node

if TYPE_CHECKING:
    from lightning.pytorch.loggers import Logger
    from tensorboard.compat.proto.summary_pb2 import Summary

CONFIG_TAG, OBJECTIVE_TAG = "config", "objective"
# Class -> the packages that it needs: each as it is imported, and as it is installed.
_NEEDS = {
    "WandbLogger": {"wandb": "wandb"},
    "MLFlowLogger": {"mlflow": "mlflow-skinny", "sqlalchemy": "sqlalchemy", "alembic": "alembic"},
}
# Arguments that name a run to people; null means the last two folders of its path.
_NAMES = ("name", "run_name")
_SQLITE = "sqlite:///"
_LOGGERS = "lightning.pytorch.loggers"
# The one in C takes a fifth of the time: 2 ms of each trial.
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class RunLogger(Protocol):
    """What a run needs of a logger: Lightning's loggers have it, and lean.events.EventFile."""

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None: ...

    def save(self) -> None: ...

    def finalize(self, status: str) -> None: ...


class SummaryWriter(Protocol):
    """What takes TensorBoard's summaries."""

    def add_summary(self, summary: Summary, global_step: int | None = None) -> None: ...


def build_loggers(cfg: DictConfig, folder: Path) -> list[Logger]:
    """Build the loggers of a run: each node of `logger` is one, or `logger` itself is one if it has a _target_.

    folder: the run's; a logger with _partial_: true is called with it as save_dir.

    Raises:
        UserError: a logger cannot be built, or its package is not installed.
    """
    return [build_logger(cfg, key, folder) for key in logger_nodes(cfg)]


def log_config(loggers: Sequence[RunLogger], config: Mapping[str, Any]) -> None:
    """Hand the loggers the config of the run; to TensorBoard as a text, because HPARAMS shows a sweep's values alone.

    config: plain values, without a password: see plain_config.

    Raises:
        UserError: a logger cannot begin, for example because its server wants a login.
    """
    shown = dict(config)
    for logger in loggers:
        if (writer := _summary_writer(logger)) is not None:
            from tunesmith.training.summaries import code

            text = yaml.dump(shown, Dumper=_DUMPER, sort_keys=False, allow_unicode=True)
            writer.add_summary(code(CONFIG_TAG, text))
            continue
        try:
            logger.log_hyperparams(shown)  # type: ignore[attr-defined]
        except Exception as error:
            raise UserError(f"logger: {type(logger).__name__} cannot begin: {type(error).__name__}: {error}") from None


def log_hparams(loggers: Sequence[RunLogger], params: Mapping[str, Any], state: str, value: float, step: int) -> None:
    """Write a run's session on TensorBoard's HPARAMS page: its params, its state and the objective.

    The other loggers have the whole config since the run began; they get state and objective, to sort runs by.

    value: the objective's, at this step (an epoch or a fold, from 1).
    """
    for logger in loggers:
        if (writer := _summary_writer(logger)) is not None:
            from tunesmith.training.summaries import hparams_session, scalars

            writer.add_summary(hparams_session({**params, "state": state}))
            writer.add_summary(scalars({OBJECTIVE_TAG: value}), step)
        else:
            logger.log_hyperparams({"state": state})  # type: ignore[attr-defined]
            logger.log_metrics({OBJECTIVE_TAG: value}, step)


def log_scalars(loggers: Sequence[RunLogger], values: Mapping[str, float], step: int) -> None:
    """Hand values to the loggers; TensorBoard gets one event, where Lightning's logger writes one for each value."""
    for logger in loggers:
        if (writer := _summary_writer(logger)) is None:
            logger.log_metrics(dict(values), step=step)
        else:
            from tunesmith.training.summaries import scalars

            writer.add_summary(scalars(values), step)


def plain_config(cfg: DictConfig) -> dict[str, Any]:
    """Return the config of a run as plain values, interpolations resolved.

    Left out are groups that the run does not read, and hydra and logger: they may hold passwords.
    """
    left_out = {*SECRET_GROUPS, *untaken_groups(cfg)}
    shown = [str(key) for key in cfg if key not in left_out and not OmegaConf.is_missing(cfg, key)]
    return {
        key: OmegaConf.to_container(cfg[key], resolve=True) if OmegaConf.is_config(cfg[key]) else cfg[key]
        for key in shown
    }


@contextmanager
def closed_loggers(loggers: Sequence[RunLogger], folder: Path) -> Iterator[None]:
    """End at the end of a run what a logger keeps open until the process ends: the next trial would go on with it.

    folder: the run's; TensorBoardLogger leaves a file of hyperparameters there, empty: the config is in .hydra/.
    """
    exit_code = 1
    try:
        yield
        exit_code = 0
        (folder / "hparams.yaml").unlink(missing_ok=True)
    finally:
        if any(is_of(logger, f"{_LOGGERS}.WandbLogger") for logger in loggers):
            import wandb

            wandb.finish(exit_code=exit_code)


def logger_nodes(cfg: DictConfig) -> dict[str, DictConfig]:
    """Return key -> node of each logger; one that is null, as typed by logger.NAME=null, is left out."""
    node = cfg.get("logger")
    if not node:
        return {}
    if "_target_" in node:  # a config of version 0.1.0, or a user's
        return {"logger": node}
    return {f"logger.{name}": node[name] for name in node if node[name]}


def build_logger(cfg: DictConfig, key: str, folder: Path) -> Logger:
    """Build the logger of one node, by its key; see build_loggers."""
    from lightning.pytorch.loggers import Logger, MLFlowLogger, WandbLogger

    node = OmegaConf.select(cfg, key)
    if "_target_" not in node:
        keys = ", ".join(map(str, node))  # without their values, of which one may be a password
        raise UserError(
            f"{key} must have a _target_; got {keys} alone: add the logger that they belong to to logger=[...]"
        )
    name = str(node["_target_"]).rpartition(".")[2]
    _check_packages(key, name)
    if name == "MLFlowLogger":
        _silence_mlflow()
    with _lock(str(node.get("tracking_uri"))):
        made = build_node(cfg, key)
        if not isinstance(made, Logger) and isinstance(made, partial):
            made = made(save_dir=str(folder), **_names(made, folder))
        if isinstance(made, MLFlowLogger):
            _ = made.experiment
    if isinstance(made, WandbLogger) and made._wandb_init.get("anonymous", "") is None:
        del made._wandb_init["anonymous"]  # Lightning 2.6.6 sets it always, and wandb 0.31 warns of it
    if not isinstance(made, Logger):
        raise UserError(f"{key}._target_ must make a logger of lightning.pytorch.loggers; got {type(made).__name__}")
    return made


def _summary_writer(logger: RunLogger) -> SummaryWriter | None:
    """Return what writes TensorBoard's summaries for a logger, None if the logger is no TensorBoard's."""
    if is_of(logger, f"{_LOGGERS}.TensorBoardLogger"):
        experiment = logger.experiment  # type: ignore[attr-defined]
        # On other ranks it is Lightning's stand-in, whose every attribute is a function that does nothing.
        writer: SummaryWriter = experiment.file_writer if hasattr(experiment.file_writer, "add_summary") else experiment
        return writer
    return logger if hasattr(logger, "add_summary") else None  # type: ignore[return-value]


def _check_packages(key: str, name: str) -> None:
    missing = [package for module, package in _NEEDS.get(name, {}).items() if find_spec(module) is None]
    if missing:
        raise UserError(f"{key} needs {', '.join(missing)}: pip install {' '.join(missing)}")


def _names(partial: Any, folder: Path) -> dict[str, str]:
    given = getattr(partial, "keywords", {})
    return {name: "/".join(folder.absolute().parts[-2:]) for name in _NAMES if given.get(name, "") is None}


def _silence_mlflow() -> None:
    """Keep MLflow from sending figures of its use, and from telling that it makes tables and an experiment."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    logging.getLogger("lightning.pytorch.loggers.mlflow").setLevel(logging.ERROR)


@contextmanager
def _lock(uri: str) -> Iterator[None]:
    """Let one process at a time open an SQLite file: of several that make its tables at once, all but one fail."""
    if not uri.startswith(_SQLITE):
        yield
        return
    path = Path(uri.removeprefix(_SQLITE).partition("?")[0])
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        yield
