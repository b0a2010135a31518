"""The checks of a study at a sweep's end: in optimization_results.yaml, and in the words of a console."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig, OmegaConf
from optuna import Study
from studies import asked, fail, opened, settings_of

from tunesmith.insight.study_checks.trials import Finding
from tunesmith.run_folder import read_yaml
from tunesmith.search.space.space import Space, parse_space
from tunesmith.search.study_checks import rows_of_checks, write_checks

SPACE = parse_space({}, ["optimizer.lr=tag(log,interval(1e-4,1e-1))", "seed=1,2,3"])
FOUND: dict[str, Any] = {"best_trial": 0, "best_dir": "0", "best_host": None, "best_value": 0.0, "test": None}
SGD = OmegaConf.create({"optimizer": {"_target_": "torch.optim.SGD", "lr": 0.01}, "trainer": {"max_epochs": 3}})


def study_of(num_trials: int, space: Space = SPACE, num_failed: int = 0) -> Study:
    """A study whose values get better with the learning rate; the last trials failed."""
    study = opened(space=space)
    for number in range(num_trials):
        trial = asked(study)
        lr = trial.suggest_float("optimizer.lr", 1e-4, 1e-1, log=True)
        trial.suggest_categorical("seed", (1, 2, 3))
        if number >= num_trials - num_failed:
            fail(study, trial)
        else:
            study.tell(trial, -lr)
    return study


def check(study: Study, folder: Path, config: DictConfig | None = None) -> tuple[dict[str, Any], list[Finding]]:
    return write_checks(study, settings_of(direction="minimize"), SPACE, folder, FOUND, config)


def test_what_is_found_stands_in_the_results(tmp_path: Path) -> None:
    found, findings = check(study_of(40), tmp_path, SGD)
    assert read_yaml(tmp_path / "optimization_results.yaml") == found == {**FOUND, "checks": found["checks"]}
    assert [each["name"] for each in found["checks"]] == [finding.name for finding in findings] == ["edge_of_range"]
    assert found["checks"][0]["override"] == "optimizer.lr=tag(log,interval(0.0001,3.2))"


def test_a_study_that_is_too_small_has_no_findings(tmp_path: Path) -> None:
    assert check(study_of(10), tmp_path, SGD) == ({**FOUND, "checks": []}, [])


def test_a_bound_is_not_moved_against_the_rules_of_the_config(tmp_path: Path) -> None:
    space = parse_space({}, ["optimizer.momentum=interval(0.0,0.99)"])
    study = opened(space=space)
    for _ in range(30):
        trial = asked(study)
        study.tell(trial, -trial.suggest_float("optimizer.momentum", 0, 0.99))
    config = OmegaConf.create({"optimizer": {"_target_": "torch.optim.SGD", "momentum": 0.9}})
    settings = settings_of(direction="minimize")
    assert write_checks(study, settings, space, tmp_path, FOUND, config)[1] == []
    assert [each.name for each in write_checks(study, settings, space, tmp_path, FOUND, None)[1]] == ["edge_of_range"]


def test_a_retry_of_a_lost_attempt_is_one_trial(tmp_path: Path) -> None:
    study = study_of(14)
    lost = asked(study)
    lost.suggest_float("optimizer.lr", 1e-4, 1e-1, log=True)
    assert check(study, tmp_path)[1] == []


def test_repeats_on_other_seeds_tell_the_noise(tmp_path: Path) -> None:
    space = parse_space({}, ["x=1,2", "seed=1,2,3"])
    study = opened(space=space)
    for value, x, seed in [(0.1, 1, 1), (0.2, 1, 2), (0.3, 1, 3), (0.2, 2, 1), (0.3, 2, 2), (0.4, 2, 3)]:
        trial = asked(study)
        study.enqueue_trial({"x": x, "seed": seed})
        study._storage.set_trial_system_attr(trial._trial_id, "fixed_params", {"x": x, "seed": seed})
        trial = type(trial)(study, trial._trial_id)
        trial.suggest_categorical("x", (1, 2))
        trial.suggest_categorical("seed", (1, 2, 3))
        study.tell(trial, value)
    (finding,) = write_checks(study, settings_of(direction="minimize"), space, tmp_path, FOUND, None)[1]
    assert (finding.name, finding.numbers) == ("ties", {"tied": 4, "sd": 0.1})


def test_a_study_that_cannot_be_read_costs_the_checks_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "0").mkdir()
    (tmp_path / "0" / "test.yaml").write_text("samples: [\n")
    found, _ = check(study_of(20), tmp_path, SGD)
    assert found["checks"] == []
    assert capsys.readouterr().out.startswith(f"the study is not checked: {tmp_path}/0/test.yaml, line 2")


def test_a_conditional_key_is_changed_in_its_file_since_a_typed_range_has_no_condition(tmp_path: Path) -> None:
    lr = SPACE.dimensions["optimizer.lr"]
    space = replace(SPACE, dimensions={"optimizer.lr": replace(lr, when={"seed": (1, 2, 3)})})
    study = study_of(40)
    (found,) = write_checks(study, settings_of(direction="minimize"), space, tmp_path, FOUND, SGD)[1]
    assert found.override is None
    assert found.text.endswith("; in its space's file: tag(log,interval(0.0001,3.2))")


def finding(number: int, override: str | None) -> Finding:
    return Finding("edge_of_range", f"finding {number}", {}, "", override)


def test_three_findings_are_shown_with_what_to_type_next() -> None:
    findings = [finding(1, "lr=tag(log,interval(1.0,2.0))"), finding(2, None), finding(3, "n=5"), finding(4, "m=6")]
    assert list(rows_of_checks(findings)) == [
        ("check", "finding 1; next: 'lr=tag(log,interval(1.0,2.0))'"),
        ("check", "finding 2"),
        ("check", "finding 3; next: n=5"),
        ("", "1 more in optimization_results.yaml"),
    ]
