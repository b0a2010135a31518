"""scripts/search_evidence: the recorded table is what its maker makes, and a replay is the sweeper's search."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from conftest import ROOT, Shell
from hydra.core.config_loader import ConfigLoader
from torch.nn import functional

from tunesmith.models.mlp import Mlp

sys.path.append(str(ROOT / "scripts" / "search_evidence"))
from curve_table import LEARNING_RATES, SHAPE, TABLE_FILE, CurveTable, read_table
from evidence import confirm, follow, true_values
from make_table import digits, train_nets
from replay import KEYS, Ended, lookup_app, plan_search, replay
from searches import RANDOM, SEARCHES, repeat
from stacked_nets import batches

LOOKUP = str(ROOT / "scripts" / "search_evidence" / "lookup.py")


@pytest.fixture(scope="module")
def table() -> CurveTable:
    return read_table()


@pytest.fixture
def loader() -> Iterator[ConfigLoader]:
    with lookup_app() as loader:
        yield loader


def test_the_table_is_whole_and_small(table: CurveTable) -> None:
    assert table.val_loss.shape == table.num_correct.shape == table.val_acc.shape == SHAPE == (8, 4, 4, 3, 3, 30)
    assert np.isfinite(table.val_loss).all()
    assert (table.val_loss > 0).all()
    assert table.num_correct.max() <= table.num_val == len(digits().val)
    assert TABLE_FILE.stat().st_size < 300_000


def test_the_table_has_a_best_learning_rate_inside_its_range(table: CurveTable) -> None:
    by_lr = true_values(table).min(axis=(1, 2, 3))
    assert 0 < by_lr.argmin() < len(LEARNING_RATES) - 1
    assert by_lr[0] > 5 * by_lr.min()


def test_stacked_nets_are_trained_like_one_net() -> None:
    losses, num_correct = train_nets(batch_size=64, width=16, num_epochs=2)
    torch.manual_seed(1)
    net = Mlp((64,), 10, 2, 16, "constant", "relu", 0.0, 0.0, True, "torch")
    optimizer = torch.optim.Adam(net.parameters(), LEARNING_RATES[4])
    for epoch in range(2):
        for inputs, targets in batches(digits().train, 64, (1,), epoch):
            optimizer.zero_grad()
            functional.cross_entropy(net(inputs[0]), targets[0]).backward()
            optimizer.step()
    val = digits().val
    with torch.no_grad():
        logits = net.eval()(val.inputs)
    assert losses[4, 0, 1, 1] == pytest.approx(functional.cross_entropy(logits, val.targets).item(), rel=1e-3)
    assert num_correct[4, 0, 1, 1] == pytest.approx((logits.argmax(1) == val.targets).sum().item(), abs=1)


def test_the_table_is_what_is_made(table: CurveTable) -> None:
    losses, _ = train_nets(batch_size=128, width=16, num_epochs=2)
    assert losses[:, 0] == pytest.approx(table.val_loss[:, 3, 0, 0, :, :2], rel=0.02)  # dropout's draws may differ


def test_a_replay_is_the_same_each_time(table: CurveTable, loader: ConfigLoader) -> None:
    first, again, other = (
        replay(plan_search(loader, ["search=tpe", "hydra.sweeper.n_trials=15"], seed), table, 0, seed)
        for seed in (3, 3, 4)
    )
    assert first == again
    assert [trial.point for trial in first] != [trial.point for trial in other]


def test_a_replay_has_the_trials_of_the_command(table: CurveTable, loader: ConfigLoader, shell: Shell) -> None:
    ended = shell.python(LOOKUP, "-m", "hydra.sweeper.n_trials=15", "search_seed=5", "seed=2")
    assert (ended.code, ended.err) == (0, "")
    rows = list(csv.DictReader((shell.study("lookup") / "trials.csv").read_text().splitlines()))
    plan = plan_search(loader, ["search=tpe", "hydra.sweeper.n_trials=15", "hydra.sweeper.pruner.n_warmup_steps=0"], 5)
    trials = replay(plan, table, net_seed=2, seed=5)
    assert [tuple(int(row[key]) for key in KEYS) for row in rows] == [trial.point for trial in trials]
    assert [int(row["epochs"]) for row in rows] == [trial.num_epochs for trial in trials]


def test_a_staged_search_holds_what_it_has_found(table: CurveTable, loader: ConfigLoader) -> None:
    plan = plan_search(loader, ["search=staged", "hydra.sweeper.n_trials=30"], 0)
    trials = replay(plan, table, 0, 0)
    first = trials[: plan.stage(0, ()).n_trials]
    best = min((trial for trial in first if trial.value is not None), key=lambda trial: trial.value or 0.0)
    later = trials[len(first) :]
    assert {trial.point[2:] for trial in first} == {(3, 1)}  # the config's own width and dropout
    assert later
    assert {trial.point[:2] for trial in later} == {best.point[:2]}


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_that_is_compared_can_be_planned(loader: ConfigLoader, name: str) -> None:
    plan = plan_search(loader, [*SEARCHES[name][0], "hydra.sweeper.n_trials=100"], 0)
    assert plan.stage(0, ()).n_trials > 0


def test_repeats_are_on_the_nets_of_the_three_seeds(table: CurveTable) -> None:
    first, *others = repeat(RANDOM, repeats=4)
    assert [len(each.epochs) for each in (first, *others)] == [100] * 4
    assert len({float(each.seen[0]) for each in (first, *others)}) == 4
    best = [table.val_loss[..., seed, :].min() for seed in (0, 1, 2, 0)]
    assert all(each.seen[-1] >= least for each, least in zip((first, *others), best, strict=True))


def test_a_replay_ends_with_its_epochs(table: CurveTable, loader: ConfigLoader) -> None:
    trials = replay(plan_search(loader, ["search=random", "hydra/sweeper/pruner=none"], 0), table, 0, 0, max_epochs=100)
    assert [trial.num_epochs for trial in trials] == [30] * 4


def test_progress_follows_the_best_complete_trial(table: CurveTable) -> None:
    true = np.zeros(SHAPE[:4])
    true[1], true[2] = 0.5, 0.7
    trials = [Ended((1, 0, 0, 0), 0.9, 30), Ended((0, 0, 0, 0), None, 5), Ended((2, 0, 0, 0), 0.8, 30)]
    progress = follow(trials, true)
    assert progress.epochs.tolist() == [30, 35, 65]
    assert progress.seen.tolist() == [0.9, 0.9, 0.8]
    assert progress.true.tolist() == [0.5, 0.5, 0.7]
    assert [progress.epochs_to(0.85), progress.epochs_to(0.1)] == [65, np.inf]
    assert [progress.at(n_trials=2), progress.at(num_epochs=64), progress.at()] == [1, 1, 2]


def test_confirmation_ranks_by_the_seeds_that_the_search_has_not_had() -> None:
    losses = np.ones(SHAPE, np.float32)
    lucky, good = (0, 0, 0, 0), (1, 0, 0, 0)
    losses[lucky], losses[(*lucky, 0)] = 0.9, 0.1
    losses[good] = 0.2
    table = CurveTable(losses, np.zeros(SHAPE, np.uint16), 360)
    true = true_values(table)
    end = confirm([Ended(lucky, 0.1, 30), Ended(good, 0.2, 30)], table, net_seed=0, true=true)
    assert end.true[-1] == true[good]
    assert end.epochs[-1] == 60 + 2 * 2 * 30
