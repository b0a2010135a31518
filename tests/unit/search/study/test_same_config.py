"""A command goes on with what its study has begun: its space may change, what was fixed may not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf
from optuna.storages import InMemoryStorage
from studies import opened
from study_app import FOLDER, StudyApp, study_app, study_in_journal, trials

from tunesmith.errors import UserError
from tunesmith.search.attribute_names import OWNER
from tunesmith.search.study.config_record import Base, ConfigRecord, read_records
from tunesmith.search.study.owner import this_process
from tunesmith.search.study.same_config import check_config, join_config


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StudyApp]:
    with study_app(tmp_path, monkeypatch) as app:
        yield app


def content(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize(
    ("before", "now", "message"),
    [
        pytest.param(["y=100"], ["y=200"], "y .*: 100; got 200: use another study_name$", id="a value"),
        pytest.param([], ["y=1.5"], "y .*: 1; got 1.5: ", id="a default"),
        pytest.param(["y=100"], [], "y .*: 100; got 1: ", id="a value that is typed no more"),
        pytest.param([], ["flag=true"], "flag .*: null; got true: ", id="null"),
        pytest.param(["y=1"], ["y=true"], "y .*: 1; got true: ", id="1 is not true"),
        pytest.param([], ["z=2"], r"z .*: \$\{y\}; got 2: ", id="an interpolation"),
        pytest.param(["y=1,2"], ["y=1,2", "z=1"], r"z .*: \$\{y\}; got 1: ", id="an interpolation of a swept key"),
        pytest.param([], ["y=1,2", "z=1"], r"z .*: \$\{y\}; got 1: ", id="an interpolation of a key swept anew"),
        pytest.param([], ["layers=[8,8]"], r"layers .*: \[8\]; got \[8, 8\]: ", id="a list"),
        pytest.param([], ["+new=1"], "new .*: no such key; got 1: ", id="a new key"),
        pytest.param([], ["~name"], "name .*: a; got no such key: ", id="a deleted key"),
        pytest.param([], ["model=cnn"], "model .*: mlp; got cnn: ", id="a group"),
        pytest.param([], ["db=pg"], "db .*: null; got pg: ", id="a group that was null"),
        pytest.param([], ["experiment=far"], "y .*: 1; got 1000: ", id="an experiment"),
        pytest.param([], ["model={units:9}"], "model.units .*: 8; got 9: ", id="a dict"),
        pytest.param([], ["seed=1"], r"seed .*: 0; got 1 \(hydra.sweeper.seed alone is", id="the run's seed"),
        pytest.param([], ["data.path=b.csv"], "data.path .*: a.csv; got b.csv: ", id="data that no digest knows"),
        pytest.param([], ["y=2", "name=b"], r"y .*: 1; got 2 \(and name\): ", id="two keys"),
        pytest.param(["model=mlp,cnn"], ["model=mlp,cnn", "y=2"], "y .*: 1; got 2: ", id="beside a swept group"),
        pytest.param(["model=mlp,cnn"], ["model=cnn", "y=2"], "y .*: 1; got 2: ", id="beside a group fixed anew"),
        pytest.param(["model=mlp"], ["model=cnn,mlp", "y=2"], "y .*: 1; got 2: ", id="beside a group swept anew"),
    ],
)
def test_what_was_fixed_may_not_change(app: StudyApp, before: list[str], now: list[str], message: str) -> None:
    storage = InMemoryStorage()
    study = app.join(storage, "x=1,2,3", *before)
    rule = "must stay as it was in the earlier trials of study study"
    with pytest.raises(UserError, match=f"^{message.replace(' .*: ', f' {rule}: ')}"):
        app.join(storage, "x=1,2,3", *now)
    assert (len(study.trials), len(read_records(study))) == (1, 1)


def test_a_command_that_is_refused_writes_nothing(app: StudyApp) -> None:
    app.sweep("x=1,2,3", "y=100")
    files = content(Path())
    with pytest.raises(UserError, match=r"^y must stay as it was in the earlier trials of study s: 100; got 200"):
        app.sweep("x=1,2,3", "y=200")
    assert content(Path()) == files


@pytest.mark.parametrize("text", ["{kind: cnn, kernel: 4}", "{kind: cnn, kernel: 3, stride: 1}"])
def test_an_edited_file_is_another_config_in_every_choice_that_is_swept(app: StudyApp, text: str) -> None:
    storage = InMemoryStorage()
    app.join(storage, "model=mlp,cnn", "x=1,2")
    (app.conf / "model/cnn.yaml").write_text(text)
    with pytest.raises(UserError, match=r"^model\.(kernel|stride) must stay as it was in the earlier"):
        app.join(storage, "model=mlp,cnn", "x=1,2,3")


@pytest.mark.parametrize(
    ("before", "now"),
    [
        pytest.param([], ["hydra.sweeper.n_trials=2", "hydra.sweeper.seed=7"], id="the search"),
        pytest.param([], ["threads=2", "note=why"], id="what nothing depends on"),
        pytest.param([], ["experiment=same"], id="a choice with the same values"),
        pytest.param([], ["y=1.0"], id="an integer as a float"),
        pytest.param([], ["z=1"], id="the value of an interpolation"),
        pytest.param(["z=1"], [], id="an interpolation of the same value"),
        pytest.param(["y=1,2", "z=1"], ["y=1,2", "z=${oc.decode:'1'}"], id="an interpolation of no swept key"),
        pytest.param([], ["y=1,2"], id="a key swept anew"),
        pytest.param([], ["+new=1,2"], id="a new key swept anew"),
        pytest.param(["y=1,2"], ["y=2"], id="a key fixed anew"),
        pytest.param(["y=1,2"], ["y=5"], id="a key fixed anew elsewhere"),
        pytest.param(["+new=1,2"], ["+new=2"], id="a new key fixed anew"),
        pytest.param(["model=mlp,cnn"], ["model=cnn"], id="a group fixed anew"),
        pytest.param([], ["model=cnn,mlp"], id="a group swept anew"),
        pytest.param([], ["experiment=far,same"], id="experiments swept anew"),
        pytest.param(["y=1"], ["y=range(1,5)"], id="a range"),
        pytest.param(["y=1,2"], ["y=2,1"], id="another order"),
        pytest.param(["y=1,2"], ["y=interval(1,5)", "hydra.sweeper.n_trials=3"], id="another kind of range"),
    ],
)
def test_the_search_and_its_space_may_change(app: StudyApp, before: list[str], now: list[str]) -> None:
    storage = InMemoryStorage()
    for typed in (before, now):
        study = app.join(storage, "x=1,2", *typed)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "COMPLETE"]


def test_a_key_that_was_swept_in_between_may_be_fixed_at_another_value(app: StudyApp) -> None:
    for typed in ("y=100", "y=100,200", "y=200"):
        found = app.sweep("x=1,2", typed)
    assert (len(app.ran), found["trials"]["complete"]) == (4, 2)


def test_a_study_of_an_earlier_version_is_not_compared_and_recorded_from_then_on(
    app: StudyApp, capsys: pytest.CaptureFixture[str]
) -> None:
    app.sweep("x=1,2,3")
    journal = FOLDER / "study.journal"
    old = [line for line in journal.read_text().splitlines() if '"config ' not in line]
    journal.write_text("".join(line.replace('"config":', '"other":') + "\n" for line in old))
    assert "config" not in trials()[0].user_attrs[OWNER]
    capsys.readouterr()
    assert app.sweep("x=1,2,3", "y=2")["trials"]["complete"] == 3
    assert "not compared: study s is of an earlier version, which recorded no config" in capsys.readouterr().out
    with pytest.raises(UserError, match=r"^y must stay as it was in the earlier trials of study s: 2; got 3"):
        app.sweep("x=1,2,3", "y=3")


def test_no_secret_is_recorded(app: StudyApp) -> None:
    app.sweep("x=1,2")
    assert "open sesame" not in (FOLDER / "study.journal").read_text()
    app.sweep("x=1,2,3", "password=another")


@pytest.mark.parametrize("is_dead", [True, False], ids=["ended", "alive"])
def test_a_command_that_has_run_nothing_binds_others_as_long_as_it_lives(app: StudyApp, is_dead: bool) -> None:
    app.sweep("x=1,2")
    writer = replace(this_process(), start_mark=0) if is_dead else this_process()
    content = {"swept": [], "bases": [{"choices": {}, "config": {"y": 5}}], "owner": writer.to_attribute(None)}
    study_in_journal().set_user_attr("config 0123", content)
    if is_dead:
        assert app.sweep("x=1,2,3")["trials"]["complete"] == 3
        return
    with pytest.raises(UserError, match=r"^y must stay as it was in the earlier trials of study s: 5; got 1"):
        app.sweep("x=1,2,3")


def test_of_two_commands_that_join_at_once_the_second_is_refused() -> None:
    study = opened()
    one, two = (ConfigRecord((), (Base({}, {"y": value}),)) for value in (1, 2))
    for record in (one, two):
        check_config(study, record, lambda _: OmegaConf.create({"y": 0}))
    join_config(study, one, lambda _: OmegaConf.create({"y": 1}))
    with pytest.raises(UserError, match=r"^y must stay as it was in the earlier trials of study study: 1; got 2"):
        join_config(study, two, lambda _: OmegaConf.create({"y": 2}))
    assert list(read_records(study)) == [one.digest]


class JoinedWhileItIsRead(InMemoryStorage):
    """Behind the first `left` reads of a study's attributes, another command has written its record."""

    left = 0

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        found = dict(super().get_study_user_attrs(study_id))
        if self.left:
            self.left -= 1
            owner = this_process().to_attribute(None)
            content = {"swept": [], "bases": [{"choices": {}, "config": {"y": 0}}], "owner": owner}
            self.set_study_user_attr(study_id, f"config {self.left:04}", content)
        return found


def test_a_command_that_joins_while_the_records_are_read_is_compared_at_the_next_look() -> None:
    storage = JoinedWhileItIsRead()
    study = opened(storage)
    storage.left = 3
    present = ConfigRecord((), (Base({}, {"y": 0}),))
    check_config(study, present, lambda _: OmegaConf.create({"y": 0}))
    join_config(study, present, lambda _: OmegaConf.create({"y": 0}))
    assert len(read_records(study)) == 4
