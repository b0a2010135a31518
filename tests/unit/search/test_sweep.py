"""A sweep in this process, from its check to its results: Hydra's own loader, an app of one number."""

from __future__ import annotations

import errno
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import optuna
import pytest
import yaml
from full_disk import files_up_to
from hydra.errors import HydraException
from hydra.types import HydraContext, RunMode
from hydra_app import app_context, root_logger_kept
from omegaconf import DictConfig, OmegaConf
from optuna.trial import TrialState
from studies import asked, fail

import tunesmith
from tunesmith.errors import MachineFault, RunFailed, UserError
from tunesmith.search.results import BEST_FILE, MULTIRUN_FILE, RESULTS_FILE
from tunesmith.search.settings import read_settings
from tunesmith.search.storage.storage import JOURNAL_FILE, open_journal
from tunesmith.search.study.owner import JOB, STARTED, WORKER
from tunesmith.search.study.retries import requeue_own
from tunesmith.search.study.time_call import call_time
from tunesmith.search.sweep import EXIT_MUST_RESTART, run_sweep
from tunesmith.search.trials_table import TRIALS_FILE

APP = """
defaults:
  - _self_
  - override hydra/sweeper: tunesmith
  - override hydra/sweeper/sampler: random
  - override hydra/sweeper/pruner: none
x: 0.0
hydra:
  job: {name: app}
  sweep: {dir: sweeps/s, subdir: '${hydra.job.num}'}
  sweeper: {study_name: s, n_trials: 4, seed: 0}
  job_logging: {handlers: {console: {level: CRITICAL}}}
"""
FOLDER = Path("sweeps/s")


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HydraContext]:
    folder = tmp_path_factory.mktemp("conf")
    with app_context(folder, APP) as context:
        yield context


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder of its own, and the root logger as it was."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["app.py", "-m"])
    with root_logger_kept():
        yield


Task = Callable[[DictConfig], Any]
Sweep = Callable[..., dict[str, Any] | None]


@pytest.fixture
def sweep(context: HydraContext) -> Sweep:
    def run(task: Task, *typed: str, **settings: Any) -> dict[str, Any] | None:
        """Run the app's sweep over x, or over the overrides that are given."""
        typed = typed or ("x=interval(0,1)",)
        keys = [f"hydra.sweeper.{key}={value}" for key, value in settings.items()]
        config = context.config_loader.load_configuration("app", [*typed, *keys], run_mode=RunMode.MULTIRUN)
        given = {str(key): value for key, value in config.hydra.sweeper.items() if not str(key).startswith("_")}
        return run_sweep(read_settings(given), context, task, config, list(typed))

    return run


def x_of(cfg: DictConfig) -> float:
    return float(cfg.x)


def stored_study() -> optuna.Study:
    return optuna.load_study(study_name="s", storage=open_journal(FOLDER / JOURNAL_FILE))


def states() -> list[str]:
    return [trial.state.name for trial in stored_study().trials]


def test_a_sweep_runs_its_trials_and_writes_its_results(sweep: Sweep, capsys: pytest.CaptureFixture[str]) -> None:
    found = sweep(x_of)
    assert found is not None
    assert found["trials"] == {"complete": 4, "pruned": 0, "failed": 0, "lost": 0}
    assert found == yaml.safe_load((FOLDER / RESULTS_FILE).read_text())
    best = OmegaConf.load(FOLDER / found["best_dir"] / ".hydra" / "config.yaml")
    assert best.x == found["best_value"]
    for name in (TRIALS_FILE, BEST_FILE, MULTIRUN_FILE, JOURNAL_FILE):
        assert (FOLDER / name).exists()
    out = capsys.readouterr().out
    assert out.startswith("study s; resume it with: python app.py -m hydra.sweeper.study_name=s hydra.sweep.dir=")
    assert out.count("COMPLETE") == 4


def test_the_same_sweep_goes_on_to_a_larger_total(sweep: Sweep, capsys: pytest.CaptureFixture[str]) -> None:
    sweep(x_of)
    found = sweep(x_of, n_trials=6)
    assert found is not None
    assert found["trials"]["complete"] == 6
    assert "going on with the study: 4 of 6 trials counted" in capsys.readouterr().out


