"""The command line: how an error ends it, which arguments it mends, where a run lies."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hydra
import pytest
import yaml
from begun import record
from hydra import initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from tiny import composed

from tunesmith.cli import CONF, main, register_resolvers, run_folder
from tunesmith.errors import UserError


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")  # main() sets it; the next test finds it as it was
    yield
    HydraConfig.instance().cfg = None  # of the job


def run_main(
    monkeypatch: pytest.MonkeyPatch, *arguments: str, task: Callable[[DictConfig], None] | None = None
) -> None:
    monkeypatch.setattr("sys.argv", ["train.py", *arguments])
    main(task)


# errors


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        pytest.param(
            "optimizer.lrr=1",
            "optimizer.lrr: there is no such key; got 'optimizer.lrr=1'; did you mean optimizer.lr? options: ",
            id="a misspelled key",
        ),
        pytest.param(
            "sede=1", "sede: there is no such key; got 'sede=1'; did you mean seed? options: ", id="one at the top"
        ),
        pytest.param(
            "model=mpl",
            "model: there is no such choice; got 'mpl'; did you mean mlp? options: ",
            id="a misspelled choice",
        ),
        pytest.param("modle=mlp", "modle: there is no such key; got 'modle=mlp'; did you mean model?", id="a group"),
        pytest.param("seed=(1", "seed: must be an override; got 'seed=(1': ", id="a value that cannot be parsed"),
    ],
)
def test_hydras_errors_say_what_was_typed_and_what_there_is(
    monkeypatch: pytest.MonkeyPatch, argument: str, message: str
) -> None:
    with pytest.raises(SystemExit, match=f"^error: {re.escape(message)}.*$"):
        run_main(monkeypatch, argument)


def test_a_mistake_in_a_plain_run_of_any_task_is_one_line_and_no_more(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def task(cfg: DictConfig) -> None:
        raise UserError(f"seed must be another; got {cfg.seed}")

    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # Hydra sets its own
    no_file = ("hydra.job_logging.root.handlers=[console]", "~hydra.job_logging.handlers.file")
    with pytest.raises(SystemExit, match=r"^error: seed must be another; got 3$"):
        run_main(monkeypatch, f"hydra.run.dir={tmp_path}", *no_file, "seed=3", task=task)
    assert capsys.readouterr().err == ""


# arguments


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        pytest.param("hydra.sweeper.pruner.n_min_trials=3", {"n_min_trials": 3}, id="a key that is not set"),
        pytest.param("+hydra.sweeper.pruner.n_min_trials=3", {"n_min_trials": 3}, id="with a plus"),
        pytest.param("++hydra.sweeper.pruner.n_min_trials=3", {"n_min_trials": 3}, id="with two"),
        pytest.param("hydra.sweeper.pruner.n_warmup_steps=3", {"n_warmup_steps": 3}, id="a key that is set"),
        pytest.param("+hydra.sweeper.pruner.n_warmup_steps=3", {"n_warmup_steps": 3}, id="which a plus would refuse"),
        pytest.param(
            "hydra.sweeper.pruner._target_=optuna.pruners.NopPruner",
            {"_target_": "optuna.pruners.NopPruner"},
            id="another pruner",
        ),
        pytest.param("hydra/sweeper/pruner=none", {"_target_": "optuna.pruners.NopPruner"}, id="another choice"),
    ],
)
def test_optunas_arguments_need_no_plus(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], argument: str, expected: dict[str, Any]
) -> None:
    run_main(monkeypatch, argument, "--cfg", "hydra", "-p", "hydra.sweeper.pruner")
    shown = yaml.safe_load(capsys.readouterr().out)
    assert {key: shown[key] for key in expected} == expected


def test_a_key_of_our_own_still_needs_its_plus(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match=r"^error: optimizer\.nesterov: there is no such key"):
        run_main(monkeypatch, "optimizer.nesterov=true")


# checks before a run


def test_values_of_hydra_resolve_before_a_run_as_in_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    seen: list[str] = []
    typed = ("note=${hydra:job.name}", "study_name=${hydra:runtime.output_dir}", "hydra.run.dir=r")
    run_main(monkeypatch, *typed, task=lambda cfg: seen.extend((cfg.note, cfg.study_name)))
    assert seen == ["train", str(tmp_path / "r")]
    with pytest.raises(SystemExit, match=r"^error: optimizer\.lr must be a number > 0; got 'train'$"):
        run_main(monkeypatch, "optimizer.lr=${hydra:job.name}", task=lambda cfg: None)


def test_an_interpolation_that_fails_is_no_reason_to_skip_the_checks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    checkpoint = record(tmp_path / "r", "optimizer.lr=${no.such:thing}")
    with pytest.raises(SystemExit, match=r"^error: .*no\.such"):
        run_main(monkeypatch, "hydra.run.dir=${no.such:thing}", f"ckpt_path={checkpoint}", task=lambda cfg: None)


def test_a_refused_resume_writes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    checkpoint = record(tmp_path / "r", "data=iris")
    (tmp_path / "r" / "train.log").touch()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    message = (
        "error: ckpt_path must go on with the config that the run began with; got optimizer.lr=0.1 instead of 0.001"
    )
    with pytest.raises(SystemExit, match=f"^{re.escape(message)}: "):
        run_main(monkeypatch, "data=iris", "optimizer.lr=0.1", f"ckpt_path={checkpoint}", task=lambda cfg: None)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_a_checkpoint_is_found_by_a_job_that_runs_in_its_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    record(tmp_path / "r", "data=iris")
    seen: list[Path] = []
    typed = ("data=iris", "hydra.job.chdir=true", "ckpt_path=r/checkpoints/last.ckpt")
    run_main(monkeypatch, *typed, task=lambda cfg: seen.extend((Path.cwd(), Path(cfg.ckpt_path))))
    assert seen == [tmp_path / "r", tmp_path / "r" / "checkpoints" / "last.ckpt"]


# folders


@pytest.mark.parametrize(
    ("ckpt_path", "folder"),
    [
        pytest.param(None, "outputs/runs/2026-01-02/03-04-05", id="a new run"),
        pytest.param("outputs/runs/a/checkpoints/last.ckpt", "outputs/runs/a", id="a run that goes on"),
        pytest.param("/tmp/a b/checkpoints/best.ckpt", "/tmp/a b", id="somewhere else"),
        pytest.param("outputs/runs/a/fold_12/checkpoints/last.ckpt", "outputs/runs/a", id="a fold of a run"),
        pytest.param(
            "outputs/fold_1_old/checkpoints/last.ckpt", "outputs/fold_1_old", id="a run named much like a fold"
        ),
    ],
)
def test_run_folder(ckpt_path: str | None, folder: str) -> None:
    assert run_folder(ckpt_path, "2026-01-02", "03-04-05") == folder


@pytest.mark.parametrize(
    ("pruner", "key", "typed", "expected"),
    [
        pytest.param("median", "n_warmup_steps", [], 5, id="median: epochs"),
        pytest.param("median", "n_warmup_steps", ["data.folds=10"], 2, id="median: folds"),
        pytest.param("hyperband", "max_resource", ["trainer.max_epochs=30"], 30, id="hyperband: epochs"),
        pytest.param("hyperband", "max_resource", ["data.folds=10"], 10, id="hyperband: folds"),
    ],
)
def test_a_pruner_counts_the_steps_that_a_trial_reports(pruner: str, key: str, typed: list[str], expected: int) -> None:
    cfg = composed(f"hydra/sweeper/pruner={pruner}", *typed, with_hydra=True)
    assert cfg.hydra.sweeper.pruner[key] == expected


def test_a_plain_run_writes_no_storages_password_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TUNESMITH_STORAGE", "postgresql+psycopg://user:secret@host/name")
    run_main(monkeypatch, "hydra.run.dir=here", task=lambda cfg: None)
    written = {path.name: path.read_text() for path in (tmp_path / "here" / ".hydra").iterdir()}
    assert "postgresql+psycopg://user:***@host/name" in written["hydra.yaml"]
    assert [name for name, text in written.items() if "secret" in text] == []


def test_hydras_values_are_those_of_the_job_in_the_checks_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "start.ckpt").touch()
    weights = "weights=${hydra:runtime.output_dir}/start.ckpt"
    run_main(monkeypatch, "hydra.run.dir=${hydra:job.name}", weights, task=lambda cfg: None)
    assert (tmp_path / "train" / ".hydra").is_dir()


def test_a_plain_run_refuses_a_typed_password_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    storage = "hydra.sweeper.storage=postgresql+psycopg://user:secret@host/name"
    with pytest.raises(SystemExit, match=r"^error: hydra\.sweeper\.storage must have no password on the command line"):
        run_main(monkeypatch, storage, "hydra.run.dir=here", task=lambda cfg: None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("choice", ["tunesmith", "disabled", "stdout", "default"])
def test_a_runs_logging_may_be_another_of_hydras(choice: str) -> None:
    """A handler that only our file names would have no class."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = hydra.compose(
            "train", [f"hydra/job_logging={choice}", "hydra.runtime.output_dir=."], return_hydra_config=True
        )
    handlers = cfg.hydra.job_logging.get("handlers") or {}
    assert all("class" in handler for handler in handlers.values())
    assert bool(handlers) == (choice != "disabled")


def test_a_config_that_is_read_from_a_runs_folder_has_hydras_resolvers() -> None:
    OmegaConf.clear_resolver("now")  # as in a process that composes nothing: scripts/refit.py
    register_resolvers()
    assert OmegaConf.create({"study_name": "${now:%Y}"}).study_name.isdecimal()
