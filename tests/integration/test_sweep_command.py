"""A sweep by the real command line: trials, pruning, results, the way on."""

from __future__ import annotations

import csv
import re
import warnings
from pathlib import Path
from typing import Any

import optuna
import pytest
import yaml
from conftest import QUICK, Ended, Shell

from tunesmith.run_folder import read_metrics
from tunesmith.search.storage.storage import open_journal

SWEEP = ("-m", *QUICK, "trainer.max_epochs=6", "study_name=s")
PRUNER = ("hydra/sweeper/pruner=none", "hydra.sweeper.pruner._target_=faults.PruneAll")


@pytest.fixture(scope="module")
def ended(module_shell: Shell) -> Ended:
    return module_shell.train(*SWEEP, *PRUNER, "logger=tensorboard", "hydra.sweeper.n_trials=8")


@pytest.fixture(scope="module")
def study(module_shell: Shell, ended: Ended) -> Path:
    assert ended.code == 0, ended.text
    return module_shell.study("s")


@pytest.fixture(scope="module")
def results(study: Path) -> dict[str, Any]:
    return read(study / "optimization_results.yaml")


def read(path: Path) -> dict[str, Any]:
    content = yaml.safe_load(path.read_text())
    assert isinstance(content, dict)
    return content


def rows(study: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((study / "trials.csv").read_text().splitlines()))


def load(study: Path) -> optuna.Study:
    return optuna.load_study(study_name=study.name, storage=open_journal(study / "study.journal"))


def test_nothing_is_warned_of(ended: Ended) -> None:
    assert ended.err == ""
    assert "Warning" not in ended.out


def test_the_first_and_the_last_line_tell_how_to_resume(ended: Ended) -> None:
    first, *_, last = ended.out.splitlines()
    assert first.startswith("study s; resume it with: python ")
    assert last.startswith("resume       python ")
    assert last.endswith("hydra.sweeper.n_trials=8")


def test_the_space_comes_before_the_trials(ended: Ended) -> None:
    lines = ended.out.splitlines()
    assert lines[1] == "space"
    assert lines[2].split() == ["optimizer.lr", "0.0001", "to", "0.1,", "log", "scale"]


def test_a_line_a_trial(ended: Ended) -> None:
    pattern = r"trial +(\d+)  (COMPLETE|PRUNED  )  value \S+  best \S+ \(trial \d+\)  epochs \d  \d+\.\d s"
    lines = [line for line in ended.out.splitlines() if line.startswith("trial ")]
    matches = [re.fullmatch(pattern, line) for line in lines]
    assert [match and match[1] for match in matches] == [str(number) for number in range(8)]


def test_the_configured_pruner_prunes_every_trial_after_its_start_up(study: Path) -> None:
    """The pruner is not shown trial 0, the configuration as it stands: the space has no weight decay of 0."""
    states = [(row["state"], row["epochs"]) for row in rows(study)]
    assert states == [("COMPLETE", "6")] * 4 + [("PRUNED", "2")] * 4


def test_pruned_trials_ran_fewer_epochs(study: Path) -> None:
    pruned = [row for row in rows(study) if row["state"] == "PRUNED"]
    assert pruned
    assert all(int(row["epochs"]) < 6 for row in pruned)
    assert all(len(read_metrics(study / row["folder"])) == int(row["epochs"]) for row in pruned)


def test_results_have_the_design_s_keys(results: dict[str, Any]) -> None:
    assert list(results) == [
        *("name", "study", "directions", "best_value", "best_params", "best_trial", "best_dir", "best_host"),
        *("test", "trials", "findings", "epochs", "seconds", "search", "checks"),
    ]
    assert list(results["trials"]) == ["complete", "pruned", "failed", "lost"]
    assert (results["name"], results["study"], sum(results["trials"].values())) == ("optuna", "s", 8)


def test_epochs_saved_are_those_that_the_pruned_did_not_run(study: Path, results: dict[str, Any]) -> None:
    epochs = [(row["state"], int(row["epochs"])) for row in rows(study)]
    assert results["epochs"]["run"] == sum(number for _, number in epochs)
    assert results["epochs"]["saved"] == sum(6 - number for state, number in epochs if state == "PRUNED")


