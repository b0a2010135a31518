"""The study of a sweep: opened with checks, opened again, and dropped if a mistake ended it at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
import pytest
from omegaconf import DictConfig, OmegaConf
from studies import X, asked, prepared, settings_of

from tunesmith.errors import MachineFault, UserError
from tunesmith.search.attribute_names import CONFIG_ERROR
from tunesmith.search.opening import StudyOpener
from tunesmith.search.results import MULTIRUN_FILE
from tunesmith.search.staged_study import Stages
from tunesmith.search.stages.plan import SingleStage
from tunesmith.search.storage.storage import JOURNAL_FILE
from tunesmith.search.study.retries import requeue
from tunesmith.search.study.trial import Attempt

CONFIG = OmegaConf.create({"x": 1})


class FakeComposer:
    """Gives each trial the same config, of an app without groups."""

    def compose(self, params: Mapping[str, Any], number: int, folder: str) -> DictConfig:
        return OmegaConf.create({**CONFIG})

    def is_group(self, key: str) -> bool:
        return False


def opener(folder: Path, **changes: Any) -> StudyOpener:
    values: dict[str, Any] = {"study_name": "s", "direction": "minimize", "n_trials": 9, "max_retries": 2}
    values["sampler"] = OmegaConf.create({"_target_": "optuna.samplers.RandomSampler", "seed": None})
    values["pruner"] = OmegaConf.create({"_target_": "optuna.pruners.NopPruner"})
    given = settings_of(**{**values, **changes})
    stage = prepared(X, given, FakeComposer(), CONFIG)
    return StudyOpener(given, Stages(SingleStage(stage.stage), lambda _: stage), folder)


def test_opening_makes_the_study_and_writes_down_what_was_asked(tmp_path: Path) -> None:
    study = opener(tmp_path / "s").open(CONFIG)
    assert (study.study_name, study.trials) == ("s", [])
    assert (tmp_path / "s" / MULTIRUN_FILE).read_text() == "x: 1\n"
    assert (tmp_path / "s" / JOURNAL_FILE).exists()


def test_reopening_sees_what_others_have_written(tmp_path: Path) -> None:
    opened = opener(tmp_path / "s")
    study = opened.open(CONFIG)
    other = opener(tmp_path / "s").open(CONFIG)
    other.tell(asked(other), 0.5)
    assert [trial.value for trial in opened.reopen().trials] == [0.5]
    assert study.study_name == "s"


def test_a_study_that_a_mistake_ended_at_once_leaves_nothing(tmp_path: Path) -> None:
    opened = opener(tmp_path / "s")
    study = opened.open(CONFIG)
    trial = asked(study)
    trial.set_user_attr(CONFIG_ERROR, "no such metric")
    study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
    opened.discard_if_worthless(study)
    assert list(tmp_path.iterdir()) == []


def test_a_study_with_a_result_is_kept(tmp_path: Path) -> None:
    opened = opener(tmp_path / "s")
    study = opened.open(CONFIG)
    study.tell(asked(study), 0.5)
    opened.discard_if_worthless(study)
    assert len(opened.reopen().trials) == 1


def test_a_study_that_another_call_has_made_is_kept(tmp_path: Path) -> None:
    opener(tmp_path / "s").open(CONFIG)
    later = opener(tmp_path / "s")
    later.discard_if_worthless(later.open(CONFIG))
    assert (tmp_path / "s" / JOURNAL_FILE).exists()


def test_a_folder_that_was_there_before_is_kept_if_no_study_was_opened(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    opened = opener(tmp_path / "s", storage="sqlite:////nowhere/at/all.db")
    with pytest.raises(UserError, match=r"^hydra\.sweeper\.storage must be reachable"):
        opened.open(CONFIG)
    opened.discard_if_worthless(None)
    assert (tmp_path / "s").exists()


def test_a_folder_of_trials_of_another_storage_is_refused_and_its_new_study_dropped(tmp_path: Path) -> None:
    opener(tmp_path / "s").open(CONFIG)
    url = f"sqlite:///{tmp_path}/study.db"
    with pytest.raises(UserError, match=r"^hydra\.sweep\.dir must be a folder without trials of another study or"):
        opener(tmp_path / "s", storage=url).open(CONFIG)
    assert optuna.get_all_study_names(url) == []


# a study that lost trials


def cut(folder: Path, number: int) -> None:
    """Leave the journal without its last trials, from a number on."""
    lines = (folder / JOURNAL_FILE).read_bytes().splitlines(keepends=True)
    begins = [place for place, line in enumerate(lines) if line.startswith(b'{"op_code":4')]
    (folder / JOURNAL_FILE).write_bytes(b"".join(lines[: begins[number]]))


def with_trials(folder: Path, n: int) -> Path:
    study = opener(folder).open(CONFIG)
    for number in range(n):
        study.tell(asked(study), 0.5)
        (folder / str(number)).mkdir()
        (folder / str(number) / "result.yaml").write_text("value: 0.5")
    return folder


def test_a_study_that_lost_trials_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    folder = with_trials(tmp_path / "s", 8)
    cut(folder, 4)
    before = (folder / JOURNAL_FILE).read_bytes()
    for call in (lambda: opener(folder).open(CONFIG), lambda: opener(folder).join()):
        with pytest.raises(UserError, match=r"^hydra\.sweep\.dir must have no trials that .* trials 4, 5, 6, 7, and"):
            call()
    assert (folder / JOURNAL_FILE).read_bytes() == before


def test_a_study_whose_journal_is_gone_is_refused_and_gets_none(tmp_path: Path) -> None:
    folder = with_trials(tmp_path / "s", 1)
    (folder / JOURNAL_FILE).unlink()
    with pytest.raises(UserError, match=r"if its study\.journal was lost, python scripts/repair\.py .*/s$"):
        opener(folder).open(CONFIG)
    assert not (folder / JOURNAL_FILE).exists()


def test_folders_of_retries_and_of_other_things_are_no_unknown_trials(tmp_path: Path) -> None:
    folder = with_trials(tmp_path / "s", 2)
    (folder / "7").mkdir()  # empty
    (folder / "workers").mkdir()
    study = opener(folder).open(CONFIG)
    requeue(study, asked(study).number)
    assert Attempt(asked(study)).folder_name == "2"
    (folder / "2").mkdir()
    (folder / "2" / "train.log").write_text("")
    assert len(opener(folder).open(CONFIG).trials) == 4


def test_a_damaged_first_record_is_taken_from_the_command(tmp_path: Path) -> None:
    folder = with_trials(tmp_path / "s", 2)
    journal = folder / JOURNAL_FILE
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([b"\0" * 40 + b"\n", *lines[1:]]))
    study = opener(folder).open(CONFIG)
    assert (study.study_name, study.direction.name, len(study.trials)) == ("s", "MINIMIZE", 2)


def test_a_reader_beside_a_worker_makes_no_journal(tmp_path: Path) -> None:
    opened = opener(tmp_path / "s")
    study = opened.open(CONFIG)
    study.tell(asked(study), 0.5)
    assert [trial.value for trial in opened.follow().trials] == [0.5]
    (tmp_path / "s" / JOURNAL_FILE).unlink()
    with pytest.raises(MachineFault, match=r"study\.journal is gone$"):
        opened.follow()
    assert not (tmp_path / "s" / JOURNAL_FILE).exists()
