"""One training, by the engine that its config chooses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from listener import Listener
from tiny import small

from tunesmith.errors import UserError
from tunesmith.reporting import NoReporter, hand_over
from tunesmith.run_folder import read_yaml
from tunesmith.training.run import train_in

IRIS = ("data=iris", "trainer.max_epochs=2")


@pytest.fixture
def _as_before() -> Iterator[None]:
    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize(
    ("typed", "engine"),
    [
        ((), "lightning"),
        (("trainer.engine=lean",), "lean"),
        (("trainer.engine=lean", "data.folds=2"), "lean"),
        (("trainer.engine=lightning", "data.folds=2"), "lightning"),
    ],
    ids=["auto", "lean", "lean, folds", "lightning, folds"],
)
def test_the_result_says_which_engine_trained(typed: tuple[str, ...], engine: str, tmp_path: Path) -> None:
    result = train_in(small(*IRIS, *typed), tmp_path, NoReporter())
    assert result["engine"] == engine
    assert {read_yaml(path)["engine"] for path in tmp_path.rglob("result.yaml")} == {engine}


def test_a_trial_is_trained_by_the_lean_engine_unless_a_key_needs_lightning(tmp_path: Path) -> None:
    for typed, engine in (("seed=1", "lean"), ("trainer.precision=64-true", "lightning")):
        (tmp_path / engine).mkdir()
        with hand_over(reporter := Listener()):
            assert train_in(small(*IRIS, typed), tmp_path / engine, reporter)["engine"] == engine


def test_what_the_lean_engine_cannot_do_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    cfg = small(*IRIS, "trainer.engine=lean", "trainer.accumulate_grad_batches=2")
    with pytest.raises(UserError, match=r"^trainer\.engine must be .*: trainer\.accumulate_grad_batches=2 needs"):
        train_in(cfg, tmp_path, NoReporter())
    assert list(tmp_path.iterdir()) == []


LOOKS_AT_EPOCH = "learner._target_=engine_parts.LooksAtEpoch"


def test_a_trial_whose_learner_turns_out_to_need_its_trainer_is_trained_by_lightning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "lightning").mkdir()
    plain = train_in(small(*IRIS, LOOKS_AT_EPOCH), tmp_path / "lightning", NoReporter())
    for trial in ("0", "1"):
        (tmp_path / trial).mkdir()
        with hand_over(reporter := Listener()):
            result = train_in(small(*IRIS, LOOKS_AT_EPOCH), tmp_path / trial, reporter)
        assert (result["engine"], result["value"]) == ("lightning", plain["value"])
        assert len(reporter.heard) == 2
    (tmp_path / "folds").mkdir()
    with hand_over(reporter := Listener()):
        assert (
            train_in(small(*IRIS, LOOKS_AT_EPOCH, "data.folds=2"), tmp_path / "folds", reporter)["engine"]
            == "lightning"
        )
    assert caplog.messages.count("engine lightning: the learner uses its Trainer's current_epoch") == 1


@pytest.mark.usefixtures("_as_before")
def test_deterministic_algorithms_of_a_trial_do_not_stay_for_the_next_one(tmp_path: Path) -> None:
    train_in(small(*IRIS, "trainer.deterministic=true"), tmp_path, NoReporter())
    assert torch.are_deterministic_algorithms_enabled()
    train_in(small(*IRIS, "trainer.engine=lean"), tmp_path, NoReporter())
    assert not torch.are_deterministic_algorithms_enabled()
