"""Callbacks and jobs that do what users, bugs and machines do."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import lightning as L
import optuna
import torch
from optuna.pruners import BasePruner


class SignalAt(L.Callback):
    """Sends this process a signal in the middle of an epoch (from 1), once per marker file."""

    def __init__(self, epoch: int, name: str, marker: str, trial: str | None = None) -> None:
        self.epoch, self.signal, self.marker, self.trial = epoch, signal.Signals[name], Path(marker), trial

    def on_train_batch_end(self, trainer: L.Trainer, *args: object) -> None:
        is_trial = self.trial is None or Path(trainer.default_root_dir).name == self.trial
        is_due = is_trial and trainer.is_global_zero and trainer.current_epoch + 1 == self.epoch
        if is_due and not self.marker.exists():
            self.marker.touch()
            os.kill(os.getpid(), self.signal)
            time.sleep(0.2)


class RaiseAt(L.Callback):
    """A bug in user code; of every trial, or of the trials whose folders are named."""

    def __init__(self, trials: list[str] | None = None) -> None:
        self.trials = trials

    def on_train_batch_end(self, trainer: L.Trainer, *args: object) -> None:
        if self.trials is None or Path(trainer.default_root_dir).name in self.trials:
            raise ZeroDivisionError("a bug in a callback")


class Draws(L.Callback):
    """Draws random numbers while training, so that a resumed run has to draw what an unbroken one draws."""

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *args: object) -> None:
        with torch.no_grad():
            for parameter in pl_module.parameters():
                parameter.add_(1e-4 * torch.randn_like(parameter))


class NanAfter(L.Callback):
    """Makes the weights NaN from an epoch on."""

    def __init__(self, epoch: int, trials: list[str] | None = None) -> None:
        self.epoch, self.trials = epoch, trials

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        is_trial = self.trials is None or Path(trainer.default_root_dir).name in self.trials
        if is_trial and trainer.current_epoch + 1 >= self.epoch:
            with torch.no_grad():
                for parameter in pl_module.parameters():
                    parameter.fill_(float("nan"))


class NoteRank(L.Callback):
    """Writes what a rank of a run has come to, and what it draws, into a file named by the rank."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)
        self.draws: list[float] = []

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.draws.append(float(torch.rand(())))

    def teardown(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        weights = [float(parameter.detach().double().sum()) for parameter in pl_module.parameters()]
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        noted = {"epochs": trainer.current_epoch, "weights": weights, "metrics": metrics, "draws": self.draws}
        self.folder.mkdir(exist_ok=True)
        (self.folder / str(trainer.global_rank)).write_text(json.dumps(noted))


class WaitFor(L.Callback):
    """Holds one trial after its first epoch until a file is there."""

    def __init__(self, file: str, trial: str) -> None:
        self.file, self.trial = Path(file), trial

    def on_train_epoch_end(self, trainer: L.Trainer, *args: object) -> None:
        while Path(trainer.default_root_dir).name == self.trial and not self.file.exists():
            time.sleep(0.05)


class PruneAll(BasePruner):
    """Prunes every trial at its second epoch, once three are complete."""

    def prune(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> bool:
        complete = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
        return len(complete) >= 3 and trial.last_step == 2


class KillRank(L.Callback):
    """Kills one rank of one trial in its second epoch."""

    def __init__(self, trial: str, rank: int) -> None:
        self.trial, self.rank = trial, rank

    def on_train_batch_end(self, trainer: L.Trainer, *args: object) -> None:
        is_it = Path(trainer.default_root_dir).name == self.trial and trainer.global_rank == self.rank
        if is_it and trainer.current_epoch == 1:
            os.kill(os.getpid(), signal.SIGKILL)


class SlowEpochs(L.Callback):
    """Takes its time over every epoch, a batch at a time."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def on_train_batch_end(self, trainer: L.Trainer, *args: object) -> None:
        time.sleep(self.seconds / trainer.num_training_batches)
