"""What the page of a study shows of its storage and its folder, whatever is missing there."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState, create_trial

from tunesmith.insight.pages.study_facts import TrialFacts
from tunesmith.run_folder import write_yaml
from tunesmith.search.attribute_names import CONSTRAINT, FIRST_ATTEMPT, OWNER, REASON, RETRY_OF, STAGE, SURPLUS
from tunesmith.search.report.facts import read_study
from tunesmith.search.storage.storage import JOURNAL_FILE, open_storage
from tunesmith.search.study.owner import Owner, this_process

LR = {"lr": FloatDistribution(1e-4, 1e-1, log=True)}
CONFIG: dict[str, Any] = {
    "objective": {"metric": "val/acc", "mode": "max", "others": []},
    "lr": 0.001,
    "hydra": {"sweeper": {"study_name": "s", "direction": "maximize", "storage": None}, "job": {"name": "no_such"}},
}


def attempt(value: float | None = None, state: TrialState = TrialState.COMPLETE, **more: Any) -> Any:
    """An attempt that drew lr and reported twice, if it has a value."""
    reports = {} if value is None else {1: value / 2, 2: value}
    given = {"params": {"lr": 0.01}, "distributions": LR, "intermediate_values": reports}
    return create_trial(state=state, value=value if state == TrialState.COMPLETE else None, **{**given, **more})


def make(folder: Path, *attempts: Any, url: str | None = None, direction: str = "maximize") -> Path:
    folder.mkdir(exist_ok=True)
    study = optuna.create_study(storage=open_storage(url, folder), study_name="s", direction=direction)
    study.add_trials(attempts)
    return folder


def with_config(folder: Path, **sweeper: Any) -> Path:
    write_yaml(folder / "multirun.yaml", {**CONFIG, "hydra": {"sweeper": {**CONFIG["hydra"]["sweeper"], **sweeper}}})
    return folder


def trials(folder: Path) -> Mapping[int, TrialFacts]:
    return {trial.number: trial for trial in read_study(folder).trials}


def test_a_journal_and_a_config_tell_trials_space_and_metric(tmp_path: Path) -> None:
    found = read_study(with_config(make(tmp_path, attempt(0.5), attempt(0.7))))
    assert (found.name, found.metric, found.modes) == ("s", "val/acc", ("max",))
    assert [(trial.value, trial.state, dict(trial.curve)) for trial in found.trials] == [
        (0.5, "complete", {1: 0.25, 2: 0.5}),
        (0.7, "complete", {1: 0.35, 2: 0.7}),
    ]
    (lr,) = found.params
    assert (lr.key, lr.is_log, lr.low, lr.high, lr.choices) == ("lr", True, 1e-4, 1e-1, None)
    assert "" not in found.missing


def test_attempts_of_a_trial_are_one_and_surplus_ones_are_none(tmp_path: Path) -> None:
    lost = attempt(state=TrialState.FAIL, intermediate_values={1: 0.1, 2: 0.2})
    retry = attempt(0.9, user_attrs={FIRST_ATTEMPT: 0, RETRY_OF: 0}, intermediate_values={3: 0.9})
    surplus = attempt(state=TrialState.FAIL, user_attrs={SURPLUS: True})
    (trial,) = trials(make(tmp_path, lost, retry, surplus)).values()
    assert (trial.number, trial.state, trial.folder, dict(trial.curve)) == (
        1,
        "complete",
        "0",
        {1: 0.1, 2: 0.2, 3: 0.9},
    )
    assert trial.epochs == 3


def test_states_reasons_constraints_and_repeats_are_told(tmp_path: Path) -> None:
    folder = make(
        tmp_path,
        attempt(state=TrialState.FAIL, user_attrs={REASON: "a bug"}),
        attempt(state=TrialState.PRUNED, intermediate_values={1: 0.4, 2: 0.3}),
        attempt(0.5, system_attrs={f"{CONSTRAINT}size <= 3": 2.0}),
        attempt(0.6, user_attrs={STAGE: "confirm"}),
        attempt(state=TrialState.FAIL),
    )
    found = trials(folder)
    assert (found[0].state, found[0].reason) == ("failed", "a bug")
    assert (found[1].state, found[1].value) == ("pruned", 0.4)  # the best that it reported
    assert (found[2].is_infeasible, found[2].violations) == (True, ("size <= 3",))
    assert found[3].is_repeat
    assert found[4].state == "lost"


def test_a_running_trial_runs_only_as_long_as_its_process(tmp_path: Path) -> None:
    here, gone = this_process(), Owner(**{**vars(this_process()), "pid": 2**22 + 1})
    running = [
        attempt(state=TrialState.RUNNING, user_attrs={OWNER: owner.to_attribute(tmp_path)}) for owner in (here, gone)
    ]
    found = trials(make(tmp_path, *running))
    assert [trial.state for trial in found.values()] == ["running", "lost"]
    assert found[0].worker == f"{here.host} {here.pid}"


def test_the_folder_of_a_trial_is_known_after_the_study_was_moved(tmp_path: Path) -> None:
    owner = {OWNER: this_process().to_attribute(tmp_path / "old")}
    old = make(tmp_path / "old", attempt(0.5, user_attrs=owner))
    (old / "0").mkdir()
    (old / "0" / "result.yaml").write_text("metric: val/acc\nepoch: 2\n")
    shutil.move(old, tmp_path / "new")
    assert read_study(tmp_path / "new").best_result["epoch"] == 2


def test_a_path_elsewhere_in_a_database_is_no_folder_to_look_into(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/study.db"
    secret = tmp_path / "secret" / "0"
    secret.mkdir(parents=True)
    (secret / "result.yaml").write_text("metric: secret\n")
    owner = {OWNER: this_process().to_attribute(tmp_path / "secret")}
    folder = with_config(make(tmp_path / "s", attempt(0.5, user_attrs=owner), url=url), storage=url)
    write_yaml(folder / "optimization_results.yaml", {"best_trial": 0, "best_dir": "../secret/0"})
    found = read_study(folder)
    assert found.best_result == {}
    assert "The best trial's folder is not here: ../secret/0." in found.missing["answer"]


def test_a_database_is_found_by_the_config_of_the_folder(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/study.db"
    folder = with_config(make(tmp_path / "s", attempt(0.5), url=url), storage=url)
    assert [trial.value for trial in read_study(folder).trials] == [0.5]


def test_a_database_that_is_gone_is_said_and_not_made(tmp_path: Path) -> None:
    folder = with_config(tmp_path, storage=f"sqlite:///{tmp_path}/gone.db")
    assert "there is no database at sqlite://" in read_study(folder).missing[""][0]
    assert not (tmp_path / "gone.db").exists()


def test_a_password_that_is_missing_is_said_without_a_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TUNESMITH_STORAGE_PASSWORD", raising=False)
    folder = with_config(tmp_path, storage="postgresql+psycopg://me:***@nowhere/db")
    assert "set the variable TUNESMITH_STORAGE_PASSWORD" in read_study(folder).missing[""][0]


def test_a_torn_journal_costs_its_last_record(tmp_path: Path) -> None:
    folder = make(tmp_path, attempt(0.5), attempt(0.7))
    with (folder / JOURNAL_FILE).open("r+b") as file:
        file.truncate((folder / JOURNAL_FILE).stat().st_size - 20)
    found = read_study(folder)
    assert [trial.value for trial in found.trials] == [0.5]
    assert "" not in found.missing


def test_the_best_trials_files_may_be_damaged(tmp_path: Path) -> None:
    folder = with_config(make(tmp_path, attempt(0.5)))
    (folder / "0" / ".hydra").mkdir(parents=True)
    for name in ("result.yaml", "test.yaml", "linear.yaml", ".hydra/config.yaml", "preparation.json"):
        (folder / "0" / name).write_bytes(b"a: [\xff")
    found = read_study(folder)
    assert (found.best_result, found.best_test, found.linear, found.best_se) == ({}, {}, {}, None)
    assert any(line.startswith("The standard error of the best value cannot") for line in found.missing["answer"])


def test_the_error_of_an_accuracy_is_binomial(tmp_path: Path) -> None:
    folder = with_config(make(tmp_path, attempt(0.9)))
    write_yaml(folder / "optimization_results.yaml", {"best_trial": 0, "best_dir": "0", "test": {"test/acc": 0.9}})
    (folder / "0" / ".hydra").mkdir(parents=True)
    write_yaml(folder / "0" / "result.yaml", {"metric": "val/acc", "value": 0.9, "epoch": 2})
    write_yaml(folder / "0" / "test.yaml", {"test/acc": 0.9, "samples": 100})
    write_yaml(folder / "0" / ".hydra" / "config.yaml", {"data": {"test_fraction": 0.2, "val_fraction": 0.2}})
    found = read_study(folder)
    assert found.best_se == pytest.approx(0.032, abs=5e-4)  # sqrt(p (1 - p) / 100) of p = 92 / 104
    assert found.se_source == "from the number of samples in the validation part"


def test_repeats_on_several_seeds_tell_the_noise(tmp_path: Path) -> None:
    seeds = {"seed": CategoricalDistribution(list(range(4)))}
    runs = [
        attempt(value, params={"seed": seed}, distributions=seeds) for seed, value in enumerate((0.5, 0.6, 0.7, 0.8))
    ]
    folder = make(tmp_path, *runs)
    (folder / "3").mkdir()
    found = read_study(folder)
    assert found.best_se == pytest.approx(0.129, abs=1e-3)
    assert "several seeds" in found.se_source


def test_the_configuration_as_it_stands_is_known_by_its_values(tmp_path: Path) -> None:
    stands = attempt(0.5, params={"lr": 0.001})
    found = read_study(with_config(make(tmp_path, attempt(0.6), stands)))
    assert [trial.is_baseline for trial in found.trials] == [False, True]


def test_stages_with_other_overrides_are_not_compared_with_the_best(tmp_path: Path) -> None:
    of = [attempt(value, user_attrs={STAGE: stage}) for value, stage in ((0.9, "few"), (0.5, "all"), (0.6, "fine"))]
    stages = [{"name": "few", "overrides": ["data.fraction=0.1"]}, {"name": "all"}, {"name": "fine", "narrow": 0.5}]
    found = read_study(with_config(make(tmp_path, *of), stages=stages))
    assert [trial.is_comparable for trial in found.trials] == [False, True, True]
    assert found.best is not None
    assert found.best.number == 2


def test_without_a_storage_the_table_and_the_folders_tell_the_trials(tmp_path: Path) -> None:
    (tmp_path / "trials.csv").write_text(
        "number,stage,state,value,epochs,seconds,host,folder,reason,note,tags,lr,act\n"
        "0,,COMPLETE,0.5,2,1.5,here,0,,,,0.001,relu\n"
        "1,,FAIL,,0,0.1,here,../1,a bug,,,0.1,tanh\n"
        "2,,PRUNED,inf,inf,nan,here,../2,,,,0.1,tanh\n"
        "x,,COMPLETE,0.5,2,1.5,here,0,,,,0.001,relu\n"
    )
    (tmp_path / "0").mkdir()
    (tmp_path / "0" / "result.yaml").write_text("metric: val/loss\nmode: min\nstate: COMPLETE\nvalue: 0.5\n")
    (tmp_path / "0" / "metrics.csv").write_text("epoch,val/loss\n1,0.7\n2,0.5\n")
    found = read_study(tmp_path)
    assert [(trial.state, trial.value, dict(trial.curve), trial.reason) for trial in found.trials] == [
        ("complete", 0.5, {1: 0.7, 2: 0.5}, None),
        ("failed", None, {}, "a bug"),
        ("pruned", math.inf, {}, None),
    ]
    assert [(trial.epochs, trial.seconds) for trial in found.trials] == [(2, 1.5), (0, 0.1), (0, None)]
    assert [(param.key, param.is_log, param.choices) for param in found.params] == [
        ("lr", True, None),
        ("act", False, ["relu", "tanh"]),
    ]
    assert found.metric == "val/loss"
    assert "3 trials are shown as trials.csv and the trials' folders tell them" in found.missing[""][0]


def test_without_a_table_the_folders_alone_tell_them(tmp_path: Path) -> None:
    (tmp_path / "trials.csv").touch()
    for number, state in enumerate(("COMPLETE", "PRUNED")):
        (tmp_path / str(number) / ".hydra").mkdir(parents=True)
        (tmp_path / str(number) / "result.yaml").write_text(
            f"state: {state}\nvalue: 0.5\nmetric: val/loss\nmode: min\n"
        )
        (tmp_path / str(number) / ".hydra" / "overrides.yaml").write_text("[optimizer.lr=0.001, hydra.mode=RUN]")
    found = read_study(tmp_path)
    assert [(trial.state, trial.value, dict(trial.params)) for trial in found.trials] == [
        ("complete", 0.5, {"optimizer.lr": 0.001}),
        ("pruned", 0.5, {"optimizer.lr": 0.001}),
    ]


def test_files_that_cannot_be_read_are_named_in_their_section(tmp_path: Path) -> None:
    folder = make(tmp_path, attempt(0.5))
    (folder / "multirun.yaml").write_text("a: [")
    missing = read_study(folder).missing
    assert missing["space"][0].startswith("multirun.yaml cannot be read (")
    assert missing["next"][0].startswith("There is no optimization_results.yaml: ")


def test_other_studies_of_a_database_are_named(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/study.db"
    folder = with_config(make(tmp_path / "x", url=url), storage=url, study_name="other")
    assert "no study of the name other; it has s" in read_study(folder).missing[""][0]


@pytest.mark.parametrize(
    ("counted", "section", "sentence"),
    [(1, "next", "1 trial has ended since"), (4, "", "counts 2 more trials than are found here")],
)
def test_results_that_count_other_trials_are_said(tmp_path: Path, counted: int, section: str, sentence: str) -> None:
    folder = with_config(make(tmp_path, attempt(0.5), attempt(0.7)))
    write_yaml(folder / "optimization_results.yaml", {"trials": {"complete": counted, "pruned": 0, "failed": 0}})
    assert sentence in " ".join(read_study(folder).missing[section])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("multirun.yaml", {"objective": {"others": -1.5}}),
        (
            "multirun.yaml",
            {"hydra": {"sweeper": {"stages": [{"name": "a", "overrides": 3}]}, "overrides": {"task": 3}}},
        ),
        ("multirun.yaml", {"hydra": {"overrides": {"task": 3}}}),
        ("optimization_results.yaml", {"directions": [{"a": 1}]}),
    ],
)
def test_values_of_another_type_in_its_files_are_no_trouble(tmp_path: Path, name: str, content: object) -> None:
    folder = make(tmp_path, attempt(0.5))
    write_yaml(folder / name, content)
    assert [trial.value for trial in read_study(folder).trials] == [0.5]