def test_the_best_trial_is_the_best(study: Path, results: dict[str, Any]) -> None:
    complete = [row for row in rows(study) if row["state"] == "COMPLETE"]
    best = min(complete, key=lambda row: float(row["value"]))
    assert (str(results["best_trial"]), results["best_value"]) == (best["number"], float(best["value"]))
    assert read(study / results["best_dir"] / "result.yaml")["value"] == results["best_value"]
    assert {key: str(value) for key, value in results["best_params"].items()} == {
        key: best[key] for key in results["best_params"]
    }


def test_only_the_best_trial_met_the_test_part(study: Path, results: dict[str, Any]) -> None:
    evaluated = [path.parent.name for path in study.glob("*/test.yaml")]
    assert evaluated == [results["best_dir"]]
    assert results["test"]["test/acc"] == read(study / results["best_dir"] / "test.yaml")["test/acc"]


def test_three_lines_of_plain_optuna_load_the_study(study: Path, results: dict[str, Any]) -> None:
    backend = optuna.storages.journal.JournalFileBackend(str(study / "study.journal"))
    loaded = optuna.load_study(study_name="s", storage=optuna.storages.JournalStorage(backend))
    assert (loaded.best_value, loaded.best_trial.number) == (results["best_value"], results["best_trial"])


def test_best_yaml_repeats_the_best_value_in_a_folder_of_its_own(
    module_shell: Shell, study: Path, results: dict[str, Any]
) -> None:
    before = sorted(study.rglob("*"))
    again = module_shell.train("--config-dir", "outputs/sweeps/s", "--config-name", "best")
    assert again.code == 0, again.text
    (folder,) = (module_shell.folder / "outputs" / "runs").glob("*/*")
    assert abs(read(folder / "result.yaml")["value"] - results["best_value"]) < 1e-6
    assert sorted(study.rglob("*")) == before


@pytest.mark.parametrize("engine", ["lightning", "lean"])
def test_best_yaml_repeats_the_lean_trials_value_by_each_engine(
    module_shell: Shell, study: Path, results: dict[str, Any], engine: str
) -> None:
    typed = ("--config-dir", "outputs/sweeps/s", "--config-name", "best", f"hydra.run.dir={engine}")
    again = module_shell.train(*typed, f"trainer.engine={engine}")
    assert again.code == 0, again.text
    trial = read(study / str(results["best_trial"]) / "result.yaml")
    run = read(module_shell.folder / engine / "result.yaml")
    assert (trial["engine"], run["engine"]) == ("lean", engine)
    assert run["value"] == trial["value"] == results["best_value"]


def test_a_multirun_of_best_yaml_sweeps_what_is_typed(module_shell: Shell, study: Path) -> None:
    ended = module_shell.train("-m", "--config-dir", "outputs/sweeps/s", "--config-name", "best", "seed=0,1")
    assert ended.code == 0, ended.text
    repeated = rows(module_shell.study("s_best"))
    assert [row["seed"] for row in repeated] == ["0", "1"]
    assert float(repeated[0]["value"]) == read(study / "optimization_results.yaml")["best_value"]


def test_tensorboard_has_a_run_a_trial_with_its_hparams(study: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
        from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
    for row in rows(study):
        events = EventAccumulator(str(study / row["folder"])).Reload()
        content = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
        hparams = HParamsPluginData.FromString(content).session_start_info.hparams
        assert hparams["state"].string_value == row["state"]
        assert hparams["optimizer.lr"].number_value == float(row["optimizer.lr"])
        assert events.Scalars("objective")[0].value == pytest.approx(float(row["value"]))
        assert [event.step for event in events.Scalars("val/loss")] == list(range(1, int(row["epochs"]) + 1))


def test_the_same_command_again_runs_nothing_and_tests_nothing(module_shell: Shell, study: Path) -> None:
    (tested,) = study.glob("*/test.yaml")
    before = (tested.stat().st_mtime_ns, (study / "trials.csv").read_text())
    again = module_shell.train(*SWEEP, *PRUNER, "hydra.sweeper.n_trials=8")
    assert (again.code, "trial   " in again.out) == (0, False)
    assert (tested.stat().st_mtime_ns, (study / "trials.csv").read_text()) == before


def test_more_trials_go_on_without_a_repeated_draw(module_shell: Shell, study: Path) -> None:
    more = module_shell.train(*SWEEP, *PRUNER, "hydra.sweeper.n_trials=15")
    assert more.code == 0, more.text
    learning_rates = [row["optimizer.lr"] for row in rows(study)]
    assert (len(learning_rates), len(set(learning_rates))) == (15, 15)