def test_a_space_of_fewer_points_than_trials_is_enumerated(sweep: Sweep) -> None:
    seen: list[float] = []

    def task(cfg: DictConfig) -> float:
        seen.append(cfg.x)
        return x_of(cfg)

    sweep(task, "x=1,2,3")
    assert seen == [1, 2, 3]


def test_a_study_that_goes_on_counts_up_to_the_points_of_its_space(
    sweep: Sweep, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep(x_of, "x=1,2,3", n_trials=2)
    sweep(x_of, "x=1,2,3", n_trials=30)
    assert "going on with the study: 2 of 3 trials counted" in capsys.readouterr().out


def test_a_space_with_a_function_of_the_user_has_as_many_trials_as_asked_for(sweep: Sweep) -> None:
    found = sweep(x_of, "x=1,2", "+y=0", custom_search_space=f"{__name__}.suggest_nothing")
    assert found is not None
    assert found["trials"]["complete"] == 4


def suggest_nothing(config: DictConfig, trial: Any) -> None:
    return


def test_a_dry_run_shows_configurations_and_leaves_nothing(sweep: Sweep, capsys: pytest.CaptureFixture[str]) -> None:
    assert sweep(x_of, dry_run="true") is None
    assert len([line for line in capsys.readouterr().out.splitlines() if line.startswith("  x=0.")]) == 5
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        pytest.param(("z=interval(0,1)",), HydraException, id="a key that is not there"),
        pytest.param(("x=interval(2,1)",), UserError, id="a range that cannot be drawn from"),
    ],
)
def test_what_cannot_run_leaves_nothing(sweep: Sweep, typed: tuple[str, ...], error: type[Exception]) -> None:
    with pytest.raises(error):
        sweep(x_of, *typed)
    assert list(Path().iterdir()) == []


def test_a_mistake_in_the_first_trial_leaves_nothing(sweep: Sweep) -> None:
    def task(cfg: DictConfig) -> float:
        raise UserError("objective.metric must be a logged metric")

    with pytest.raises(UserError, match=r"^objective\.metric must be a logged metric$"):
        sweep(task)
    assert not FOLDER.exists()


def test_a_mistake_in_a_database_leaves_no_study_either(sweep: Sweep) -> None:
    def task(cfg: DictConfig) -> float:
        raise UserError("no such metric")

    with pytest.raises(UserError, match=r"^no such metric$"):
        sweep(task, storage="sqlite:///study.db")
    assert not FOLDER.exists()
    assert optuna.get_all_study_names("sqlite:///study.db") == []


def test_a_mistake_in_a_study_that_was_there_keeps_it(sweep: Sweep) -> None:
    def task(cfg: DictConfig) -> float:
        tunesmith.report(0.5, 1)
        signal.raise_signal(signal.SIGINT)
        tunesmith.report(0.4, 2)
        return 0.0

    with pytest.raises(SystemExit):
        sweep(task)

    def mistake(cfg: DictConfig) -> float:
        raise UserError("no such metric")

    with pytest.raises(UserError, match=r"^no such metric$"):
        sweep(mistake)
    assert FOLDER.exists()


def make_the_study_meanwhile(config: DictConfig) -> None:
    """What another command does between this one's start and its opening of the study."""
    if not FOLDER.exists():
        optuna.create_study(study_name="s", storage=open_journal(FOLDER / JOURNAL_FILE), direction="maximize")


def test_a_study_that_another_command_makes_meanwhile_is_kept(sweep: Sweep) -> None:
    with pytest.raises(UserError, match=r"^objective\.mode must stay maximize in study s; got minimize"):
        sweep(x_of, check=f"{__name__}.make_the_study_meanwhile")
    assert states() == []


def test_trials_that_all_fail_end_the_sweep_with_the_last_reason(sweep: Sweep) -> None:
    def task(cfg: DictConfig) -> float:
        raise RunFailed(f"x was {cfg.x}")

    with pytest.raises(UserError, match=r"^all 2 trials failed, the last one with: x was 2$"):
        sweep(task, "x=1,2")
    assert yaml.safe_load((FOLDER / RESULTS_FILE).read_text())["trials"]["failed"] == 2


