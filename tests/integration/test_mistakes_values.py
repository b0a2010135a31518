"""Values that no key may have, and choices that there are not."""

from __future__ import annotations

from pathlib import Path

import pytest
from mistakes import Mistake, check_that_it_is_refused, mistake

ROWS = [
    mistake("seed=-1", "seed must be an integer in [0, 2**32); got -1"),
    mistake("seed=1099511627776", "seed must be an integer in [0, 2**32); got 1099511627776"),
    mistake("data.val_fraction=0", "data.val_fraction must be a number in (0, 1); got 0"),
    mistake("data.val_fraction=abc", "data.val_fraction must be a number in (0, 1); got 'abc'"),
    mistake("data.test_fraction=1", "data.test_fraction must be a number in (0, 1), or null; got 1"),
    mistake("data.test_fraction=0", "data.test_fraction must be a number in (0, 1), or null; got 0"),
    mistake("data.folds=abc", "data.folds must be an integer >= 2, or null; got 'abc'"),
    mistake("data.fraction=0", "data.fraction must be a number in (0, 1]; got 0"),
    mistake("optimizer.lr=0", "optimizer.lr must be a number > 0; got 0"),
    mistake("optimizer.lr=nan", "optimizer.lr must be a number > 0; got nan"),
    mistake("optimizer.weight_decay=-1", "optimizer.weight_decay must be a number >= 0; got -1"),
    mistake("+optimizer.betas=[0.9,1.5]", "optimizer.betas must be two numbers in [0, 1); got [0.9, 1.5]"),
    mistake("+optimizer.eps=-1", "optimizer.eps must be a number >= 0; got -1"),
    mistake("optimizer=sgd optimizer.momentum=1", "optimizer.momentum must be a number in [0, 1); got 1"),
    mistake(
        "model.dropout=abc",
        "model.dropout must be a number in [0, 1), or a list, each a number in [0, 1); got 'abc'",
    ),
    mistake("model.hidden_units=[]", "model.hidden_units must be an integer >= 1; got []"),
    mistake("model.hidden_units=a", "model.hidden_units must be an integer >= 1; got 'a'"),
    mistake("model.shape=[]", "model.shape must be one of constant, taper, or a list, each an integer >= 1; got []"),
    mistake(
        "model.shape=[0]",
        "model.shape must be one of constant, taper, or a list, each an integer >= 1; got [0]",
    ),
    mistake(
        "model.activation=5",
        "model.activation must be one of elu, gelu, leaky_relu, relu, sigmoid, silu, tanh; got 5",
    ),
    mistake(
        "model.initializer=abc",
        "model.initializer must be one of torch, he, orthogonal, xavier, zeros, or a number of any size; got 'abc'",
    ),
    mistake("model.batch_norm=abc", "model.batch_norm must be true or false; got 'abc'"),
    mistake("model.input_dropout=1", "model.input_dropout must be a number in [0, 1); got 1"),
    mistake("loss=cross_entropi", "loss: there is no such choice; got 'cross_entropi'"),
    mistake("loss.reduction=max", "loss.reduction must be one of mean, sum; got 'max'"),
    mistake("loss.label_smoothing=1", "loss.label_smoothing must be a number in [0, 1); got 1"),
    mistake("metrics=f2", "metrics: there is no such choice; got 'f2'"),
    mistake(
        "metrics=auroc,f1", "metrics must be one value in a run; got 'metrics=auroc,f1'", "a list is metrics=[...]"
    ),
    mistake("optimizer=adan", "optimizer: there is no such choice; got 'adan'"),
    mistake("scheduler=platau", "scheduler: there is no such choice; got 'platau'"),
    mistake("data=irs", "data: there is no such choice; got 'irs'"),
    mistake("trainer=cup", "trainer: there is no such choice; got 'cup'"),
    mistake("trainer.engine=fast", "trainer.engine must be one of auto, lightning, lean; got 'fast'"),
    mistake(
        "trainer.engine=lean trainer.precision=64-true",
        "trainer.engine must be auto or lightning: trainer.precision=64-true needs Lightning's Trainer; got 'lean'",
    ),
    mistake("callbacks=defalt", "callbacks: there is no such choice; got 'defalt'"),
    mistake("logger=tensorbord", "logger: there is no such choice; got 'tensorbord'"),
    mistake("logger=wandb,csv", "logger must be one value in a run; got 'logger=wandb,csv'", "a list is logger=[...]"),
    mistake("learner=supervized", "learner: there is no such choice; got 'supervized'"),
    mistake("experiment=digit", "experiment: there is no such choice; got 'digit'"),
    mistake("search=tpee", "search: there is no such choice; got 'tpee'"),
    mistake("space=mpl", "space: there is no such choice; got 'mpl'"),
    mistake("scheduler=step scheduler.step_size=0", "scheduler.step_size must be an integer >= 1; got 0"),
    mistake("scheduler=step scheduler.gamma=0", "scheduler.gamma must be a number > 0; got 0"),
    mistake("scheduler=step scheduler.gamma=-1", "scheduler.gamma must be a number > 0; got -1"),
    mistake("scheduler=cosine scheduler.T_max=0", "scheduler.T_max must be an integer >= 1, or total_steps; got 0"),
    mistake(
        "scheduler=cosine scheduler.T_max=abc",
        "scheduler.T_max must be an integer >= 1, or total_steps; got 'abc'",
    ),
    mistake("scheduler=cosine scheduler.eta_min=-1", "scheduler.eta_min must be a number >= 0; got -1"),
    mistake("scheduler=onecycle scheduler.pct_start=2", "scheduler.pct_start must be a number in (0, 1); got 2"),
    mistake(
        "scheduler=onecycle scheduler.max_lr=-1",
        "scheduler.max_lr must be a number > 0, or a list, each a number > 0; got -1",
    ),
    mistake("scheduler.interval=minute", "scheduler.interval: there is no such key; got 'scheduler.interval=minute'"),
    mistake("warmup_epochs=-1", "warmup_epochs must be an integer >= 0; got -1"),
    mistake("warmup_epochs=1.5", "warmup_epochs must be an integer >= 0; got 1.5"),
    mistake("warmup_epochs=200", "warmup_epochs must be less than trainer.max_epochs=100; got 200"),
    mistake("l1=-1", "l1 must be a number >= 0; got -1"),
    mistake("l1=abc", "l1 must be a number >= 0; got 'abc'"),
    mistake("find_lr=maybe", "find_lr must be true or false; got 'maybe'"),
    mistake("find_lr=true lr_finder.steps=0", "lr_finder.steps must be an integer >= 50; got 0"),
    mistake("lr_finder.min_lr=1", "lr_finder.min_lr must be less than lr_finder.max_lr=0.1; got 1"),
    mistake("threads=0", "threads must be an integer >= 1; got 0"),
    mistake("note=5", "note must be a text, or null; got 5"),
    mistake("tags=abc", "tags must be a list of texts; got 'abc'"),
    mistake("weights=gone.ckpt", "weights must be a checkpoint file; got 'gone.ckpt'"),
    mistake("ckpt_path=gone.ckpt", "ckpt_path must be a checkpoint file; got 'gone.ckpt'"),
    mistake("ckpt_path=best", "ckpt_path must be a checkpoint file; got 'best'"),
    mistake("objective.metric=", "objective.metric must be the name of a logged metric; got ''"),
    mistake("objective.mode=up", "objective.mode must be one of min, max; got 'up'"),
    mistake("objective=val/acc", "objective must be a node of metric, mode, others; got val/acc"),
    mistake("data.split=randm", "data.split must be one of random, time, group; got 'randm'"),
    mistake("data.scale=std", "data.scale must be one of standard, global, minmax, robust, none; got 'std'"),
    mistake("data.targets=foo", "data.targets must be one of source, inputs; got 'foo'"),
    mistake("data.missing=drop", "data.missing must be one of refuse, impute; got 'drop'"),
    mistake(
        "data.class_weights=[1,-2,3] data=iris",
        "data.class_weights must be one of balanced, or a list, each a number > 0, or null; got [1, -2, 3]",
    ),
    mistake("data.augmentation.rotation=200", "data.augmentation.rotation must be a number in [0, 180]; got 200"),
    mistake("data.augmentation.flip=2", "data.augmentation.flip must be a number in [0, 1]; got 2"),
    mistake("data.split_seed=-1", "data.split_seed must be an integer in [0, 2**32); got -1"),
    mistake("data.shuffle=abc", "data.shuffle must be true or false; got 'abc'"),
    mistake("data=csv data.path=gone.csv", "data.target must be given: add data.target=VALUE"),
    mistake("data=npy data.path=gone.npy", "data.targets_path must be given: add data.targets_path=VALUE"),
    mistake("data=csv data.path=file data.separator=ab", "data.target must be given: add data.target=VALUE"),
    mistake("hydra.run.dir=null", "Error merging override hydra.run.dir=null: field 'hydra.run.dir' is no"),
    mistake("hydra.run.dir=", "hydra.run.dir must be a folder; got ''"),
    mistake("hydra.run.dir=/proc/x", "hydra.run.dir must be a folder that can be written to; got /proc/x"),
    mistake("hydra.job.chdir=maybe", "Error merging override hydra.job.chdir=maybe: Value 'maybe' is not a v"),
    mistake("hydra.mode=abc", "Error merging override hydra.mode=abc: Invalid value 'abc', expected o"),
]


@pytest.mark.parametrize("mistake", ROWS)
def test_what_no_key_may_be(mistake: Mistake, tmp_path: Path) -> None:
    check_that_it_is_refused(mistake, tmp_path)
