"""What went wrong in a training: where it stands once the training is over, whoever has trained it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning as L
import pytest
from listener import Listener
from omegaconf import DictConfig
from optuna import TrialPruned
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny import small

from tunesmith.errors import RunFailed
from tunesmith.insight import folder_findings
from tunesmith.reporting import NoReporter, hand_over
from tunesmith.run_folder import read_yaml
from tunesmith.training.run import train, train_in
from tunesmith.training.run_findings import find_in_training, log_findings

ENGINES = pytest.mark.parametrize("engine", ["lean", "lightning"])
TOO_HIGH = "learning_rate_too_high"
TEXT = "findings/text_summary"
SHIFT = {"name": "shift", "text": "parts differ", "threshold": "> 3", "remedies": [["a=1", "b=2"]]}


class Bug(L.Callback):
    """Fails when the last epoch has been written."""

    def on_train_end(self, *args: object) -> None:
        raise ZeroDivisionError("a bug after the last epoch")


def iris(*typed: str) -> DictConfig:
    return small("data=iris", "trainer.max_epochs=2", "report=false", *typed)


def hot(*typed: str) -> DictConfig:
    """A run whose loss is no number after its first epoch."""
    return iris("optimizer=sgd", "optimizer.lr=1e30", "model.batch_norm=false", *typed)


def names(result: dict[str, Any]) -> list[str]:
    return [finding["name"] for finding in result["findings"]]


def texts(folder: Path) -> list[str]:
    events = EventAccumulator(str(folder)).Reload()
    if TEXT not in events.Tags()["tensors"]:
        return []
    return [event.tensor_proto.string_val[0].decode() for event in events.Tensors(TEXT)]


@ENGINES
def test_a_finding_stands_in_result_yaml_and_in_tensorboards_text(engine: str, tmp_path: Path) -> None:
    result = train_in(hot(f"trainer.engine={engine}", "logger=tensorboard"), tmp_path, NoReporter())
    assert result == read_yaml(tmp_path / "result.yaml")
    assert (result["engine"], result["state"], list(result)[-1]) == (engine, "FAIL", "findings")
    first = result["findings"][0]
    assert first["name"] == TOO_HIGH
    (text,) = texts(tmp_path)
    assert text.startswith("**learning rate too high: ")
    assert "    " + " ".join(first["remedies"][0]) in text


@ENGINES
def test_a_run_without_probes_is_looked_at_and_says_if_nothing_is_found(engine: str, tmp_path: Path) -> None:
    cfg = small("data=iris", "trainer.max_epochs=1", "probes=false", f"trainer.engine={engine}", "logger=tensorboard")
    result = train_in(cfg, tmp_path, NoReporter())
    assert isinstance(result["findings"], list)
    (text,) = texts(tmp_path)
    assert text.startswith("**" if result["findings"] else "Found nothing in what was measured")


def test_a_plain_run_prints_what_was_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RunFailed, match=r"^val/loss was nan at epoch 1$"):
        train(hot(), tmp_path, NoReporter())
    printed = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert printed["found"].startswith("learning rate too high: ")
    assert printed["diagnose"].startswith("python scripts/diagnose.py ")


@pytest.mark.parametrize(
    ("typed", "stop_at", "raised"), [((), 1, TrialPruned), (("trainer.max_epochs=1",), None, RunFailed)]
)
def test_the_study_hears_the_names_of_a_trial_however_it_ends(
    tmp_path: Path, typed: Sequence[str], stop_at: int | None, raised: type[Exception]
) -> None:
    with hand_over(reporter := Listener(stop_at)), pytest.raises(raised, match=r"^pruned after 1 epochs|was nan"):
        train(hot(*typed) if raised is RunFailed else iris(*typed), tmp_path, reporter)
    assert reporter.findings == names(read_yaml(tmp_path / "result.yaml"))
    assert (reporter.findings[:1] == [TOO_HIGH]) == (raised is RunFailed)


def test_a_training_that_a_bug_ends_tells_what_was_found(tmp_path: Path) -> None:
    cfg = hot("+callbacks.bug._target_=test_run_findings.Bug")
    with pytest.raises(ZeroDivisionError, match="a bug after the last epoch"):
        train_in(cfg, tmp_path, reporter := Listener())
    assert reporter.findings == names(read_yaml(tmp_path / "result.yaml"))
    assert reporter.findings[0] == TOO_HIGH


def test_each_fold_has_its_own_findings_and_the_run_those_of_half_of_them(tmp_path: Path) -> None:
    result = train_in(hot("data.folds=2"), tmp_path, NoReporter())
    assert names(read_yaml(tmp_path / "fold_0" / "result.yaml"))[0] == TOO_HIGH
    assert names(result)[0] == TOO_HIGH
    assert result["findings"][0]["evidence"]["folds"] == "1 of 1"  # the first fold has failed: there is no second


def test_a_refit_is_not_looked_at(tmp_path: Path) -> None:
    assert find_in_training(iris(), tmp_path, {"refit": {"epochs": 3}}) is None


def test_a_training_that_has_left_nothing_is_not_looked_at(tmp_path: Path) -> None:
    assert find_in_training(iris(), tmp_path, {"state": "FAIL", "reason": "out of memory"}) is None


def test_a_rule_that_fails_fails_no_run_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(facts: object) -> list[Any]:
        raise ZeroDivisionError("a rule divides by zero")

    monkeypatch.setattr(folder_findings, "find_faults", broken)
    with caplog.at_level(logging.WARNING):
        result = train_in(iris(), tmp_path, NoReporter())
    assert (result["state"], result["findings"]) == ("COMPLETE", None)
    assert "what went wrong in the run is not known: ZeroDivisionError: a rule divides by zero" in caplog.text


class Texts:
    """A logger that takes texts as tables, as WandbLogger does."""

    def __init__(self, is_broken: bool = False) -> None:
        self.is_broken = is_broken
        self.rows: list[list[str]] = []

    def log_text(self, key: str, columns: list[str], data: list[list[str]]) -> None:
        if self.is_broken:
            raise OSError("no server")
        self.rows += [[key, *row] for row in data]


def test_a_logger_that_takes_tables_gets_one_beside_a_broken_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    loggers: Any = [Texts(is_broken=True), object(), logger := Texts()]
    with caplog.at_level(logging.WARNING):
        log_findings(loggers, tmp_path, {"findings": [SHIFT], "epochs": 3})
    assert logger.rows == [["findings", "shift", "parts differ", "> 3", "a=1 b=2"]]
    assert "logger: the findings are not logged: no server" in caplog.text


@pytest.mark.parametrize("found", [[], None])
def test_a_trial_without_a_finding_logs_no_text(tmp_path: Path, found: list[object] | None) -> None:
    with hand_over(Listener()):
        log_findings([logger := Texts()], tmp_path, {"findings": found, "epochs": 3})  # type: ignore[list-item]
    assert logger.rows == []
