"""Files that nobody reads, or that nobody can read: each row ends in a line that names the file."""

from __future__ import annotations

from pathlib import Path

import pytest
from mistakes import Mistake, check_that_it_is_refused, mistake

GLOBAL = "# @package _global_\n"
PARAMS = "# @package hydra.sweeper.params\n"


def of_group(group: str, content: str | bytes, *words: str, sweep: str = "", is_late: bool = False) -> object:
    """Return a row of a user's file mine/GROUP/x.yaml, which is chosen."""
    return mistake(
        f"{sweep} --config-dir mine {group}=x", *words, files={f"mine/{group}/x.yaml": content}, is_late=is_late
    )


def experiment(content: str, *words: str, is_late: bool = False) -> object:
    return of_group("experiment", GLOBAL + content, *words, is_late=is_late)


def primary(content: str, *words: str) -> object:
    return mistake("--config-dir mine -cn own", *words, files={"mine/own.yaml": content})


NOT_SEEN = [
    experiment("obective:\n  metric: val/acc\n", "obective: ", "experiment/x.yaml has it", "did you mean objective?"),
    experiment("helper: 3\noptimizer:\n  lr: ${helper}\n", "helper: ", "experiment/x.yaml", "below vars:", "${vars.h"),
    experiment("optimiser:\n  lr: 1\n", "optimiser", "did you mean optimizer?"),
    experiment("lr: 0.1\n", "lr: there is no such key; experiment/x.yaml has it; did you mean optimizer.lr?"),
    experiment("max_epochs: 3\n", "did you mean trainer.max_epochs?"),
    experiment("optimizer.lr: 0.1\n", "optimizer.lr: must be written as two lines", "experiment/x.yaml has it"),
    experiment("default:\n  - override /model: cnn\n", "default: there is no such key; experiment/x.yaml has it"),
    experiment("2020-01-01: 3\n", "2020-01-01: there is no such key; experiment/x.yaml has it"),
    experiment("1.5: 3\n", "1.5: there is no such key"),
    experiment("objective:\n  metrik: val/acc\n", "objective.metrik: there is no such key", "did you mean metric?"),
    experiment("lr_finder:\n  step: 100\n", "lr_finder.step: there is no such key", "did you mean steps?"),
    experiment("- optimizer\n", "experiment/x.yaml must hold keys and their values; got a list"),
    experiment(
        "lr_finder: true\n", "lr_finder must be a node of min_lr, max_lr, steps; got true; experiment/x.yaml has"
    ),
    experiment(
        "objective: val/acc\n",
        "objective must be a node of metric, mode, others; got val/acc; experiment/x.yaml has it",
    ),
    experiment(
        "hydra:\n  sweeper:\n    n_trails: 3\n", "hydra.sweeper.n_trails: there is no such key; did you mean n_tr"
    ),
    of_group(
        "model", "# @package _group_\n_target_: a.B\n", "model=x: leave the line '# @package _group_' of model/x.y"
    ),
    experiment("hydra:\n  swepper: 3\n", "hydra.swepper: there is no such key; experiment/x.yaml has it"),
    experiment("seed = 1\n", "experiment=x: experiment/x.yaml must hold keys and their values; got 'seed = 1'"),
    experiment("seed:1\n", "must hold keys and their values; got 'seed:1'"),
    experiment("", "experiment/x.yaml must hold keys and their values; got an empty file"),
    experiment("model:\n  num_layers: ???\n", "model.num_layers must be given: experiment/x.yaml leaves it open"),
    experiment("seed: ???\n", "seed must be given"),
    of_group("experiment", "optimizer:\n  lr: 0.1\n", "'# @package _global_' must be the first line of experiment/x.y"),
    of_group("experiment", "- a\n", "must hold keys and their values; got a list"),
    of_group("experiment", "# @package _gobal_\nseed: 1\n", "must be '# @package _global_'; got '# @package _gobal_'"),
    of_group("experiment", "# @packge _global_\nseed: 1\n", "'# @package _global_' must be the first line"),
    of_group("experiment", "\ufeff# @package _global_\nseed: 1\n", "must be UTF-8 without a byte order mark"),
    of_group("local", GLOBAL + "trainr:\n  max_epochs: 1\n", "trainr: ", "local/x.yaml has it; did you mean trainer?"),
    of_group("search", GLOBAL + "n_trials: 3\n", "n_trials: ", "search/x.yaml", "did you mean hydra.sweeper.n_trials?"),
    of_group("space", GLOBAL + "optimizer.lr: interval(1,2)\n", "must be '# @package hydra.sweeper.par", sweep="-m"),
    of_group("space", "optimizer.lr: interval(1,2)\n", "'# @package hydra.sweeper.params' must be the fir", sweep="-m"),
    primary("defaults: [train, _self_]\nobective: {metric: val/acc}\n", "obective: ", "own.yaml has it", "objective?"),
    primary("defaults: [train, _self_]\nhelper: 1\n", "helper: ", "own.yaml has it", "vars"),
    primary("- 1\n", "own", "DictConfig"),
    of_group("model", "units: 3\n", "model must be a node with a _target_; got {'units': 3}"),
    of_group("model", "", "model must be a node with a _target_; got {}", "model=NAME"),
    of_group("model", "- a\n", "model must be a node with a _target_; got ['a']"),
    of_group("trainer", "max_epochs: 3\n", "trainer must be a node with a _target_"),
    of_group("callbacks", "early_stoping:\n  patience: 3\n", "callbacks.early_stoping must be a node with a _target_"),
    of_group("logger", "- a\n", "logger must be a node of nodes with a _target_; got ['a']"),
    experiment("optimizer: adam\n", "optimizer must be a node", "got 'adam'", "`override /optimizer: adam`"),
    experiment("model:\n", "model must be a node with a _target_; got null"),
    experiment("model: cnn\n", "model must be a node with a _target_; got 'cnn'", "model=cnn"),
    experiment("defaults:\n  - override model: cnn\n", "experiment/x.yaml: 'override model'", "override /model: NAME"),
    experiment("defaults:\n  - override /modl: cnn\n", "experiment/x.yaml: ", "did you mean model?"),
    experiment("defaults:\n  - override /model: cn\n", "model: there is no such choice; got 'cn'; did you mean cnn?"),
    experiment("defaults: cnn\n", "experiment/x", "must be a list"),
]

