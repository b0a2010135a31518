"""Words that people type, of other tools or of haste: each row ends in a line that says what to type."""

from __future__ import annotations

from pathlib import Path

import pytest
from mistakes import Mistake, check_that_it_is_refused, mistake


def meant(typed: str, *keys: str) -> object:
    """Return a row of a key that is not there, and those that were meant."""
    return mistake(typed, f"{typed.partition('=')[0]}: there is no such key; got '{typed}'", *keys)


OTHER_WORDS = [
    meant("lr=0.1", "did you mean optimizer.lr?"),
    meant("learning_rate=0.1", "did you mean optimizer.lr?"),
    meant("batch_size=32", "did you mean data.batch_size?"),
    meant("bs=32", "did you mean data.batch_size?"),
    meant("max_epochs=3", "did you mean trainer.max_epochs?"),
    meant("epochs=3", "did you mean trainer.max_epochs?"),
    meant("n_trials=3", "did you mean hydra.sweeper.n_trials?"),
    meant("n_trails=3", "did you mean hydra.sweeper.n_trials?"),
    meant("gpus=1", "did you mean trainer.devices?"),
    meant("device=cuda", "did you mean trainer.accelerator?"),
    meant("fp16=true", "did you mean trainer.precision?"),
    meant("hidden=16", "did you mean model.hidden_units?"),
    meant("layers=2", "did you mean model.num_layers?"),
    meant("dropout=0.1", "did you mean model.dropout?"),
    meant("droupout=0.1", "model.dropout"),
    meant("wd=0.1", "did you mean optimizer.weight_decay?"),
    meant("sede=1", "did you mean seed?"),
    meant("Seed=1", "did you mean seed?"),
    meant("patience=3", "scheduler.patience or callbacks.early_stopping.patience?"),
    meant("workers=2", "did you mean hydra.sweeper.n_workers?"),
    meant("study=abc", "did you mean study_name?"),
    meant("resume=x.ckpt", "did you mean ckpt_path?"),
    meant("pretrained=x.ckpt", "did you mean weights?"),
    meant("dataset=digits", "did you mean data?"),
    meant("arch=mlp", "did you mean model?"),
    meant("sampler=tpe", "did you mean hydra/sweeper/sampler?"),
    meant("folds=5", "did you mean data.folds?"),
    meant("metric=val/acc", "did you mean objective.metric?"),
    meant("debug=default", "did you mean trainer=smoke?"),
    meant("hparams_search=mnist_optuna", "search=NAME or space=NAME"),
    meant("task_name=foo", "did you mean study_name?"),
    meant("optimized_metric=val/acc", "did you mean objective.metric?"),
    meant("test=False", "python scripts/evaluate.py FOLDER"),
    meant("trainer.epochs=3", "did you mean trainer.max_epochs?"),
    meant("trainer.gpus=1", "did you mean trainer.devices?"),
    meant("model.layers=3", "did you mean model.num_layers?"),
    meant("model.units=3", "did you mean model.hidden_units?"),
    meant("data.bs=3", "did you mean data.batch_size?"),
    meant("optimizer.learning_rate=0.1", "did you mean optimizer.lr?"),
    meant("optimizer.lrr=0.1", "did you mean optimizer.lr? options: optimizer.fused, optimizer.lr"),
    meant("model.lr=0.1", "did you mean optimizer.lr?", "takes a plus: +model.lr=0.1"),
    meant("trainer.batch_size=32", "did you mean data.batch_size?"),
    meant("hydra.n_trials=3", "did you mean hydra.sweeper.n_trials?"),
    meant("hydra.dir=x", "did you mean hydra.run.dir or hydra.sweep.dir?"),
    mistake("train.epochs=3", "train: there is no such key; got 'train.epochs=3'; did you mean trainer.max_epochs?"),
    mistake("optim.lr=0.1", "optim: there is no such key; got 'optim.lr=0.1'; did you mean optimizer.lr?"),
    mistake("sweeper.n_trials=3", "did you mean hydra.sweeper.n_trials?"),
    mistake(
        "callbacks.early_stopping=null", "callbacks.early_stopping must be a node", "~callbacks.early_stopping leave"
    ),
    meant("trainer.fast_dev_run=true", "takes a plus: +trainer.fast_dev_run=true"),
    meant("optimizer.betas=[0.9,0.99]", "takes a plus: +optimizer.betas=[0.9,0.99]"),
    mistake("-m optimizer.lrr=0.1,0.2", "optimizer.lrr: there is no such key", "did you mean optimizer.lr?"),
    mistake("ckpt_path=best", "ckpt_path must be a checkpoint file; got 'best'", "FOLDER/checkpoints/best.ckpt"),
    mistake("ckpt_path=last", "FOLDER/checkpoints/last.ckpt"),
]

