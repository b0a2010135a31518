"""What a user can do wrong ends in one line that says how to mend it, and records nothing."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from conftest import QUICK, Shell
from mistakes import Mistake, check_that_it_is_refused

from tunesmith.rules.table import ACTIVATIONS

RUNS = [
    (
        "optimizer.lrr=1",
        "optimizer.lrr: there is no such key; got 'optimizer.lrr=1'; did you mean optimizer.lr? options: ",
    ),
    ("optimzer=adam", "optimzer: there is no such key; got 'optimzer=adam'; did you mean optimizer? options: "),
    (
        "optimizer=adm",
        "optimizer: there is no such choice; got 'adm'; did you mean adam? options: adam, ",
    ),
    ("optimizer.lr=-1", "optimizer.lr must be a number > 0; got -1"),
    ("optimizer.lr=abc", "optimizer.lr must be a number > 0; got 'abc'"),
    ("data.batch_size=0", "data.batch_size must be an integer >= 1; got 0"),
    ("trainer.max_epochs=-3", "trainer.max_epochs must be an integer >= 1; got -3"),
    ("model.dropout=1.5", "model.dropout must be a number in [0, 1), or a list, each a number in [0, 1); got 1.5"),
    (
        "model.activation=rellu",
        f"model.activation must be one of {', '.join(ACTIVATIONS)}; got 'rellu'; did you mean relu?",
    ),
    ("objective.mode=lowest", "objective.mode must be one of min, max; got 'lowest'"),
    ("objective.metric=val/acc objective.mode=min", "objective.mode must be max with objective.metric=val/acc, of "),
    ("objective.metric=lr", "objective.mode must be given with objective.metric=lr, whose name does not tell "),
    ("hydra.output_subdir=conf", "hydra.output_subdir must be .hydra, where a run's config is looked for; got conf"),
    ("find_lr=${nowhere}", "find_lr: Interpolation key 'nowhere' not found"),
    ("hydra.run.dir=${hydra:job.name} optimizer.lr=-1", "optimizer.lr must be a number > 0; got -1"),
    ("trainer=gpu", "trainer.accelerator must be a device of this machine; got 'gpu'; options: auto, cpu"),
    ("ckpt_path=gone.ckpt", "ckpt_path must be a checkpoint file; got 'gone.ckpt'"),
    ("ckpt_path=file", "ckpt_path must be FOLDER/checkpoints/NAME of a run, which goes on in FOLDER; got 'file'"),
    ("hydra.run.dir=file/run", "hydra.run.dir must be a folder that can be written to; got file/run (Not a directory)"),
    (
        "model.shape=tapered",
        "model.shape must be one of constant, taper, or a list, each an integer >= 1; got 'tapered'",
    ),
    ("model.num_layers=2 model.shape=[8,4]", "model.num_layers has no effect beside model.shape=[8, 4]; got "),
    ("warmup_epochs=100", "warmup_epochs must be less than trainer.max_epochs=100; got 100"),
    ("data.folds=1", "data.folds must be an integer >= 2, or null; got 1"),
    ("data=csv", "data.path must be given: add data.path=VALUE"),
    ("model=null", "model must be the name of one file in conf/model; got null; options: bottleneck, cnn"),
    ("optimizer.lr=0.1,0.2", "optimizer.lr must be one value in a run; got 'optimizer.lr=0.1,0.2': type -m to "),
]
# Found only once the run has begun.
BEGUN = [
    ("ckpt_path=file hydra.run.dir=r", "ckpt_path must be a checkpoint that a run wrote; got 'file'"),
    ("+callbacks.mine._target_=foo.Bar", "callbacks.mine._target_ must be the path of something importable; got "),
    (
        "data.val_fraction=0.9",
        "data.val_fraction + data.test_fraction must be < 1, to leave a training part; got 0.9 + 0.2",
    ),
    ("data=wine model=cnn", "model=cnn needs images (channels, height, width); this data has samples of (13,)"),
    ("objective=null", "objective must be a node of metric, mode, others; got null"),
]
SWEEPS = [
    ("hydra.sweeper.n_trials=0", "hydra.sweeper.n_trials must be an integer >= 1; got 0"),
    (
        "hydra.sweeper.n_trails=3",
        "hydra.sweeper.n_trails: there is no such key; got 'hydra.sweeper.n_trails=3'; did you mean",
    ),
    (
        "optimizer.lrr=interval(0.1,0.2)",
        "optimizer.lrr: there is no such key; got 'optimizer.lrr=interval(0.1,0.2)'; did you",
    ),
    (
        "optimizer.lr=interval(0.2,0.1)",
        "optimizer.lr must be a sweep that can be drawn from; got 'optimizer.lr=interval(",
    ),
    ("optimizer.lr=tag(log,interval(0,0.1))", "optimizer.lr must be a sweep that can be drawn from; got "),
    ("optimizer.lr=interval(-1,0.1)", "optimizer.lr must be a number > 0; got -1.0"),
    ("optimizer.lr=interval(0.1", "optimizer.lr: must be an override; got 'optimizer.lr=interval(0.1'"),
    ("model.dropout=0.1,1.5", "model.dropout must be a number in [0, 1), or a list, each a number in [0, 1); got 1.5"),
    ("optimizer=adam,sdg", "optimizer: there is no such choice; got 'sdg'; did you mean sgd? options: "),
    ("trainer=gpu", "trainer.accelerator must be a device of this machine; got 'gpu'"),
    (
        "hydra.sweeper.storage=foo://bar",
        "hydra.sweeper.storage must be null or a database's URL; got 'foo://bar'; options: ",
    ),
    (
        "hydra.sweeper.storage=sqlite:////gone/x.db",
        "hydra.sweeper.storage must be reachable; got 'sqlite:////gone/x.db': ",
    ),
    ("hydra.sweep.dir=file/s", "hydra.sweep.dir must be a folder that can be written to; got file/s (Not a directory)"),
    (
        "hydra/sweeper/pruner=medain",
        "hydra/sweeper/pruner: there is no such choice; got 'medain'; did you mean median?",
    ),
    ("hydra/sweeper/pruner=threshold", "hydra.sweeper.pruner must be buildable; got "),
    (
        "hydra.sweeper.pruner.n_startup=3",
        "hydra.sweeper.pruner.n_startup: there is no such key; did you mean n_startup_trials?",
    ),
    ("hydra/sweeper/sampler=grid", "hydra/sweeper/sampler=grid needs choices or ranges; got an interval for "),
    (
        "hydra.sweeper.storage=postgresql://u@host:54a/x",
        "hydra.sweeper.storage must be null or a database's URL; got ",
    ),
    (
        "hydra.sweeper.storage=postgresql://u:pw@host:54a/x",
        "hydra.sweeper.storage must have no password on the command line, which others can see; got 'postgresql://u:***@",
    ),
    (
        "hydra.sweeper.pruner._target_=optuna.pruners.Foo",
        "hydra.sweeper.pruner._target_ must be the path of a class; got ",
    ),
    ("hydra.output_subdir=null", "hydra.output_subdir must be .hydra, where a run's config is looked for; got null"),
    ("objective.metric=lr", "objective.mode must be given with objective.metric=lr, whose name does not tell "),
    (
        "space=cnn",
        "model.channels is varied by space=cnn, but there is no such key: add space=none, so that only typed ",
    ),
    ("objective.metric=val/acc,val/loss", "objective.metric must be the same in all trials of a study, or its best "),
    ("seed=${hydra:job.num}", "seed: ${hydra:...} has a value inside a job alone, and this value is read before; got"),
    ("optimizer.lr=tag(log,range(1,8))", "optimizer.lr must be a sweep that can be drawn from; got "),
    ("ckpt_path=file", "ckpt_path must be null in a sweep"),
    (
        "study_name=..",
        "hydra.sweeper.study_name must be a name without / that does not begin with a dot, of at most 200 bytes, or",
    ),
    (
        "study_name=a/b",
        "hydra.sweeper.study_name must be a name without / that does not begin with a dot, of at most 200 bytes, or",
    ),
]


def ids(cases: list[tuple[str, str]]) -> list[str]:
    return [typed for typed, _ in cases]


@pytest.mark.parametrize(("typed", "line"), RUNS, ids=ids(RUNS))
def test_a_run(tmp_path: Path, typed: str, line: str) -> None:
    check_that_it_is_refused(Mistake(shlex.join(typed.split(" ")), (f"error: {line}",), {"file": ""}), tmp_path)


@pytest.mark.parametrize(("typed", "line"), BEGUN, ids=ids(BEGUN))
def test_a_run_that_has_begun(shell: Shell, typed: str, line: str) -> None:
    check_that_a_run_is_refused(shell, typed, line)


def check_that_a_run_is_refused(shell: Shell, typed: str, line: str) -> None:
    (shell.folder / "file").touch()
    ended = shell.train(*typed.split(" "))
    assert ended.code == 1
    assert "epoch" not in ended.out
    assert ended.err.startswith(f"error: {line}")
    assert ended.err.count("\n") == 1
    assert list(shell.folder.rglob("result.yaml")) == list(shell.folder.rglob("metrics.csv")) == []


@pytest.mark.parametrize(("typed", "line"), SWEEPS, ids=ids(SWEEPS))
def test_a_sweep(tmp_path: Path, typed: str, line: str) -> None:
    typed = shlex.join(["-m", "study_name=s", typed])
    check_that_it_is_refused(Mistake(typed, (f"error: {line}",), {"file": ""}), tmp_path)


def test_a_metric_that_is_not_logged_in_a_run(shell: Shell) -> None:
    ended = shell.train(*QUICK, "objective.metric=val/los", "objective.mode=min", "hydra.run.dir=r")
    assert ended.code == 1
    assert ended.err == (
        "error: objective.metric must be a metric that the learner logs; got 'val/los'; did you mean val/loss? "
        "options: lr, train/acc, train/loss, val/acc, val/loss\n"
    )
    assert not (shell.folder / "r" / "result.yaml").exists()


def test_a_metric_that_is_not_logged_in_a_sweep_leaves_no_study(shell: Shell) -> None:
    ended = shell.train("-m", *QUICK, "objective.metric=val/los", "objective.mode=min", "study_name=s")
    assert ended.code == 1
    assert ended.err.startswith(
        "error: objective.metric must be a metric that the learner logs; got 'val/los'; did you mean val/loss?"
    )
    assert not shell.study("s").exists()


def test_a_loss_that_does_not_fit_the_targets(shell: Shell) -> None:
    ended = shell.train("loss=mse", "hydra.run.dir=r")
    assert ended.err == (
        "error: loss must fit the targets: MSELoss needs numbers, this data has classes; use loss=auto\n"
    )
    assert not (shell.folder / "r" / "result.yaml").exists()


def test_a_study_that_would_change_its_meaning(shell: Shell) -> None:
    sweep = (
        "-m",
        *QUICK,
        "trainer.max_epochs=1",
        "study_name=s",
        "hydra.sweeper.n_trials=1",
        "data.batch_size=128,256",
    )
    assert shell.train(*sweep, "space=mlp").code == 0
    before = files(shell.study("s"))
    for typed, line in (
        ("objective.metric=val/acc", "objective.mode must stay minimize in study s; got max;"),
        ("optimizer=sgd", "optimizer must stay as it was in the earlier trials of study s: adam; got sgd: use another"),
    ):
        ended = shell.train(*sweep, "space=mlp", "hydra.sweeper.n_trials=2", typed)
        assert ended.code == 1
        assert ended.err.startswith(f"error: {line}")
        assert files(shell.study("s")) == before


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
