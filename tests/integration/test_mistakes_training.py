"""Devices, flags of the trainer, keys deleted or set by hand: what no run can have."""

from __future__ import annotations

from pathlib import Path

import pytest
from mistakes import Mistake, check_that_it_is_refused, mistake

ROWS = [
    mistake(
        "trainer.devices=0",
        "trainer.devices must be an integer >= 1, -1 (all GPUs), auto, or a list of GPUs such as [0,2]; got 0",
    ),
    mistake("trainer.devices=-1", "trainer.devices must be an integer from 1 to 8 on a machine's CPU; got -1"),
    mistake(
        "trainer.devices=abc",
        "trainer.devices must be an integer >= 1, -1 (all GPUs), auto, or a list of GPUs such as [0,2]; got 'abc'",
    ),
    mistake(
        "trainer.devices=0,1", "trainer.devices must be one value in a run; got 'trainer.devices=0,1': type -m to sweep"
    ),
    mistake(
        "'trainer.devices=\"0,1\"'",
        "trainer.devices must be an integer from 1 to 8 on a machine's CPU; got '0,1'",
    ),
    mistake(
        "trainer.devices=[]",
        "trainer.devices must be an integer >= 1, -1 (all GPUs), auto, or a list of GPUs such as [0,2]; got []",
    ),
    mistake("trainer.devices=500", "trainer.devices must be an integer from 1 to 8 on a machine's CPU; got 500"),
    mistake(
        "trainer.precision=16",
        "trainer.precision must be 32-true, bf16-mixed, bf16-true or 64-true on a CPU; got '16'",
    ),
    mistake(
        "trainer.precision=16-mixed",
        "trainer.precision must be 32-true, bf16-mixed, bf16-true or 64-true on a CPU; got '16-mixed'",
    ),
    mistake("trainer.accelerator=tpu", "trainer.accelerator must be a device of this machine; got 'tpu'"),
    mistake(
        "trainer.accelerator=null",
        "trainer.accelerator must be one of auto, cpu, cuda, gpu, mps, tpu; got null",
    ),
    mistake("+trainer.num_nodes=0", "trainer.num_nodes must be an integer >= 1; got 0"),
    mistake("trainer.strategy=dpp", "trainer.strategy must be one of auto, ddp, ddp_find_unused_parameters_"),
    mistake("trainer.gradient_clip_val=-1", "trainer.gradient_clip_val must be a number > 0, or null; got -1"),
    mistake("trainer.gradient_clip_val=abc", "trainer.gradient_clip_val must be a number > 0, or null; got 'abc'"),
    mistake("trainer.max_epochs=0", "trainer.max_epochs must be an integer >= 1; got 0"),
    mistake("trainer.max_epochs=null", "trainer.max_epochs must be an integer >= 1; got null"),
    mistake("+trainer.max_steps=0", "trainer.max_steps must be an integer >= 1, or -1; got 0"),
    mistake(
        "+trainer.log_every_n_steps=-1",
        "Could not append to config. An item is already at 'trainer.log_every_n",
    ),
    mistake("trainer.log_every_n_steps=abc", "trainer.log_every_n_steps must be an integer >= 0, or null; got 'abc'"),
    mistake(
        "+trainer.limit_train_batches=1.5",
        "trainer.limit_train_batches must be an integer >= 1, or a number in (0, 1], or null; got 1.5",
    ),
    mistake(
        "+trainer.limit_val_batches=-1",
        "trainer.limit_val_batches must be a number of batches, or a fraction below 1, or null; got -1",
    ),
    mistake(
        "+trainer.check_val_every_n_epoch=0",
        "trainer.check_val_every_n_epoch must be an integer >= 1, or null; got 0",
    ),
    mistake("+trainer.val_check_interval=-1", "trainer.val_check_interval must be more than 0; got -1"),
    mistake(
        "trainer.deterministic=maybe",
        "trainer.deterministic must be true or false, or one of warn; got 'maybe'",
    ),
    mistake("+trainer.inference_mode=abc", "trainer.inference_mode must be true or false; got 'abc'"),
    mistake(
        "+trainer.reload_dataloaders_every_n_epochs=-1",
        "trainer.reload_dataloaders_every_n_epochs must be an integer >= 0; got -1",
    ),
    mistake("trainer.accumulate_grad_batches=0", "trainer.accumulate_grad_batches must be an integer >= 1; got 0"),
    mistake(
        "callbacks.early_stopping.patience=0",
        "callbacks.early_stopping.patience must be an integer >= 1; got 0",
    ),
    mistake(
        "callbacks.early_stopping.min_delta=abc",
        "callbacks.early_stopping.min_delta: there is no such key; got 'callbacks.early_stopping.min_delta=abc'",
    ),
    mistake(
        "callbacks.early_stopping.mode=lowest",
        "callbacks.early_stopping.mode must be one of min, max; got 'lowest'",
    ),
    mistake("scheduler.factor=1", "scheduler.factor must be a number in (0, 1); got 1"),
    mistake("scheduler.patience=-1", "scheduler.patience must be an integer >= 0; got -1"),
    mistake("scheduler.mode=abc", "scheduler.mode must be one of min, max; got 'abc'"),
    mistake("data.batch_size=1.5", "data.batch_size must be an integer >= 1; got 1.5"),
    mistake("data.num_workers=-1", "data.num_workers: there is no such key; got 'data.num_workers=-1'"),
    mistake("~optimizer.lr", "optimizer.lr must not be deleted; got '~optimizer.lr'"),
    mistake("~model", "model must not be deleted; got '~model'"),
    mistake("~trainer", "trainer must not be deleted; got '~trainer'"),
    mistake("~learner", "learner must not be deleted; got '~learner'"),
    mistake("~seed", "seed must not be deleted; got '~seed'"),
    mistake("~hydra.run.dir", "hydra.run.dir must not be deleted; got '~hydra.run.dir'"),
    mistake("model.output_size=3", "model.output_size: there is no such key; got 'model.output_size=3'"),
    mistake(
        "+model.output_size=3",
        "model.output_size must be left out: it is the number of classes, or of numbers to predict, of the data; got 3",
    ),
    mistake("-m study_name=null", "study_name must be a name; got null"),
]


@pytest.mark.parametrize("mistake", ROWS)
def test_what_no_run_can_have(mistake: Mistake, tmp_path: Path) -> None:
    check_that_it_is_refused(mistake, tmp_path)