ONE_WORD = [
    mistake("--lr 0.1", "--lr: there is no such option", "lr=0.1"),
    mistake("--optimizer.lr=0.1", "without dashes: optimizer.lr=0.1"),
    mistake("-lr 0.1", "-lr: there is no such option", "lr=0.1"),
    mistake("--batch-size 32", "without dashes: batch_size=32"),
    mistake("optimizer.lr 0.1", "got 'optimizer.lr 0.1': type optimizer.lr=0.1"),
    mistake("optimizer.lr = 0.1", "got 'optimizer.lr = 0.1': type optimizer.lr=0.1"),
    mistake("optimizer.lr =0.1", "type optimizer.lr=0.1"),
    mistake("optimizer.lr= 0.1", "type optimizer.lr=0.1"),
    mistake("'optimizer.lr: 0.1'", "type optimizer.lr=0.1"),
    mistake("optimizer.lr: 0.1", "type optimizer.lr=0.1"),
    mistake("seed", "seed must be KEY=VALUE in one word; got 'seed': type seed=VALUE"),
    mistake("optimizer[lr]=0.1", "got 'optimizer[lr]=0.1'", "write optimizer.lr=0.1"),
    mistake("'optimizer. lr=0.1'", "a key has names and dots alone: write optimizer.lr=0.1"),
    mistake("optimizer/lr=0.1", "optimizer/lr: there is no such key", "did you mean optimizer.lr?"),
    mistake("=3", "got '=3'", "no key"),
    mistake("optimizer=lr=0.1", "got 'optimizer=lr=0.1': write optimizer.lr=0.1"),
    mistake("optimizer.lr==0.1", "write optimizer.lr=0.1"),
    mistake("optimizer.lr=1e-3,", "leave the last comma out"),
    mistake("'optimizer.lr=0.1;seed=3'", "separated by spaces"),
    mistake("'optimizer.lr=0.1 seed=3'", "no quotes around two"),
    mistake("optimizer.lr=0,1", "optimizer.lr must be one value", "type -m", "optimizer.lr=0.1"),
    mistake("optimizer.lr=0.1,0.2", "optimizer.lr must be one value in a run; got 'optimizer.lr=0.1,0.2': type -m"),
    mistake("optimizer.lr=interval(0.1,0.2)", "optimizer.lr must be one value in a run", "type -m"),
    mistake("m optimizer.lr=0.1,0.2", "did you mean -m?"),
    mistake("-M optimizer.lr=0.1,0.2", "did you mean -m?"),
    mistake("--multirun=true", "got '--multirun=true': type -m"),
    mistake("help", "did you mean --help?"),
    mistake("--help optimizer", "--help stands alone", "--cfg job"),
    mistake("-m --cfg job", "--cfg shows one configuration", "leave -m out", "hydra.sweeper.dry_run=true"),
    mistake("-m --info", "--info shows one configuration"),
    mistake("--cfg foo", "--cfg", "'foo'", "job"),
    mistake("--cfg", "--cfg", "expected one argument"),
    mistake("--resolve", "--resolve goes with --cfg"),
    mistake("--package model", "--package goes with --cfg"),
    mistake("seed=1 -m optimizer.lr=0.1,0.2", "'optimizer.lr=0.1,0.2' must stand with the other overrides", "-m"),
    mistake("-cn trainx", "--config-name must be a file", "'trainx'; did you mean train?"),
    mistake("-cd gone", "--config-dir must be a folder", "'gone', which is not there"),
    mistake("-cd file", "--config-dir must be a folder", "'file', which is a file", files={"file": ""}),
    mistake("-cp conf", "--config-path must be the absolute path", "--config-dir conf"),
]