def test_the_same_command_goes_on_after_too_many_failures(sweep: Sweep) -> None:
    def task(cfg: DictConfig) -> float:
        raise RunFailed("its file was missing")

    exceeded = r"^hydra\.sweeper\.max_failure_rate=0\.5 is exceeded: 5 of 5 trials failed"
    with pytest.raises(UserError, match=exceeded + r"; .*: python app\.py -m hydra\.sweeper\.study_name=s "):
        sweep(task, n_trials=20)
    with pytest.raises(UserError, match=exceeded + " in this call; the last one with: .*; trials"):
        sweep(task, n_trials=20)
    assert states() == ["FAIL"] * 10
    found = sweep(x_of, n_trials=20)  # mended
    assert found is not None
    assert found["trials"] == {"complete": 10, "pruned": 0, "failed": 10, "lost": 0}


def test_ctrl_c_requeues_the_trial_and_writes_results(sweep: Sweep, capsys: pytest.CaptureFixture[str]) -> None:
    def task(cfg: DictConfig) -> float:
        if len(list(FOLDER.glob("[0-9]"))) == 3:
            signal.raise_signal(signal.SIGINT)
            tunesmith.report(0.5, 1)
        return x_of(cfg)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(SystemExit) as left:
        sweep(task)
    assert left.value.code == 130
    assert signal.getsignal(signal.SIGINT) == before
    assert states() == ["COMPLETE", "COMPLETE", "FAIL"]
    assert yaml.safe_load((FOLDER / RESULTS_FILE).read_text())["trials"]["complete"] == 2
    assert "interrupted; resume it with: python app.py -m" in capsys.readouterr().out
    found = sweep(x_of)
    assert found is not None
    assert found["trials"] == {"complete": 4, "pruned": 0, "failed": 0, "lost": 1}


def break_cuda_at_first(cfg: DictConfig) -> float:
    if len(list(FOLDER.glob("[0-9]"))) == 1:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")
    return x_of(cfg)


