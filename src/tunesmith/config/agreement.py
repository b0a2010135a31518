"""Values of different parts of a config that have to agree."""

from __future__ import annotations

import re
from typing import Any

from omegaconf import DictConfig, OmegaConf

from tunesmith.config.selection import ABSENT, select
from tunesmith.errors import UserError
from tunesmith.objective import Objective, known_mode, read_objectives
from tunesmith.rules import is_number


def check_mode(cfg: DictConfig) -> None:
    """Raise UserError for an accuracy that would be minimised or the like: stopping and sweep would keep the worst."""
    metric, mode = (select(cfg, f"objective.{key}", f"objective.{key}") for key in ("metric", "mode"))
    if ABSENT in (metric, mode):
        return
    objectives = read_objectives(cfg)
    for objective in objectives:
        _check_known_mode(objective)
    direction = select(cfg, "hydra.sweeper.direction", "hydra.sweeper.direction")
    given = [direction] if isinstance(direction, str) else direction
    if direction is not ABSENT and [str(each)[:3] for each in given] != [each.mode for each in objectives]:  # minimize
        further = "" if isinstance(direction, str) else ", or add objective.others=[METRIC] for a further objective"
        raise UserError(
            f"hydra.sweeper.direction must be that of objective.mode={mode}; got {direction}: leave it out{further}"
        )


def _check_known_mode(objective: Objective) -> None:
    metric, mode, known = objective.metric, objective.mode, known_mode(objective.metric)
    if known not in (None, mode):
        better = "more" if known == "max" else "less"
        raise UserError(
            f"objective.mode must be {known} with objective.metric={metric}, of which {better} is better; got {mode}: "
            "leave objective.mode out; a metric of yours that is of the other mode needs another name"
        )


def check_val_batches(cfg: DictConfig) -> None:
    """Raise UserError if the objective is a metric of a validation that trainer.limit_val_batches leaves out."""
    metric, limit = (
        OmegaConf.select(cfg, key, default=None) for key in ("objective.metric", "trainer.limit_val_batches")
    )
    if is_number(limit) and limit == 0 and re.match(r"val(id(ation)?)?[/_]", str(metric)):
        raise UserError(
            f"trainer.limit_val_batches must be more than 0 with objective.metric={metric}, a metric of validations; "
            f"got {limit}: leave it out, or choose a metric of training, such as train/loss"
        )


def check_patience(cfg: DictConfig) -> None:
    """Raise UserError if training stops before a plateau schedule can act, so that the learning rate never falls.

    A schedule acts after more epochs without improvement than its patience, early stopping after as many as its own.
    With a threshold of its own it calls other epochs improvements; a run of few epochs ends before either acts.
    """
    keys = ("scheduler", "callbacks", "trainer.max_epochs")
    plateau, callbacks, max_epochs = (select(cfg, key, key) for key in keys)
    if not (isinstance(callbacks, DictConfig) and _is_a(plateau, "ReduceLROnPlateau")) or "threshold" in plateau:
        return
    own = plateau.get("patience", 10)
    for name in map(str, callbacks):
        key, callback = f"callbacks.{name}.patience", callbacks[name]
        if not _is_a(callback, "EarlyStopping") or callback.get("monitor") != OmegaConf.select(cfg, "objective.metric"):
            continue
        patience = callback.get("patience")
        if is_number(max_epochs) and is_number(patience) and patience <= min(own, max_epochs - 2):
            raise UserError(
                f"scheduler.patience must be less than {key}={patience}, or training stops before the "
                f"learning rate falls; got {own}: lower it, raise {key}, or say scheduler=none"
            )


def _is_a(node: Any, name: str) -> bool:
    return isinstance(node, DictConfig) and str(node.get("_target_")).rpartition(".")[2] == name