CHOICES = [
    mistake("model=null", "model must be the name of one file in conf/model; got null; options: bottleneck, cnn"),
    mistake("model=128", "got 128; options: bottleneck, cnn"),
    mistake("model=true", "got true; options: bottleneck, cnn"),
    mistake("model=[mlp]", "got [mlp]; did you mean mlp?"),
    mistake("model=[mlp,cnn]", "model must be the name of one file", "got [mlp,cnn]"),
    mistake("~model", "model must not be deleted; got '~model': model=NAME chooses another"),
    mistake("data=null", "got null; options: ", "none"),
    mistake("model=", "model: there is no such choice; got ''; options: "),
    mistake("+model=cnn", "model has a choice already: type model=NAME without a plus"),
    mistake("++model=cnn", "model takes no plus; got '++model=cnn': type model=cnn"),
    mistake("data=/tmp/x.csv", "data must be the name of one file", "type data=csv data.path=/tmp/x.csv"),
    mistake("data=x.npz", "got 'x.npz': type data=npz data.path=x.npz"),
    mistake("-m hydra/sampler=random", "hydra/sampler: there is no such key", "did you mean hydra/sweeper/sampler?"),
    mistake("optimizer=Adam", "optimizer: there is no such choice; got 'Adam'", "adam"),
    mistake("-m +hydra.sweeper.params.optimizer.lr=interval(0.1,0.2)", "-m: optimizer.lr=interval(0.1,0.2)"),
    mistake("-m hydra.sweeper.n_trials=3,4", "hydra.sweeper.n_trials must be one value"),
]


def sweep(key: str, value: str, *words: str) -> object:
    return mistake(f"-m '{key}={value}'", key, *words)


LR = "optimizer.lr"
SWEEPS = [
    sweep(LR, "tag(lgo,interval(0.001,0.1))", "there is no tag lgo: write tag(log, ...)"),
    sweep(LR, "tag(log,lin,interval(0.001,0.1))", "there is no tag lin"),
    sweep(LR, "tag(interval(0.001,0.1))", "a tag has a name: write tag(log, ...)"),
    sweep(LR, "tag(log,choice(0.1,0.2))", "choices have no scale"),
    sweep("data.batch_size", "tag(lgo,range(16,64))", "there is no tag lgo"),
    sweep(LR, "tag(log,0.1,0.2)", "tag(log,interval(LOW,HIGH))"),
    sweep(LR, "log(interval(0.001,0.1))", "there is no function log; write tag(log,interval(LOW,HIGH))"),
    sweep(LR, "loguniform(0.001,0.1)", "write tag(log,interval(LOW,HIGH))"),
    sweep(LR, "uniform(0.001,0.1)", "write interval(LOW,HIGH)"),
    sweep(LR, "foo(0.001,0.1)", "there is no function foo; options: bool, choice"),
    sweep(LR, "(0.001,0.1)", "write interval(LOW,HIGH) for a range"),
    sweep(LR, "{0.001,0.1}", "write interval(LOW,HIGH) for a range"),
    sweep(LR, "interval(1)", "write interval(LOW,HIGH)"),
    sweep(LR, "interval(2,1)", "low <= high"),
    sweep(LR, "interval(a,b)", "str"),
    sweep(LR, "choice()", "empty choice"),
    sweep("trainer.gradient_clip_val", "choice(1,2,null)", "takes no null: write the values alone, 1,2,null"),
    sweep(LR, "choice(0.1,0.2", "a ')' is missing"),
    sweep(LR, "[0.1,0.2", "a ']' is missing"),
    sweep("hydra.sweeper.stages", "[{overrides:[data.fraction=0.1]}]", 'an item with = is quoted: "data.fraction=0.1"'),
    sweep("data.batch_size", "range(1,0)", "low <= high"),
    sweep("data.batch_size", "range(16,64,0)", "the step must be > 0"),
    sweep(LR, "tag(log,interval(0,0.1))", "low > 0"),
    sweep(LR, "shuffle(interval(0.1,0.2))", "IntervalSweep"),
    sweep(LR, "sort(interval(0.1,0.2))", "IntervalSweep"),
    sweep(LR, "str(interval(1,2))", "cannot be cast"),
    sweep("tags", "extend_list(a,b)", "there is no function extend_list"),
    sweep("optimizer", "glob(x*)", "nothing to choose from"),
]


@pytest.mark.parametrize("mistake", OTHER_WORDS)
def test_a_word_of_others(mistake: Mistake, tmp_path: Path) -> None:
    check_that_it_is_refused(mistake, tmp_path)


@pytest.mark.parametrize("mistake", ONE_WORD)
def test_an_argument_that_is_no_override(mistake: Mistake, tmp_path: Path) -> None:
    check_that_it_is_refused(mistake, tmp_path)


@pytest.mark.parametrize("mistake", CHOICES)
def test_a_choice(mistake: Mistake, tmp_path: Path) -> None:
    check_that_it_is_refused(mistake, tmp_path)


@pytest.mark.parametrize("mistake", SWEEPS)
def test_a_sweep(mistake: Mistake, tmp_path: Path) -> None:
    check_that_it_is_refused(mistake, tmp_path)
