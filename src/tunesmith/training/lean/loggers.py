"""The config's loggers in a run without a Trainer: built, begun and ended as Lightning's Trainer does it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from tunesmith.training.loggers import RunLogger, build_logger, closed_loggers, logger_nodes

_TENSORBOARD = "TensorBoardLogger"
# The node of conf/logger/tensorboard.yaml. With any other key or value Lightning's own logger is built.
_EVENTS = {"_partial_": True, "name": "", "version": "", "default_hp_metric": False}
_TARGETS = tuple(f"lightning.pytorch.loggers.{module}{_TENSORBOARD}" for module in ("", "tensorboard."))


def build_lean_loggers(cfg: DictConfig, folder: Path) -> list[RunLogger]:
    """Build the loggers of a lean run; an events file takes the place of a plain TensorBoardLogger.

    Raises:
        UserError: see build_loggers.
    """
    return [_build(cfg, key, folder) for key in logger_nodes(cfg)]


def build_tensorboard(cfg: DictConfig, folder: Path) -> list[RunLogger]:
    """Build the run's TensorBoard loggers alone."""
    nodes = logger_nodes(cfg).items()
    return [_build(cfg, key, folder) for key, node in nodes if str(node.get("_target_")).endswith(f".{_TENSORBOARD}")]


@contextmanager
def begun_loggers(loggers: Sequence[RunLogger], folder: Path, module: object) -> Iterator[None]:
    """Begin the loggers of a run, and end them, as failed if the block raises.

    module: the learner; hyperparameters that a subclass has saved are logged.
    """
    status = "failed"
    with closed_loggers(loggers, folder):
        try:
            for logger in loggers:
                _begin(logger, module)
            yield
            status = "success"
        finally:
            for logger in loggers:
                logger.finalize(status)


def _build(cfg: DictConfig, key: str, folder: Path) -> RunLogger:
    node = OmegaConf.to_container(OmegaConf.select(cfg, key), resolve=False)
    assert isinstance(node, dict)
    if node.pop("_target_", None) not in _TARGETS or node != _EVENTS:
        return build_logger(cfg, key, folder)
    from tunesmith.training.lean.events import EventFile

    return EventFile(folder)


def _begin(logger: RunLogger, module: object) -> None:
    """Let a logger take the hyperparameters that the learner has saved, if there are any."""
    if getattr(module, "_log_hyperparams", False) and hasattr(logger, "log_hyperparams"):
        logger.log_hyperparams(module.hparams_initial)  # type: ignore[attr-defined]
    logger.save()
