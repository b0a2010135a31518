"""Learning-rate range test (Smith 2017): train while the learning rate rises, and see where the loss falls fastest.

Lightning's own takes the slope over the learning rate itself, where small rates win by a thousandfold.
"""

from __future__ import annotations

import csv
import logging
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from numpy.typing import NDArray
from omegaconf import DictConfig, OmegaConf

from tunesmith import run_folder
from tunesmith.errors import UserError
from tunesmith.insight.plots import save_lr_curve
from tunesmith.training.build import build_learner, build_quiet_trainer
from tunesmith.training.ddp.processes import is_follower
from tunesmith.training.fit import interruptible

log = logging.getLogger(__name__)

CSV_FILE, PICTURE_FILE, FOUND_FILE = "lr_find.csv", "lr_find.png", "lr_find.yaml"
# The test is over when the smoothed loss is so many times the best so far; 0.98 smooths it. Both as fast.ai has them.
DIVERGED, SMOOTHING = 4.0, 0.98
# Splits of all steps: the start, where the rate is too small to matter, and what is dropped at the end.
START, DROPPED = 0.25, 0.05
# The loss has to fall by this part of what it is at the start; the descent begins after so much of the fall.
LEAST_FALL, BEGUN = 0.1, 0.25
MIN_STEPS = 30

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LrCurve:
    """One range test: a value per step, the learning rate rising evenly on a log scale.

    suggestion: where the smoothed loss falls fastest over log lr; None where the curve gives no answer.
    reason: why it gives none.
    """

    lr: Floats
    loss: Floats
    smoothed: Floats
    suggestion: float | None
    reason: str | None = None


def find_lr(cfg: DictConfig, folder: Path) -> LrCurve:
    """Run the range test of a config, on one device; write lr_find.csv and lr_find.png into the folder.

    Nothing that it trains is kept, and it leaves no trace in a run that follows: that one seeds itself.
    """
    torch.set_num_threads(cfg.threads)
    L.seed_everything(cfg.seed, verbose=False)
    data, module = build_learner(cfg, None if cfg.data.get("folds") is None else 0)
    module.make_scheduler, module.warmup_epochs = None, 0
    ramp = _Ramp(cfg.lr_finder.min_lr, cfg.lr_finder.max_lr, cfg.lr_finder.steps)
    flags: dict[str, Any] = {"max_epochs": -1, "max_steps": cfg.lr_finder.steps, "limit_val_batches": 0}
    flags |= {"devices": 1, "num_nodes": 1, "accumulate_grad_batches": _batches_of_a_step(cfg, folder)}
    trainer = build_quiet_trainer(cfg, folder, callbacks=[ramp], **flags)
    with interruptible(trainer):
        trainer.fit(module, data)
    curve = suggest_lr(np.array(ramp.lrs), np.array(ramp.losses))
    _write(folder, curve)
    return curve


def with_found_lr(cfg: DictConfig, folder: Path, is_resumed: bool) -> DictConfig:
    """Return the config with the learning rate that the range test suggests; a resumed run keeps the one it found.

    On several devices the first process searches before the others are there, which read what it has found.

    Raises:
        UserError: the curve gives no answer.
    """
    path = folder / FOUND_FILE
    if not is_follower() and not (is_resumed and path.exists()):
        curve = find_lr(cfg, folder)
        if curve.suggestion is None:
            raise UserError(f"find_lr: the curve gives no answer: {curve.reason}; give optimizer.lr yourself")
        run_folder.write_yaml(path, {"optimizer.lr": curve.suggestion})
        log.info("learning rate found: optimizer.lr=%g", curve.suggestion)
    found = cfg.copy()
    OmegaConf.update(found, "optimizer.lr", run_folder.read_yaml(path)["optimizer.lr"])
    return found


