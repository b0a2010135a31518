"""Early stopping without a Trainer: lightning.pytorch.callbacks.EarlyStopping, decision by decision."""

from __future__ import annotations

import logging
import operator
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from math import inf, isfinite
from typing import Any

from tunesmith.errors import UserError, closest
from tunesmith.training.float32 import as_float32

log = logging.getLogger(__name__)

_IS_BETTER = {"min": operator.lt, "max": operator.gt}
_SIGNS = {"min": "<", "max": ">"}


class Reason(IntEnum):
    """Why a training was stopped; the numbers are those of Lightning's EarlyStoppingReason."""

    NOT_STOPPED = 0
    STOPPING_THRESHOLD = 1
    DIVERGENCE_THRESHOLD = 2
    PATIENCE_EXHAUSTED = 3
    NON_FINITE_METRIC = 4


@dataclass
class Patience:
    """Tells after each epoch whether the training has to stop; all numbers are compared in float32, as Lightning does.

    The arguments are those of EarlyStopping, in their order. Some other things it cannot follow: fast_dev_run, several
    devices and epochs with several validations or without one.

    Attributes:
        key: of the config, for messages.
        wait_count: epochs since the last improvement.
        best_score: the monitored metric's best value so far, a float32.
        stopped_epoch: the epoch, from 0, in which it said stop.
    """

    monitor: str
    min_delta: float = 0.0
    patience: int = 3
    verbose: bool = False
    mode: str = "min"
    strict: bool = True
    check_finite: bool = True
    stopping_threshold: float | None = None
    divergence_threshold: float | None = None
    check_on_train_epoch_end: bool | None = None
    log_rank_zero_only: bool = False
    key: str = "callbacks.early_stopping"
    wait_count: int = field(default=0, init=False)
    stopped_epoch: int = field(default=0, init=False)
    best_score: float = field(init=False)
    stopping_reason: Reason = field(default=Reason.NOT_STOPPED, init=False)
    stopping_reason_message: str | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.best_score = inf if self.mode == "min" else -inf

    def check(self, metrics: Mapping[str, float], epoch: int, is_validated: bool = True) -> bool:
        """Return whether to stop after an epoch.

        metrics: all that the epoch has logged; epoch: from 0; is_validated: whether it has ended with a validation.

        Raises:
            UserError: the monitored metric was not logged, and strict is true.
        """
        if self.check_on_train_epoch_end is False and not is_validated:
            return False
        if self.monitor not in metrics:
            self._miss(metrics)
            return False
        must_stop, message = self._judge(as_float32(metrics[self.monitor]))
        if must_stop:
            self.stopped_epoch = epoch
            self.stopping_reason_message = message
        if message and self.verbose:
            log.info(message)
        return must_stop

    @property
    def state_key(self) -> str:
        """The key of the state in a checkpoint."""
        return f"EarlyStopping{ {'monitor': self.monitor, 'mode': self.mode}!r}"

    def state_dict(self) -> dict[str, Any]:
        """Return the state under Lightning's keys, as plain values: Lightning's best_score is a float32 tensor."""
        return {
            "wait_count": self.wait_count,
            "stopped_epoch": self.stopped_epoch,
            "best_score": self.best_score,
            "patience": self.patience,
            "stopping_reason": self.stopping_reason.value,
            "stopping_reason_message": self.stopping_reason_message,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take a state, of Lightning's callback too; its patience wins over the config's, as in Lightning."""
        self.wait_count = state["wait_count"]
        self.stopped_epoch = state["stopped_epoch"]
        self.best_score = float(state["best_score"])
        self.patience = state["patience"]
        self.stopping_reason = Reason(state.get("stopping_reason", Reason.NOT_STOPPED))
        self.stopping_reason_message = state.get("stopping_reason_message")

    def _miss(self, metrics: Mapping[str, float]) -> None:
        """Raise UserError for a metric that was not logged; if strict is false, warn of it or say nothing."""
        if self.strict:
            hint = closest(self.monitor, metrics)
            raise UserError(f"{self.key}.monitor must be a metric that the learner logs; got '{self.monitor}'{hint}")
        if self.verbose:
            logged = ", ".join(metrics)
            warnings.warn(
                f"{self.key}.monitor: {self.monitor} was not logged in this epoch, but {logged}",
                RuntimeWarning,
                stacklevel=3,
            )

    def _judge(self, value: float) -> tuple[bool, str | None]:
        """Return whether to stop, and what there is to say; value: a float32."""
        is_better, sign = _IS_BETTER[self.mode], _SIGNS[self.mode]
        end = "Signaling Trainer to stop."
        if self.check_finite and not isfinite(value):
            previous = f"Previous best value was {self.best_score:.3f}."
            return self._stop(
                Reason.NON_FINITE_METRIC, f"Monitored metric {self.monitor} = {value} is not finite. {previous} {end}"
            )
        limit = self.stopping_threshold
        if limit is not None and is_better(value, as_float32(limit)):
            reached = f"{self.monitor} = {value} {sign} {limit}."
            return self._stop(Reason.STOPPING_THRESHOLD, f"Stopping threshold reached: {reached} {end}")
        limit = self.divergence_threshold
        if limit is not None and is_better(-value, -as_float32(limit)):
            reached = f"{self.monitor} = {value} {sign} {limit}."
            return self._stop(Reason.DIVERGENCE_THRESHOLD, f"Divergence threshold reached: {reached} {end}")
        if is_better(as_float32(value + self._margin), self.best_score):
            return False, self._improve(value)
        self.wait_count += 1
        if self.wait_count < self.patience:
            return False, None
        waited = f"did not improve in the last {self.wait_count} records. Best score: {self.best_score:.3f}."
        return self._stop(Reason.PATIENCE_EXHAUSTED, f"Monitored metric {self.monitor} {waited} {end}")

    @property
    def _margin(self) -> float:
        """What is added to a value before it is compared with the best one; a float32."""
        return as_float32(self.min_delta if self.mode == "min" else -self.min_delta)

    def _stop(self, reason: Reason, message: str) -> tuple[bool, str]:
        self.stopping_reason = reason
        return True, message

    def _improve(self, value: float) -> str:
        best, self.best_score, self.wait_count = self.best_score, value, 0
        if not isfinite(best):
            return f"Metric {self.monitor} improved. New best score: {value:.3f}"
        gain = as_float32(abs(best - value))
        return (
            f"Metric {self.monitor} improved by {gain:.3f} >= min_delta = {abs(self.min_delta)}. "
            f"New best score: {value:.3f}"
        )
