"""What breaks into a lean training, what it leaves, and how it goes on; test_fit.py has what holds for both engines."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
import torch
from listener import Listener
from omegaconf import DictConfig
from tiny import small
from torch import Tensor

from tunesmith.errors import AttemptLost, RunFailed, UserError
from tunesmith.models.linear import Linear
from tunesmith.reporting import NoReporter
from tunesmith.run_folder import read_metrics, read_yaml
from tunesmith.training.lean.fit import train_once

EPOCHS = 5
LAST, BEST = Path("checkpoints", "last.ckpt"), Path("checkpoints", "best.ckpt")


def iris(*typed: str) -> DictConfig:
    return small("data=iris", "data.batch_size=32", "scheduler=plateau", f"trainer.max_epochs={EPOCHS}", *typed)


class BreaksIn(Listener):
    """Calls a function at a batch of an epoch (both from 1), once."""

    def __init__(self, break_in: Callable[[], object], epoch: int = 3, batch: int = 2) -> None:
        super().__init__()
        self.break_in, self.epoch, self.batch = break_in, epoch, batch

    def poll(self) -> None:
        if len(self.heard) + 1 == self.epoch:
            self.batch -= 1
            if self.batch == 0:
                self.break_in()


def raises(error: BaseException) -> Callable[[], NoReturn]:
    def break_in() -> NoReturn:
        raise error

    return break_in


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize(
    ("break_in", "expected"),
    [
        (raises(KeyboardInterrupt()), KeyboardInterrupt),
        (raises(AttemptLost("interrupted")), AttemptLost),
        (terminate, SystemExit),
    ],
    ids=["Ctrl-C", "an attempt that is lost", "SIGTERM"],
)
@pytest.mark.parametrize("interval", ["0", "10"])
def test_a_run_goes_on_from_the_last_whole_epoch_to_the_same_numbers(
    tmp_path: Path, break_in: Callable[[], object], expected: type[BaseException], interval: str
) -> None:
    cfg, whole, broken = iris(f"trainer.save_interval={interval}"), tmp_path / "whole", tmp_path / "broken"
    whole.mkdir(), broken.mkdir()
    result = train_once(cfg, whole, NoReporter())
    with pytest.raises(expected, match=r"^(interrupted|143|)$"):
        train_once(cfg, broken, BreaksIn(break_in))
    assert not (broken / "result.yaml").exists()
    assert torch.load(broken / LAST, weights_only=True)["epoch"] == 2
    again = train_once(cfg, broken, NoReporter(), broken / LAST)
    assert {**again, "seconds": 0} == {**result, "seconds": 0}
    assert read_metrics(broken) == read_metrics(whole)
    assert not (broken / LAST).exists()
    one, other = (torch.load(folder / BEST, weights_only=True) for folder in (whole, broken))
    assert all(torch.equal(value, other["state_dict"][name]) for name, value in one["state_dict"].items())


def test_sigterm_in_the_last_epoch_leaves_a_run_that_can_go_on(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"^143$"):
        train_once(iris(), tmp_path, BreaksIn(terminate, EPOCHS, 3))
    assert train_once(iris(), tmp_path, NoReporter(), tmp_path / LAST)["epochs"] == EPOCHS


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("a bug"), "ValueError: a bug"),
        (RunFailed("the trial took too long"), "the trial took too long"),
        (MemoryError("no room"), "out of memory: no room"),
    ],
    ids=["a bug", "a time-out", "out of memory"],
)
def test_an_error_is_recorded_with_the_best_epoch_before_it(tmp_path: Path, error: Exception, reason: str) -> None:
    raised = RunFailed if isinstance(error, MemoryError) else type(error)
    with pytest.raises(raised, match=rf"^{reason.removeprefix('ValueError: ')}$"):
        train_once(iris(), tmp_path, BreaksIn(raises(error)))
    result = read_yaml(tmp_path / "result.yaml")
    assert (result["state"], result["reason"], result["epochs"]) == ("FAIL", reason, 2)
    assert torch.load(tmp_path / BEST, weights_only=True)["epoch"] == result["epoch"]


def test_a_mistake_of_the_user_is_not_recorded(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^a mistake$"):
        train_once(iris(), tmp_path, BreaksIn(raises(UserError("a mistake"))))
    assert not (tmp_path / "result.yaml").exists()


def test_a_checkpoint_of_the_last_epoch_is_the_end(tmp_path: Path) -> None:
    first = train_once(iris("trainer.max_epochs=2", "optimizer.lr=1e-3"), tmp_path, NoReporter())
    rows, reporter = read_metrics(tmp_path), Listener()
    again = train_once(iris("trainer.max_epochs=2"), tmp_path, reporter, tmp_path / BEST)
    assert (first["epoch"], again["value"], again["epochs"]) == (2, first["value"], 2)
    assert (reporter.heard, read_metrics(tmp_path)) == ([], rows)


def test_a_run_starts_from_other_weights_and_one_that_goes_on_does_not(tmp_path: Path) -> None:
    origin, tuned = tmp_path / "origin", tmp_path / "tuned"
    origin.mkdir(), tuned.mkdir()
    train_once(iris(), origin, NoReporter())
    still = iris(f"weights={origin / BEST}", "optimizer.lr=1e-30")
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        train_once(still, tuned, BreaksIn(raises(KeyboardInterrupt())))
    before, last = (torch.load(path, weights_only=True)["state_dict"] for path in (origin / BEST, tuned / LAST))
    assert torch.equal(before["model.output.weight"], last["model.output.weight"])
    weights = torch.zeros_like(before["model.output.weight"])
    torch.save({"state_dict": {"model.output.weight": weights}}, tmp_path / "other.ckpt")
    train_once(iris(f"weights={tmp_path / 'other.ckpt'}"), tuned, NoReporter(), tuned / LAST)
    assert not torch.load(tuned / BEST, weights_only=True)["state_dict"]["model.output.weight"].eq(0).any()


class CountsThreads(Linear):
    """Trains with as many threads as the config says."""

    def forward(self, inputs: Tensor) -> Tensor:
        assert torch.get_num_threads() == 2
        return super().forward(inputs)


def test_threads_and_seed_are_those_of_the_config(tmp_path: Path) -> None:
    cfg = iris("threads=2", "seed=7")
    cfg.model = {"_target_": f"{__name__}.CountsThreads", "_partial_": True, "bias": True, "initializer": "torch"}
    try:
        first = train_once(cfg, tmp_path, NoReporter())
        torch.manual_seed(1), torch.set_num_threads(1)
        assert train_once(cfg, tmp_path, NoReporter())["value"] == first["value"]
    finally:
        torch.set_num_threads(1)
