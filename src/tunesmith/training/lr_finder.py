"""Learning-rate range test (Smith 2017, arXiv:1506.01186): raise the learning rate each step, see where the loss falls.

Lightning's own finder takes the slope over lr instead of log lr, which suggests rates a thousand times too small.
"""

from __future__ import annotations

import csv
import logging
import math
from contextlib import nullcontext
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
from tunesmith.training.build import build_quiet_trainer, start_weights
from tunesmith.training.callbacks.seeded_epochs import SeededEpochs
from tunesmith.training.cross_validation import has_folds
from tunesmith.training.ddp.processes import is_rank_zero
from tunesmith.training.fit import interruptible
from tunesmith.training.learner import Supervised
from tunesmith.training.learner_and_data import build_learner
from tunesmith.training.run_bar import RunBar, make_bar

log = logging.getLogger(__name__)

CSV_FILE, PICTURE_FILE, FOUND_FILE = "lr_find.csv", "lr_find.png", "lr_find.yaml"
# fast.ai's: beta of the moving average; the test ends when the smoothed loss exceeds so many times its lowest value.
SMOOTHING, DIVERGED = 0.98, 4.0
# Ours, from the curves of digits (Adam, seeds 0 to 4) and diabetes; of the default 100 steps from 1e-7 to 1e-1:
# the first quarter, up to 3e-6, has rates too small to matter: its mean and deviation are the loss at the start and its
# noise; the last twentieth is left out, because a suggestion there means that the largest rate is too small.
START, DROPPED = 0.25, 0.05
# Ours, from the same curves: a fall of less than a tenth of the loss at the start gives no answer. The slope counts
# from a quarter of the fall on: on diabetes, 264 samples, the steepest place before it was noise, at 4e-7.
LEAST_FALL, BEGUN = 0.1, 0.25
# Ours: fewer steps leave too few points for a slope.
MIN_STEPS = 30

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LrCurve:
    """One range test: lr, loss and smoothed loss of each step, (steps,) float64; lr rises evenly on a log scale.

    suggestion: the lr at which the smoothed loss falls fastest over log lr; None if the curve gives no answer.
    reason: why there is no suggestion.
    """

    lr: Floats
    loss: Floats
    smoothed: Floats
    suggestion: float | None
    reason: str | None = None


def find_lr(cfg: DictConfig, folder: Path) -> LrCurve:
    """Run the range test of a config on one device; write lr_find.csv and lr_find.png into the folder.

    The trained weights are thrown away; a run that follows is the same as without the test, because it seeds itself.
    """
    torch.set_num_threads(cfg.threads)
    L.seed_everything(cfg.seed, verbose=False)
    data, module = build_learner(cfg, 0 if has_folds(cfg) else None)
    if not isinstance(module, Supervised):
        raise UserError(
            f"the learning-rate finder needs learner=supervised or a subclass of it; got {type(module).__name__}, "
            "whose learning rate it does not know"
        )
    module.make_scheduler, module.warmup_epochs = None, 0
    bar, num_steps = make_bar(cfg), cfg.lr_finder.steps
    ramp = _Ramp(cfg.lr_finder.min_lr, cfg.lr_finder.max_lr, num_steps, bar)
    flags: dict[str, Any] = {"max_epochs": -1, "max_steps": num_steps, "limit_val_batches": 0}
    flags |= {"devices": 1, "num_nodes": 1, "accumulate_grad_batches": _batches_of_a_step(cfg, folder)}
    callbacks = [SeededEpochs(cfg.seed), ramp, *start_weights(cfg)]
    trainer = build_quiet_trainer(cfg, folder, callbacks=callbacks, **flags)
    with bar or nullcontext(), interruptible(trainer):
        if bar is not None:
            bar.start(0, 1, num_steps, ends_earlier=True, name="learning-rate test")
        trainer.fit(module, data)
    curve = suggest_lr(np.array(ramp.lrs), np.array(ramp.losses))
    _write(folder, curve)
    return curve


def with_found_lr(cfg: DictConfig, folder: Path, is_resumed: bool) -> DictConfig:
    """Return the config with the suggested learning rate; a resumed run keeps the rate that its first attempt found.

    On several devices rank zero runs the test before it starts the other ranks, which read the rate from its file.

    Raises:
        UserError: the curve gives no answer.
    """
    path = folder / FOUND_FILE
    if is_rank_zero() and not (is_resumed and path.exists()):
        curve = find_lr(cfg, folder)
        if curve.suggestion is None:
            raise UserError(f"find_lr: the curve gives no answer: {curve.reason}; give optimizer.lr yourself")
        run_folder.write_yaml(path, {"optimizer.lr": curve.suggestion})
        log.info("learning rate found: optimizer.lr=%g", curve.suggestion)
    found = cfg.copy()
    OmegaConf.update(found, "optimizer.lr", run_folder.read_yaml(path)["optimizer.lr"])
    return found