FILE = "mine/experiment/x.yaml, line "
CANNOT_BE_READ = [
    experiment("a:\n\tb: 1\n", f"{FILE}3, column 1: must be YAML; got 'b: 1'", "with spaces, not with a tab"),
    experiment("seed: 1\nseed: 2\n", f"{FILE}3, column 1", "duplicate key seed"),
    experiment("model:\n  shape: [1, 2\n", f"{FILE}4", "close the bracket"),
    experiment("model: {a: 1\n", f"{FILE}3", "close the brace"),
    experiment("note: a: b\n", f"{FILE}2, column 8", "note: a: b", "quotes"),
    experiment("note: %d\n", f"{FILE}2, column 7", "'%'", "put the text in quotes"),
    experiment("note: @me\n", f"{FILE}2, column 7", "'@'", "put the text in quotes"),
    experiment("note: `x`\n", f"{FILE}2, column 7", "'`'", "put the text in quotes"),
    experiment("model:\n  a: 1\n   b: 2\n", f"{FILE}4", "indent the keys of one node alike"),
    experiment("model:\n    a: 1\n  b: 2\n", f"{FILE}4", "indent the keys of one node alike"),
    experiment("note: 'abc\n", f"{FILE}3", "close the quote"),
    experiment("note: *x\n", f"{FILE}2", "undefined alias 'x'"),
    experiment("note: !foo x\n", f"{FILE}2", "'!foo'", "quotes"),
    experiment("seed: 1\n---\nseed: 2\n", f"{FILE}3", "leave the line --- out"),
    experiment("<<<<<<< HEAD\nseed: 1\n=======\nseed: 2\n>>>>>>> b\n", f"{FILE}2", "<<<<<<< HEAD", "finish"),
    experiment("seed: 1\n<<<<<<< HEAD\nl1: 1\n=======\nl1: 2\n>>>>>>> b\n", f"{FILE}3", "finish the merge"),
    experiment("note: a\0b\n", f"{FILE}2", "must be YAML"),
    experiment("note: ${x\n", "mine/experiment/x.yaml: ", "${x"),
    experiment("~: 3\n", "mine/experiment/x.yaml: ", "NoneType"),
    of_group("experiment", b"# caf\xe9\n", f"{FILE}1: must be UTF-8; got the byte 0xe9"),
    of_group("experiment", "seed: 1\n".encode("utf-16"), f"{FILE}1: must be UTF-8; got UTF-16"),
    of_group("experiment", "# @package\nseed: 1\n", "mine/experiment/x.yaml: ", "KEY VALUE", "@package"),
    of_group("space", f"{PARAMS}optimizer.lr: [1\n", "mine/space/x.yaml, line 3", "close the bracket", sweep="-m"),
    mistake("--config-dir mine -cn own", "mine/own.yaml, line 2", "tab", files={"mine/own.yaml": "a:\n\tb: 1\n"}),
    mistake(
        "--config-dir mine --cfg job experiment=x", f"{FILE}2", "tab", files={"mine/experiment/x.yaml": "a:\n\tb: 1\n"}
    ),
    mistake(
        "-m --config-dir mine experiment=x,small_net",
        f"{FILE}2",
        "tab",
        files={"mine/experiment/x.yaml": "a:\n\tb: 1\n"},
    ),
]


@pytest.mark.parametrize("mistake", NOT_SEEN)
def test_a_file_that_nobody_reads(mistake: Mistake, tmp_path: Path) -> None:
    check_that_it_is_refused(mistake, tmp_path)


@pytest.mark.parametrize("mistake", CANNOT_BE_READ)
def test_a_file_that_cannot_be_read(mistake: Mistake, tmp_path: Path) -> None:
    check_that_it_is_refused(mistake, tmp_path)
