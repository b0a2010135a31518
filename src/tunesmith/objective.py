"""The objective: the one metric that early stopping, checkpoint, scheduler, pruner and study follow.

A study may have further objectives, which nothing but the study follows.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from omegaconf import DictConfig, OmegaConf

from tunesmith.errors import UserError, closest

# Of any run: numbers of its trainable parameters, and of seconds that an epoch took. They are in no row of metrics.csv.
PARAMETERS, SECONDS = "parameters", "seconds_per_epoch"
OF_RUN = (PARAMETERS, SECONDS)

WORST = {"min": math.inf, "max": -math.inf, "last": math.nan}

# Words that end a metric's name. Names that end otherwise have no mode of their own.
MODES = {
    **dict.fromkeys(("loss", "rmse", "mae", "mse", "error"), "min"),
    **dict.fromkeys(("acc", "accuracy", "f1", "auroc", "auc", "r2", "recall", "precision"), "max"),
}
TOP_K = re.compile(r"top[1-9]\d*")  # top5: how often the right class is among five
# What may follow that word: the part, how an average was taken, what Lightning appends.
_AFTER = {
    *("train", "training", "val", "valid", "validation", "test", "epoch", "step", "dataloader", "idx"),
    *("score", "macro", "micro", "weighted", "mean", "avg"),
}
_REVERSED = {"neg", "negative", "minus", "inv", "inverse", "reversed"}
_MINUS = re.compile(r"\b1 ?- ?[A-Za-z]|(?:^|/)-")  # 1-acc, val/-loss
_WORD = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+")  # MulticlassAccuracy is two words


@dataclass(frozen=True)
class Objective:
    """A metric's name, such as val/loss, and its mode: "min" if less is better, "max" if more is better.

    mode: "last", which no config may say: the later of two epochs is the better one.
    """

    metric: str
    mode: str

    def is_better(self, value: float, than: float) -> bool:
        """Compare two values; NaN is never better."""
        if self.mode == "last":
            return not math.isnan(value)
        return value < than if self.mode == "min" else value > than


@dataclass
class BestSoFar:
    """The best value of one run so far and the epoch (from 1) that reached it; epoch 0: none yet.

    step: of the optimizer, counted over the run, if an epoch may have several validations; else None.
    """

    objective: Objective
    value: float = math.nan
    epoch: int = 0
    step: int | None = None

    def update(self, value: float, epoch: int, step: int | None = None) -> bool:
        """Record one epoch's or validation's value; return whether it is the best so far."""
        if not self.would_be(value):
            return False
        self.value, self.epoch, self.step = value, epoch, step
        return True

    def would_be(self, value: float) -> bool:
        """Whether a value is better than the best so far."""
        return self.objective.is_better(value, self.value if self.epoch else WORST[self.objective.mode])

    def state_dict(self) -> dict[str, float | int]:
        return {"value": self.value, "epoch": self.epoch, **({} if self.step is None else {"step": self.step})}

    def load_state_dict(self, state: dict[str, float | int]) -> None:
        self.value, self.epoch = float(state["value"]), int(state["epoch"])
        self.step = int(state["step"]) if "step" in state else None


def known_mode(metric: str) -> str | None:
    """Return "min" or "max" by the last word of a metric's name; None if that does not tell.

    val_loss, val/loss_epoch and val/loss/dataloader_idx_0 are losses, val/top5_acc is an accuracy. Of neg_loss,
    -loss or 1-acc nobody can tell whether the reversal is in the number, or in the name alone.
    """
    if metric in OF_RUN:
        return "min"
    words = [word.lower() for word in _WORD.findall(metric)]
    while len(words) > 1 and (words[-1] in _AFTER or words[-1].isdecimal()):
        words.pop()
    if not words or _REVERSED & set(words) or _MINUS.search(metric):
        return None
    last = words[-1]
    if last in MODES:
        return MODES[last]
    return "max" if TOP_K.fullmatch(last) else MODES.get(last.rstrip("0123456789"))  # acc5, loss2


def mode_of(metric: object) -> str:
    """Return the mode of a metric that is known by its name: ${mode_of:${objective.metric}} in a config.

    Raises:
        UserError: the name does not tell.
    """
    mode = known_mode(str(metric))
    if mode is None:
        raise UserError(
            f"objective.mode must be given with objective.metric={metric}, whose name does not tell whether less or "
            f"more of it is better; got none: add objective.mode=min or objective.mode=max{_meant(str(metric))}"
        )
    return mode


def read_objectives(cfg: DictConfig) -> tuple[Objective, ...]:
    """Return the objective of a config, and the further ones of its study.

    Raises:
        UserError: of a further one nobody can tell the mode, or two are of one metric.
    """
    first = Objective(cfg.objective.metric, cfg.objective.mode)
    objectives = (first, *_others(OmegaConf.select(cfg, "objective.others", default=None)))
    metrics = [each.metric for each in objectives]
    twice = next((metric for metric in metrics if metrics.count(metric) > 1), None)
    if twice is not None:
        raise UserError(f"objective.others must be metrics other than objective.metric, each once; got {twice} twice")
    return objectives


def check_others(others: Sequence[Objective], names: Collection[str]) -> None:
    """Raise UserError if a further objective is none of a run's metrics; names: of these."""
    for objective in others:
        if objective.metric not in names:
            hint = closest(objective.metric, names)
            raise UserError(f"objective.others must be metrics of the run; got '{objective.metric}'{hint}")


def directions(mode: str, others: Sequence[object] | None) -> str | list[str]:
    """Return a study's direction, a list with others: ${directions:${objective.mode},${objective.others}}."""
    modes = [each.mode for each in _others(others)]
    return [mode, *modes] if modes else mode


def _others(given: Sequence[object] | None) -> list[Objective]:
    if isinstance(given, str) or not isinstance(given, Sequence | None):
        raise UserError(f"objective.others must be a list of metrics, such as [parameters]; got {given!r}")
    return list(map(_other, given or ()))


def _other(given: object) -> Objective:
    named = given if isinstance(given, Mapping | DictConfig) else {"metric": given}
    metric, mode = named.get("metric"), named.get("mode") or known_mode(str(named.get("metric")))
    if not isinstance(metric, str) or mode not in WORST or not set(map(str, named)) <= {"metric", "mode"}:
        raise UserError(
            "objective.others must be metrics whose names tell whether less of them is better, or nodes such as "
            f"{{metric: NAME, mode: min}}; got {given}"
        )
    return Objective(metric, mode)


def _meant(metric: str) -> str:
    """Return a question if a name ends almost like a known metric's."""
    part, separator, last = metric.rpartition("/")
    matches = get_close_matches(last, MODES, n=1)
    return f"; did you mean {part}{separator}{matches[0]}?" if matches else ""


# At import: whoever reads a config with an objective, of a run, a study or a notebook, has imported this module.
OmegaConf.register_new_resolver("mode_of", mode_of, replace=True)
OmegaConf.register_new_resolver("directions", directions, replace=True)