def test_a_broken_process_replaces_itself_by_the_same_command(
    sweep: Sweep, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Replaced(Exception):
        pass

    def execv(program: str, argv: list[str]) -> None:
        raise Replaced(argv)

    monkeypatch.setattr("os.execv", execv)
    monkeypatch.setattr("sys.orig_argv", ["python", "app.py", "-m"])
    with pytest.raises(Replaced) as replaced:
        sweep(break_cuda_at_first)
    assert replaced.value.args[0][1:] == ["app.py", "-m", "hydra.sweeper.study_name=s"]
    assert "; a fresh process goes on" in capsys.readouterr().out
    assert states() == ["FAIL"]


loaded: list[str] = []


def load() -> None:
    loaded.append(" ".join(states()))


def test_what_trains_is_loaded_once_before_the_first_trial_is_asked_for(sweep: Sweep) -> None:
    loaded.clear()
    sweep(x_of, on_start=f"{__name__}.load")
    assert loaded == [""]


@pytest.mark.parametrize("own_process", [{"isolate": True}, {"devices": 2}], ids=str)
def test_a_worker_whose_trials_run_in_processes_of_their_own_loads_nothing(
    sweep: Sweep, monkeypatch: pytest.MonkeyPatch, own_process: dict[str, Any]
) -> None:
    loaded.clear()
    monkeypatch.setattr("sys.orig_argv", ["python", "app.py", "-m"])  # there is no such file
    with pytest.raises(UserError, match=r"^all 1 trials failed, the last one with: "):
        sweep(x_of, n_trials=1, on_start=f"{__name__}.load", **own_process)
    assert loaded == []


# a worker


def test_a_worker_runs_trials_and_writes_no_results(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WORKER, "0")
    monkeypatch.setenv(JOB, "7")  # a job outlives the sweep, so that it looks at no pipe
    assert sweep(x_of) is None
    assert states() == ["COMPLETE"] * 4
    assert not (FOLDER / RESULTS_FILE).exists()


def test_a_worker_on_another_machine_starts_no_trial_once_its_sweep_calls_time(
    sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    def task(cfg: DictConfig) -> float:
        call_time(stored_study(), "another-boot 5.0")
        return x_of(cfg)

    monkeypatch.setenv(WORKER, "0")
    monkeypatch.setenv(JOB, "7")
    monkeypatch.setenv(STARTED, "another-boot 5.0")  # a monotonic clock that says nothing here
    assert sweep(task, timeout=3600) is None
    assert states() == ["COMPLETE"]


def test_a_broken_worker_leaves_the_rest_to_a_fresh_one(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WORKER, "0")
    monkeypatch.setenv(JOB, "7")
    with pytest.raises(SystemExit) as left:
        sweep(break_cuda_at_first)
    assert left.value.code == EXIT_MUST_RESTART


# the study's folder and storage


def test_a_folder_of_another_storages_trials_is_refused(sweep: Sweep) -> None:
    sweep(x_of)
    with pytest.raises(UserError, match=r"^hydra\.sweep\.dir must be a folder without trials of another study or"):
        sweep(x_of, storage="sqlite:///study.db")
    assert states() == ["COMPLETE"] * 4


def test_a_folder_that_cannot_be_made_is_refused(sweep: Sweep) -> None:
    Path("sweeps").write_text("a file")
    with pytest.raises(UserError, match=r"^hydra\.sweep\.dir must be a folder that can be written to; got sweeps/s"):
        sweep(x_of)


def test_a_lost_trial_of_an_earlier_call_is_retried_first(sweep: Sweep, capsys: pytest.CaptureFixture[str]) -> None:
    sweep(x_of)
    study = optuna.load_study(study_name="s", storage=open_journal(FOLDER / JOURNAL_FILE))
    killed = asked(study, 5)
    killed.set_user_attr("owner", {**killed.user_attrs["owner"], "start_mark": 0})
    capsys.readouterr()
    found = sweep(x_of, n_trials=5)
    assert "lost trials, resumed from their last checkpoint: 4\n" in capsys.readouterr().out
    assert found is not None
    assert found["trials"] == {"complete": 5, "pruned": 0, "failed": 0, "lost": 1}
    fail(study, asked(study, 9))
    assert [trial.state for trial in study.trials[-1:]] == [TrialState.FAIL]


# the end


def evaluate(folder: Path) -> dict[str, float]:
    count = Path("evaluated")
    count.write_text(f"{count.read_text() if count.exists() else ''}{folder}\n")
    (folder / "test.yaml").write_text("test/x: 0.5\n")
    return {"test/x": 0.5}


def test_the_best_trial_is_evaluated_once(sweep: Sweep) -> None:
    for _ in range(2):
        found = sweep(x_of, on_finish=f"{__name__}.evaluate")
        assert found is not None
        assert found["test"] == {"test/x": 0.5}
    assert Path("evaluated").read_text() == f"{FOLDER / found['best_dir']}\n"


def refuse(folder: Path) -> dict[str, float]:
    raise UserError("trainer.accelerator must be a device of this machine")


def test_a_best_trial_that_cannot_be_evaluated_ends_the_sweep(sweep: Sweep) -> None:
    with pytest.raises(UserError, match=r"^trainer\.accelerator must be a device of this machine$"):
        sweep(x_of, on_finish=f"{__name__}.refuse")
    assert (FOLDER / RESULTS_FILE).exists()


def interrupt(folder: Path) -> dict[str, float]:
    raise KeyboardInterrupt


def test_ctrl_c_while_the_best_trial_is_evaluated_says_what_is_left(
    sweep: Sweep, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(KeyboardInterrupt):
        sweep(x_of, on_finish=f"{__name__}.interrupt")
    last_line = capsys.readouterr().out.splitlines()[-1]
    assert last_line == "interrupted: the best trial is not evaluated; the same command evaluates it"
    found = sweep(x_of, on_finish=f"{__name__}.evaluate")
    assert found is not None
    assert found["test"] == {"test/x": 0.5}


def test_a_typed_password_is_refused_before_anything_is_made(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgresql+psycopg://me:secret@host/studies"
    monkeypatch.setattr("sys.argv", ["app.py", "-m", f"hydra.sweeper.storage='{url}'"])
    with pytest.raises(UserError, match=r"must have no password on the command line"):
        sweep(x_of, storage=f"'{url}'")
    assert os.listdir() == []


# what the machine refuses


def parts_of(folder: Path) -> list[str]:
    """What a write that broke off has left."""
    return [str(path) for path in folder.rglob(".*") if path.name not in (".hydra", ".finish.lock")]


@pytest.mark.parametrize("num_bytes", [0, 150, 1000, 3000, 4500])
def test_a_full_disk_ends_the_sweep_in_one_line_and_the_same_command_goes_on(
    sweep: Sweep, num_bytes: int, capsys: pytest.CaptureFixture[str]
) -> None:
    line = r"^(file too large|disk full): .*; resume it with: python app\.py -m hydra\.sweeper\.study_name=s "
    with files_up_to(num_bytes), pytest.raises(MachineFault, match=line):
        sweep(x_of, n_trials=5)
    assert capsys.readouterr().err == ""
    assert parts_of(FOLDER) == []
    with suppress(KeyError):  # the study is not recorded yet; else as if this process, which owns the trial, had ended
        requeue_own(optuna.load_study(study_name="s", storage=open_journal(FOLDER / JOURNAL_FILE)))
    found = sweep(x_of, n_trials=5)
    assert found is not None
    assert (found["trials"]["complete"], found["trials"]["failed"]) == (5, 0)


def test_a_trial_that_finds_no_room_is_lost_and_retried(sweep: Sweep) -> None:
    met: list[float] = []

    def fill(cfg: DictConfig) -> float:
        met.append(cfg.x)
        if len(met) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "big.npy")
        return float(cfg.x)

    with pytest.raises(MachineFault, match=r"^disk full: 'big\.npy' \(No space left on device\): make room; resume it"):
        sweep(fill)
    assert states() == ["COMPLETE", "FAIL"]
    found = sweep(fill)
    assert found is not None
    assert found["trials"] == {"complete": 4, "pruned": 0, "failed": 0, "lost": 1}
    assert met[2] == met[1]


@pytest.mark.parametrize(
    ("gone", "trials"),
    [
        pytest.param(FOLDER, [4, 0], id="the study's folder"),
        pytest.param(FOLDER.parent, [4, 0], id="the folder of all studies"),
        pytest.param(FOLDER / "0", [4, 1], id="the trial's folder"),
    ],
)
def test_a_folder_that_is_removed_ends_the_sweep_in_one_line(sweep: Sweep, gone: Path, trials: list[int]) -> None:
    def remove(cfg: DictConfig) -> float:
        shutil.rmtree(gone)
        (FOLDER / "0" / "mine.txt").write_text("x")
        return 0.0

    with pytest.raises(MachineFault, match=r"^folder gone: .*; resume it with: python app\.py"):
        sweep(remove)
    found = sweep(x_of)
    assert found is not None
    assert [found["trials"]["complete"], found["trials"]["lost"]] == trials


def test_a_users_own_file_that_is_not_there_is_a_failure_of_his_trial(sweep: Sweep) -> None:
    def read(cfg: DictConfig) -> float:
        return float(Path("gone.csv").read_text()) if cfg.x < 0.5 else float(cfg.x)

    found = sweep(read, "x=0.1,0.7,0.8")
    assert found is not None
    assert (found["trials"]["complete"], found["trials"]["failed"]) == (2, 1)


def test_results_that_find_no_room_are_written_by_the_same_command(sweep: Sweep) -> None:
    (FOLDER / RESULTS_FILE).mkdir(parents=True)
    with pytest.raises(MachineFault, match=rf"^cannot be written: '.*{RESULTS_FILE}' .*; resume it with"):
        sweep(x_of)
    assert parts_of(FOLDER) == []
    (FOLDER / RESULTS_FILE).rmdir()
    found = sweep(x_of)
    assert found is not None
    assert found["trials"]["complete"] == 4
