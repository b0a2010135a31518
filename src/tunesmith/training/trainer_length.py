"""The length of a run as Lightning's Trainer knows it."""

from __future__ import annotations

from math import ceil, inf

import lightning as L

from tunesmith.errors import UserError
from tunesmith.training.first_validation import irregular_flag


class TrainerLength:
    """The RunLength of a learner's trainer, which counts its batches only if it is asked for them."""

    def __init__(self, learner: L.LightningModule) -> None:
        self.learner = learner

    @property
    def epochs(self) -> float:
        trainer = self.learner.trainer
        limit = inf if trainer.max_epochs in (None, -1) else trainer.max_epochs
        if trainer.max_steps == -1:
            return limit
        epoch_steps = self.epoch_steps
        return 1 if epoch_steps == inf else min(limit, ceil(trainer.max_steps / epoch_steps))

    @property
    def steps(self) -> float:
        steps = self.learner.trainer.estimated_stepping_batches
        return inf if steps in (None, -1) else steps

    @property
    def epoch_steps(self) -> float:
        trainer = self.learner.trainer
        trainer.fit_loop.setup_data()  # counts the batches
        batches = trainer.num_training_batches
        return inf if batches == inf else ceil(batches / trainer.accumulate_grad_batches)

    def epochs_between(self, metric: str) -> int:
        if self.learner._trainer is None or metric.startswith("train/"):
            return 1
        trainer = self.learner.trainer
        flag = irregular_flag(trainer)
        if flag is not None:
            raise UserError(
                f"{flag} leaves epochs without a validation, whose {metric} a plateau schedule follows: validate "
                "in each epoch, or choose scheduler=none"
            )
        return trainer.check_val_every_n_epoch or 1
