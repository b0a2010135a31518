"""Arguments that a class does not take, found where the class is imported and before the data is loaded."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import QUICK, Shell
from mistakes import Mistake, check_that_it_is_refused, mistake

GLOBAL = "# @package _global_\n"
ADAM = "_target_: torch.optim.Adam\n_partial_: true\nlr: 0.1\n"


def of_group(group: str, content: str, *words: str, is_late: bool = True) -> object:
    """Return a row of a user's file mine/GROUP/x.yaml, which is chosen; a file that is not there would end it later."""
    typed = f"--config-dir mine {group}=x {'' if group == 'data' else 'data=npz data.path=gone.npz'}"
    return mistake(typed, *words, files={f"mine/{group}/x.yaml": content}, is_late=is_late)


ARGUMENTS = [
    of_group(
        "optimizer", f"{ADAM}lrr: 1\n", "optimizer.lrr: torch.optim.Adam", "in optimizer/x.yaml", "mean optimizer.lr?"
    ),
    of_group(
        "experiment", f"{GLOBAL}optimizer:\n  lrr: 1\n", "optimizer.lrr: torch.optim.Adam takes no", "experiment/x.yaml"
    ),
    of_group(
        "experiment", f"{GLOBAL}trainer:\n  epochs: 3\n", "trainer.epochs: lightning.Trainer", "trainer.max_epochs?"
    ),
    of_group("experiment", f"{GLOBAL}loss:\n  smoothing: 1\n", "loss.smoothing", "loss.label_smoothing"),
    of_group("experiment", f"{GLOBAL}scheduler:\n  patiance: 1\n", "scheduler.patiance", "scheduler.patience?"),
    of_group(
        "experiment", f"{GLOBAL}model:\n  units: 1\n", "model.units: tunesmith.models.mlp.Mlp", "model.hidden_units?"
    ),
    of_group("experiment", f"{GLOBAL}learner:\n  l2: 1\n", "learner.l2: tunesmith.training.learner.Supervised"),
    of_group(
        "experiment",
        f"{GLOBAL}data:\n  batchsize: 1\n",
        "data.batchsize: tunesmith.data.DataModule",
        "data.batch_size?",
    ),
    of_group(
        "experiment",
        f"{GLOBAL}callbacks:\n  early_stopping:\n    patiance: 1\n",
        "callbacks.early_stopping.patiance",
        "early_stopping.patience?",
    ),
    of_group(
        "model",
        "_target_: tunesmith.models.linear.Linear\n_partial_: true\nunits: 3\n",
        "model.units",
        "got 3 in model/x.yaml",
        "model.bias",
    ),
    of_group("model", "defaults: [linear]\nunits: 3\n", "model.units", "takes no such argument; got 3 in model/x.yaml"),
    of_group(
        "metrics",
        "a:\n  _target_: torchmetrics.classification.MulticlassF1Score\n  num_class: 3\n",
        "metrics.a.num_classes must be given",
        "did you mean it by num_class?",
    ),
    of_group(
        "logger",
        "tb:\n  _target_: lightning.pytorch.loggers.TensorBoardLogger\n  save_di: 3\n",
        "logger.tb.save_dir must be given",
        "save_di?",
    ),
    of_group("optimizer", "_target_: torch.optim.Adam\nlr: 0.1\n", "optimizer.params must be given", "_partial_: true"),
    mistake(
        "+callbacks.early_stopping.foo=1 data=npz data.path=gone.npz",
        "callbacks.early_stopping.foo",
        "takes no such argument; got 1",
        "patience",
        is_late=True,
    ),
    mistake(
        "+optimizer.foo=1 data=npz data.path=gone.npz",
        "optimizer.foo",
        "torch.optim.Adam",
        "optimizer.betas",
        is_late=True,
    ),
    mistake("+trainer.profiler.foo=1 data=npz data.path=gone.npz", "trainer.profiler.foo", "NoProfiler", is_late=True),
    mistake("model._target_=os.system", "model._target_ is refused by Hydra: Target 'os.system'", is_late=True),
    mistake("data.source=3", "data.source must be a node with a _target_ and _partial_: true", is_late=True),
    of_group("optimizer", f"{ADAM}_patial_: true\n", "optimizer._patial_", "did you mean _partial_?", is_late=False),
    of_group(
        "optimizer", f"{ADAM}_recursive: true\n", "optimizer._recursive", "did you mean _recursive_?", is_late=False
    ),
    of_group("optimizer", f"{ADAM}_arg_: [1]\n", "optimizer._arg_", "did you mean _args_?", is_late=False),
    of_group(
        "optimizer",
        "_targt_: torch.optim.Adam\nlr: 1\n",
        "optimizer must be a node with a _target_",
        "did you mean _target_ with _targt_?",
        is_late=False,
    ),
    of_group("optimizer", "_partial_: true\nlr: 0.1\n", "optimizer must be a node with a _target_", is_late=False),
]


@pytest.mark.parametrize("mistake", ARGUMENTS)
def test_an_argument(mistake: Mistake, tmp_path: Path) -> None:
    check_that_it_is_refused(mistake, tmp_path)


def test_an_argument_in_a_sweep_ends_it_at_the_first_trial_and_leaves_no_study(shell: Shell) -> None:
    ended = shell.train("-m", *QUICK, "study_name=s", "+optimizer.foo=1", "optimizer.lr=0.1,0.2")
    assert ended.code == 1
    assert ended.err.startswith("error: optimizer.foo: torch.optim.Adam takes no such argument; got 1; options: ")
    assert ended.err.count("\n") == 1
    assert not shell.study("s").exists()


def test_a_class_that_is_not_there_is_told_once(shell: Shell) -> None:
    ended = shell.train(*QUICK, "model._target_=nowhere.Net")
    assert (ended.code, ended.err.count("\n")) == (1, 1), ended.err
    assert ended.err.startswith("error: model._target_ must be the path of something importable; got ")


def test_a_node_that_a_class_builds_by_itself_may_have_keys_for_that_class(shell: Shell) -> None:
    (shell.folder / "own.py").write_text("""
import lightning
class Mine(lightning.Callback):
    def __init__(self, net):
        assert net.pop("frozen") is True
""")
    net = "{_target_: torch.nn.Linear, in_features: 1, out_features: 1, frozen: true}"
    node = f"+callbacks.mine={{_target_: own.Mine, _recursive_: false, net: {net}}}"
    ended = shell.train(*QUICK, node, "trainer.max_epochs=1", PYTHONPATH=f"{shell.folder}:{shell.env['PYTHONPATH']}")
    assert ended.code == 0, ended.text


def test_a_class_with_any_keyword_takes_them_all(shell: Shell) -> None:
    (shell.folder / "own.py").write_text("""
import torch
def sgd(params, **keys):
    assert keys.pop("mine") == 1
    return torch.optim.SGD(params, **keys)
""")
    node = ("optimizer._target_=own.sgd", "+optimizer.mine=1", "~optimizer.fused", "trainer.max_epochs=1")
    ended = shell.train(*QUICK, *node, PYTHONPATH=f"{shell.folder}:{shell.env['PYTHONPATH']}")
    assert ended.code == 0, ended.text


def test_a_progress_bar_of_the_config_is_shown_in_a_terminal_alone(shell: Shell) -> None:
    bar = "+callbacks.bar._target_=lightning.pytorch.callbacks.RichProgressBar"
    ended = shell.train(*QUICK, bar, "trainer.max_epochs=1")
    assert ended.code == 0, ended.text
