"""The end of a sweep: the best trial is evaluated once, by a machine that can, and the results are printed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig, OmegaConf
from optuna import Study
from studies import X, asked, opened, settings_of

from tunesmith.errors import UserError
from tunesmith.run_folder import PAGE_FILE, read_yaml
from tunesmith.search.finish import finish, leave_results
from tunesmith.search.results import RESULTS_FILE

Evaluate = Callable[[Path, DictConfig], Mapping[str, Any]]
CONFIG = OmegaConf.create({"x": 0.25, "hydra": {"job": {"num": 1}}})
REFIT = OmegaConf.create({"x": 0.25, "refit": True, "hydra": {"job": {"num": 1}}})


@pytest.fixture(autouse=True)
def _typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["train.py", "-m"])


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Two complete trials, the second one the best, with folders of their own."""
    study = opened()
    for value in (0.5, 0.25):
        trial = asked(study)
        trial.suggest_float("x", 0, 1)
        study.tell(trial, value)
        (tmp_path / str(trial.number)).mkdir()
    return study


def end(
    study: Study,
    folder: Path,
    evaluate: Evaluate | None,
    is_elsewhere: bool = False,
    config: DictConfig = CONFIG,
    **keys: Any,
) -> dict[str, Any]:
    given = settings_of(direction="minimize", on_finish=evaluate, **keys)
    return finish(study, given, X, folder, {"study_name": "study"}, is_elsewhere, lambda *_: config)


def test_the_best_trials_folder_is_evaluated_and_the_metrics_are_kept(study: Study, tmp_path: Path) -> None:
    given: list[object] = []

    def evaluate(folder: Path, config: DictConfig) -> dict[str, float]:
        given.append((folder, config))
        return {"test/acc": 0.9}

    found = end(study, tmp_path, evaluate)
    assert given == [(tmp_path / "1", {"x": 0.25})]
    assert found["test"] == {"test/acc": 0.9}
    assert read_yaml(tmp_path / RESULTS_FILE) == found


def test_a_line_says_why_the_search_was_stopped(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    end(study, tmp_path, None, target=0.3)
    line, *_ = capsys.readouterr().out.splitlines()
    assert line == (
        "stopped: trial 1 has reached hydra.sweeper.target=0.3: 0.25; the same command with a wider limit, or null, "
        "goes on"
    )


def test_a_trial_that_was_evaluated_before_is_not_evaluated_again(study: Study, tmp_path: Path) -> None:
    (tmp_path / "1" / "test.yaml").write_text("test/acc: 0.8\nsamples: 360\n")

    def evaluate(folder: Path, config: DictConfig) -> dict[str, float]:
        raise AssertionError("test data is touched once")

    assert end(study, tmp_path, evaluate)["test"] == {"test/acc": 0.8}


def test_with_refit_the_refit_is_evaluated_and_the_results_say_so(study: Study, tmp_path: Path) -> None:
    (tmp_path / "1" / "test.yaml").write_text("test/acc: 0.8\nsamples: 360\n")  # of a call without refit

    def evaluate(folder: Path, config: DictConfig) -> dict[str, float]:
        (folder / "refit").mkdir()
        (folder / "refit" / "result.yaml").write_text("epochs: 12\n")
        (folder / "refit" / "test.yaml").write_text("test/acc: 0.9\nsamples: 360\n")
        return {"test/acc": 0.9}

    found = end(study, tmp_path, evaluate, config=REFIT)
    assert (found["test"], found["refit"]) == ({"test/acc": 0.9}, {"folder": "1/refit", "epochs": 12})
    assert end(study, tmp_path, refuse, config=REFIT) == found  # test data is touched once


def refuse(folder: Path, config: DictConfig) -> dict[str, float]:
    raise UserError("trainer.accelerator must be a device of this machine")


def test_an_evaluation_that_fails_ends_the_sweep_with_its_results_written(study: Study, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^trainer\.accelerator must be a device of this machine$"):
        end(study, tmp_path, refuse)
    assert read_yaml(tmp_path / RESULTS_FILE)["best_value"] == 0.25


def test_if_trials_ran_on_other_machines_a_line_says_that_this_one_cannot_evaluate(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert end(study, tmp_path, refuse, is_elsewhere=True)["test"] is None
    assert "the best trial is not evaluated on this machine: trainer.accelerator must" in capsys.readouterr().out


def test_without_an_evaluation_the_results_are_written_all_the_same(study: Study, tmp_path: Path) -> None:
    assert end(study, tmp_path, None)["test"] is None
    assert read_yaml(tmp_path / RESULTS_FILE)["best_trial"] == 1


def test_a_best_config_that_cannot_be_written_costs_no_other_result(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "multirun.yaml").write_text("hydra: {}")
    (tmp_path / "best.yaml").write_text("of an earlier best trial")
    found = end(study, tmp_path, lambda *_: {"test/acc": 0.9})
    assert read_yaml(tmp_path / RESULTS_FILE) == found
    assert found["test"] == {"test/acc": 0.9}
    assert (tmp_path / "trials.csv").exists()
    assert not (tmp_path / "best.yaml").exists()
    lines = [line for line in capsys.readouterr().out.splitlines() if "best.yaml is not complete" in line]
    assert lines == ["best.yaml is not complete: KeyError: 'run'"]


def test_the_page_is_written_after_the_results_are_shown(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    end(study, tmp_path, None, report=True)
    assert capsys.readouterr().out.splitlines()[-1].split() == ["report", str(tmp_path / PAGE_FILE)]


@pytest.mark.parametrize("has_page", [True, False])
def test_a_sweep_that_is_interrupted_leaves_its_page_unless_it_is_off(
    study: Study, tmp_path: Path, has_page: bool
) -> None:
    given = settings_of(direction="minimize", report=has_page)
    leave_results(study, given, tmp_path, {"study_name": "study"}, lambda *_: CONFIG)
    assert (tmp_path / RESULTS_FILE).exists()
    assert (tmp_path / PAGE_FILE).exists() is has_page