def suggest_lr(lr: Floats, loss: Floats) -> LrCurve:
    """Return the curve with the learning rate of the steepest descent, to two digits, or the reason for having none.

    The slope is that of the smoothed loss over log lr, between the begin of the fall and the lowest loss. The smoothed
    loss lags behind the loss itself by about half a decade.

    lr, loss: (steps,) float64.
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
        reason = f"the loss does not fall enough: from {start:.4g} by {fall:.2g}, while batches differ by {noise:.2g}"
        return LrCurve(lr, loss, smoothed, None, reason)
    before = np.flatnonzero(smoothed[:lowest] > start - BEGUN * fall)
    begun = int(before[-1]) if len(before) else 0
    steepest = begun + int(np.gradient(smoothed, np.log10(lr))[begun : lowest + 1].argmin())
    if steepest == last - 1:
        reason = f"the loss falls fastest at the largest learning rate, {lr[-1]:.2g}: raise lr_finder.max_lr"
        return LrCurve(lr, loss, smoothed, None, reason)
    return LrCurve(lr, loss, smoothed, float(f"{lr[steepest]:.2g}"))


def smooth(loss: Floats) -> Floats:
    """Return the exponential moving average, (steps,): s_t = (sum over k <= t of b^(t-k) loss_k) / (sum of b^(t-k)).

    b is SMOOTHING; the denominator keeps the start from being biased towards zero.
    """
    import pandas as pd  # here, because a run without the finder need not wait for the import

    return np.asarray(pd.Series(loss).ewm(alpha=1 - SMOOTHING, adjust=True).mean())


class _Ramp(L.Callback):
    """Sets the learning rate before each step, keeps the rate and the step's loss, and stops when the loss diverges.

    Its running average equals smooth(), which would take 0.1 ms if it were called at each step.
    """

    def __init__(self, min_lr: float, max_lr: float, steps: int, bar: RunBar | None = None) -> None:
        self.schedule = np.geomspace(min_lr, max_lr, steps)
        self._bar = bar
        self.lrs: list[float] = []
        self.losses: list[float] = []
        self._of_step: list[float] = []
        self._sum = self._weight = 0.0
        self._lowest = math.inf

    def on_train_batch_start(self, trainer: L.Trainer, *args: Any) -> None:
        for group in trainer.optimizers[0].param_groups:
            group["lr"] = self.schedule[min(trainer.global_step, len(self.schedule) - 1)]

    def on_train_batch_end(self, trainer: L.Trainer, module: L.LightningModule, outputs: Any, *args: Any) -> None:
        self._of_step.append(float(outputs["loss"]))
        if trainer.should_stop or trainer.global_step == len(self.losses):
            return  # this step needs further batches
        self.lrs.append(float(trainer.optimizers[0].param_groups[0]["lr"]))
        self.losses.append(trainer.accumulate_grad_batches * float(np.mean(self._of_step)))
        self._of_step.clear()
        if self._bar is not None:
            self._bar.step()
        if self._has_diverged(self.losses[-1]):
            trainer.should_stop = True

    def _has_diverged(self, loss: float) -> bool:
        self._sum = SMOOTHING * self._sum + loss
        self._weight = SMOOTHING * self._weight + 1
        smoothed = self._sum / self._weight
        self._lowest = min(self._lowest, smoothed)
        return not smoothed <= DIVERGED * self._lowest  # nor is NaN


def _batches_of_a_step(cfg: DictConfig, folder: Path) -> int:
    """Return how many batches make one step of the run; the test's one device takes those of all devices in turn."""
    trainer = build_quiet_trainer(cfg, folder)
    return trainer.accumulate_grad_batches * trainer.num_devices * trainer.num_nodes


def _first(true: NDArray[np.bool_]) -> int:
    """Return the index of the first True, or the length if there is none."""
    return int(true.argmax()) if true.any() else len(true)


def _write(folder: Path, curve: LrCurve) -> None:
    with (folder / CSV_FILE).open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("lr", "loss", "smoothed"))
        writer.writerows(zip(curve.lr.tolist(), curve.loss.tolist(), curve.smoothed.tolist(), strict=True))
    save_lr_curve(folder / PICTURE_FILE, curve.lr, curve.loss, curve.smoothed, curve.suggestion)
