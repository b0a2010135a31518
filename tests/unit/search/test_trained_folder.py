"""Which folder's model a folder stands for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tunesmith.errors import UserError
from tunesmith.run_folder import write_yaml
from tunesmith.search.trained_folder import trained_folder


def a_run(folder: Path) -> Path:
    for name in (".hydra/config.yaml", "checkpoints/best.ckpt", "result.yaml"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def a_study(folder: Path, **results: Any) -> Path:
    found = {"best_trial": 3, "best_dir": "3", "best_host": None, "best_value": 0.5, **results}
    write_yaml(folder / "optimization_results.yaml", found)
    return folder


def test_a_run_is_itself_refitted_or_not(tmp_path: Path) -> None:
    run = a_run(tmp_path / "run")
    a_run(run / "refit")
    assert trained_folder(run) == run
    assert trained_folder(run / "refit") == run / "refit"


def test_a_study_is_its_best_trial(tmp_path: Path) -> None:
    best = a_run(tmp_path / "3")
    assert trained_folder(a_study(tmp_path)) == best


def test_a_study_is_the_refit_of_its_best_trial_once_that_has_ended(tmp_path: Path) -> None:
    refit = a_run(a_run(tmp_path / "3") / "refit")
    assert trained_folder(a_study(tmp_path)) == refit
    (refit / "result.yaml").unlink()
    assert trained_folder(tmp_path) == tmp_path / "3"


@pytest.mark.parametrize(
    ("results", "message"),
    [
        (
            {"best_dir": None},
            r"folder must be of a study with a best trial; got .* \(no trial ran to its end\): name a ",
        ),
        (
            {"best_dir": None, "solutions": [{"trial": 1}]},
            r".* \(its trials have several objectives\): name a trial's ",
        ),
        ({"best_dir": "../3"}, r"folder must hold the study's best trial, \.\./3; got .* \(it is not there\)$"),
        ({"best_dir": "4"}, r"folder must hold the study's best trial, 4; got .* \(it is not there\)$"),
        ({"best_host": "far"}, r"folder must hold the study's best trial, 3; got .* \(it lies on far\)"),
    ],
    ids=["no trial", "several objectives", "a path elsewhere", "a folder that is gone", "another host"],
)
def test_a_study_without_a_best_trial_here_says_so(tmp_path: Path, results: dict[str, Any], message: str) -> None:
    (tmp_path / "study").mkdir()
    write_yaml(a_run(tmp_path / "study" / "3") / "result.yaml", {"value": 0.4})
    a_run(tmp_path / "3")
    with pytest.raises(UserError, match=f"^{message}"):
        trained_folder(a_study(tmp_path / "study", **results))


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"^folder must be one that a run left; got .* \(\.hydra/config\.yaml is missing"
    ):
        trained_folder(tmp_path)
    (tmp_path / "multirun.yaml").touch()
    with pytest.raises(
        UserError, match=r"^folder must be one that a run left; got .* \(a sweep's: name the folder of "
    ):
        trained_folder(tmp_path)