def suggest_lr(lr: Floats, loss: Floats) -> LrCurve:
    """Return the curve with the learning rate at its steepest descent, to two digits, or the reason why there is none.

    The slope is taken over log lr of the smoothed loss, from where it has begun to fall to where it is lowest. The
    smoothed loss lags behind the loss itself by about half a decade.
    """
    finite = np.isfinite(loss)
    lr, loss = lr[: _first(~finite)], loss[: _first(~finite)]
    if len(loss) < MIN_STEPS:
        return LrCurve(lr, loss, loss, None, f"the loss diverged after {len(loss)} steps")
    smoothed = smooth(loss)
    first, last = math.ceil(START * len(loss)), len(loss) - math.ceil(DROPPED * len(loss))
    start, noise = loss[:first].mean(), loss[:first].std()
    lowest = first + int(smoothed[first:last].argmin())
    fall = start - smoothed[lowest]
    if fall <= max(LEAST_FALL * abs(start), noise):
        reason = f"the loss does not fall enough: from {start:.4g} by {fall:.2g}, where batches differ by {noise:.2g}"
        return LrCurve(lr, loss, smoothed, None, reason)
    before = np.flatnonzero(smoothed[:lowest] > start - BEGUN * fall)
    begun = int(before[-1]) if len(before) else 0
    steepest = begun + int(np.gradient(smoothed, np.log10(lr))[begun : lowest + 1].argmin())
    if steepest == last - 1:
        reason = f"the loss falls fastest at the largest learning rate, {lr[-1]:.2g}: raise lr_finder.max_lr"
        return LrCurve(lr, loss, smoothed, None, reason)
    return LrCurve(lr, loss, smoothed, float(f"{lr[steepest]:.2g}"))


def smooth(loss: Floats) -> Floats:
    """Return the exponential moving average of all losses up to each one, not biased towards zero at the start."""
    weights = SMOOTHING ** np.arange(len(loss))
    sums = np.array([weights[: place + 1][::-1] @ loss[: place + 1] for place in range(len(loss))])
    return np.asarray(sums / np.cumsum(weights))


class _Ramp(L.Callback):
    """Sets the learning rate before each step and keeps it with the step's loss."""

    def __init__(self, min_lr: float, max_lr: float, steps: int) -> None:
        self.schedule = np.geomspace(min_lr, max_lr, steps)
        self.lrs: list[float] = []
        self.losses: list[float] = []
        self._of_step: list[float] = []

    def on_train_batch_start(self, trainer: L.Trainer, *args: Any) -> None:
        for group in trainer.optimizers[0].param_groups:
            group["lr"] = self.schedule[min(trainer.global_step, len(self.schedule) - 1)]

    def on_train_batch_end(self, trainer: L.Trainer, module: L.LightningModule, outputs: Any, *args: Any) -> None:
        self._of_step.append(float(outputs["loss"]))
        if trainer.should_stop or trainer.global_step == len(self.losses):
            return  # the batches of one step are gathered
        self.lrs.append(float(trainer.optimizers[0].param_groups[0]["lr"]))
        self.losses.append(trainer.accumulate_grad_batches * float(np.mean(self._of_step)))
        self._of_step.clear()
        smoothed = smooth(np.array(self.losses))
        if not smoothed[-1] <= DIVERGED * smoothed.min():
            trainer.should_stop = True


def _batches_of_a_step(cfg: DictConfig, folder: Path) -> int:
    """Return how many batches make a step of the run: one device takes those of all, one after the other."""
    trainer = build_quiet_trainer(cfg, folder)
    return trainer.accumulate_grad_batches * trainer.num_devices * trainer.num_nodes


def _first(true: NDArray[np.bool_]) -> int:
    return int(true.argmax()) if true.any() else len(true)


def _write(folder: Path, curve: LrCurve) -> None:
    with (folder / CSV_FILE).open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("lr", "loss", "smoothed"))
        writer.writerows(zip(curve.lr.tolist(), curve.loss.tolist(), curve.smoothed.tolist(), strict=True))
    save_lr_curve(folder / PICTURE_FILE, curve.lr, curve.loss, curve.smoothed, curve.suggestion)
