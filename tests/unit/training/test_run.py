"""train(): what it returns, raises and prints, and the checkpoint that it goes on from."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest
from listener import Listener
from omegaconf import DictConfig
from optuna import TrialPruned
from tiny import small

from tunesmith.errors import RunFailed, UserError
from tunesmith.reporting import NoReporter, Reporter, hand_over
from tunesmith.run_folder import read_metrics, read_yaml
from tunesmith.training.run import train

EPOCHS = 3


def iris(*typed: str) -> DictConfig:
    return small("data=iris", f"trainer.max_epochs={EPOCHS}", *typed)


def test_it_returns_the_best_value_and_prints_where_the_files_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    value = train(iris("report=true"), tmp_path, NoReporter())
    losses = [float(row["val/loss"]) for row in read_metrics(tmp_path)]
    assert (value, len(losses)) == (min(losses), EPOCHS)
    printed = [line.split("  ")[0] for line in capsys.readouterr().out.splitlines()]
    of_rules = {"found", "caution", "diagnose"}
    assert [label for label in printed if label not in of_rules] == [
        *("best epoch", "its metrics", "files", "test it", "report"),
    ]
    assert of_rules & set(printed)


def test_a_trial_prints_no_summary(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with hand_over(reporter := Listener()):
        train(iris(), tmp_path, reporter)
    assert capsys.readouterr().out == ""


def test_a_run_that_its_reporter_stops_is_pruned(tmp_path: Path) -> None:
    with pytest.raises(TrialPruned, match=r"^pruned after 2 epochs$"):
        train(iris(), tmp_path, Listener(2))


def test_a_run_whose_objective_is_no_number_has_failed_and_offers_no_weights(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hot = iris("optimizer=sgd", "optimizer.lr=1e30", "model.batch_norm=false")
    with pytest.raises(RunFailed, match=r"^val/loss was nan at epoch 1$"):
        train(hot, tmp_path, NoReporter())
    best, files, *_ = capsys.readouterr().out.splitlines()
    assert best.startswith("best epoch   none of 1 run")
    assert files.endswith("/  result.yaml, metrics.csv")


@pytest.mark.parametrize("is_retry", [True, False], ids=["a retry", "a new attempt"])
def test_a_retry_alone_goes_on_from_the_last_checkpoint(tmp_path: Path, is_retry: bool) -> None:
    train(iris("trainer.max_epochs=1"), tmp_path, NoReporter())
    checkpoints = tmp_path / "checkpoints"
    (checkpoints / "best.ckpt").rename(checkpoints / "last.ckpt")
    seconds = read_yaml(tmp_path / "result.yaml")["seconds"]
    first = read_metrics(tmp_path)[0]
    train(iris("seed=1"), tmp_path, Listener(is_retry=is_retry))
    rows = read_metrics(tmp_path)
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert (rows[0] == first) is is_retry
    assert read_yaml(tmp_path / "result.yaml")["seconds"] >= (seconds if is_retry else 0)


# the page


class Interrupting(Listener):
    """Ctrl-C in the epoch after the first one."""

    def poll(self) -> None:
        if self.heard:
            raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("typed", "reporter", "raises"),
    [
        ((), NoReporter(), None),
        (("data.folds=2",), NoReporter(), None),
        (("trainer.engine=lean",), Interrupting(), KeyboardInterrupt),
        ((), Interrupting(), KeyboardInterrupt),
        (("optimizer=sgd", "optimizer.lr=1e30", "model.batch_norm=false"), NoReporter(), RunFailed),
    ],
    ids=["complete", "folds", "Ctrl-C, lean", "Ctrl-C", "no number"],
)
def test_a_run_has_a_page_however_it_ends(
    tmp_path: Path, typed: tuple[str, ...], reporter: Reporter, raises: type[BaseException] | None
) -> None:
    with nullcontext() if raises is None else pytest.raises(raises, match=r"^$|was nan"):
        train(iris("report=true", *typed), tmp_path, reporter)
    assert '<section id="curves">' in (tmp_path / "report.html").read_text()


def test_no_page_is_written_if_none_is_wanted_and_for_a_trial(tmp_path: Path) -> None:
    train(iris("report=false"), tmp_path, NoReporter())
    with hand_over(reporter := Listener()):
        train(iris("report=true"), tmp_path, reporter)
    assert not list(tmp_path.rglob("report.html"))


def test_a_mistake_leaves_the_page_of_an_earlier_attempt_alone(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("earlier")
    (tmp_path / "metrics.csv").write_text("epoch,val/loss\n1,0.5\n")
    with pytest.raises(UserError, match="scheduler"):
        train(iris("report=true", "scheduler=onecycle", "scheduler.total_steps=1"), tmp_path, NoReporter())
    assert (tmp_path / "report.html").read_text() == "earlier"


def test_a_page_that_cannot_be_written_fails_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "report.html").mkdir()
    assert train(iris("report=true"), tmp_path, NoReporter()) > 0
    assert "report       not written: " in capsys.readouterr().out
