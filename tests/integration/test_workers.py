"""Workers, and trials in processes of their own, by the real command line of an app without torch."""

from __future__ import annotations

import math
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
import yaml
from conftest import Shell
from plain_app import FOREVER_S, app, begun, ended, processes, rows, sweep, trials, wait_until

from tunesmith.search.attribute_names import OWNER

pytestmark = pytest.mark.usefixtures("nothing_left")

SLEEP = f"""
started(cfg)
time.sleep({FOREVER_S})
"""


def seconds_of(work: Callable[[], object]) -> float:
    """How long this machine takes for something, as a measure for time-outs."""
    since = time.monotonic()
    work()
    return time.monotonic() - since


# trials in processes of their own


def test_how_a_trial_of_its_own_process_ends(shell: Shell) -> None:
    body = """
        tunesmith.report([0.1, 0.9][cfg.x == 1], 1)
        if cfg.x == 2: raise ValueError("a bug")
        if cfg.x == 3: sys.exit(3)
        if cfg.x == 4: print("about to die", flush=True); os.kill(os.getpid(), signal.SIGKILL)
        if cfg.x == 5: return float("nan")
        return cfg.x / 10
    """
    app(shell, body)
    done = sweep(
        shell,
        *("x=range(0,7)", "hydra.sweeper.isolate=true", "hydra.sweeper.max_failure_rate=1"),
        *("hydra/sweeper/pruner=threshold", "+hydra.sweeper.pruner.upper=0.5"),
    )
    assert (done.code, done.err) == (0, "")
    assert [(row["state"], row["value"], row["reason"]) for row in rows(shell)] == [
        ("COMPLETE", "0.0", ""),
        ("PRUNED", "0.9", ""),
        ("FAIL", "", "ValueError: a bug"),
        ("FAIL", "", "its process ended with exit code 3"),
        ("FAIL", "", "its process ended by SIGKILL; its last words: about to die"),
        ("FAIL", "", "the job must return a finite number; it returned nan"),
        ("COMPLETE", "0.6", ""),
        ("COMPLETE", "0.7", ""),
    ]
    assert "ValueError: a bug" in (shell.study("s") / "2" / "output.log").read_text()
    assert yaml.safe_load((shell.study("s") / "2" / ".hydra" / "config.yaml").read_text()) == {"x": 2}


def test_a_trial_of_its_own_process_that_takes_too_long_has_failed(shell: Shell) -> None:
    app(shell, f"if cfg.x == 0: time.sleep({FOREVER_S})\nreturn 1.0")
    seconds = math.ceil(4 * seconds_of(lambda: ended(shell.start("app.py", "x=1"))))
    done = sweep(shell, "x=0,1", "hydra.sweeper.isolate=true", f"hydra.sweeper.trial_timeout={seconds}")
    assert (done.code, done.err) == (0, "")
    assert [(row["state"], row["reason"]) for row in rows(shell)] == [
        ("FAIL", f"the trial took longer than hydra.sweeper.trial_timeout={seconds} s"),
        ("COMPLETE", ""),
    ]


def test_a_trial_of_its_own_process_ends_with_a_killed_worker(shell: Shell) -> None:
    app(shell, SLEEP)
    command = begun(shell, "hydra.sweeper.isolate=true", "hydra.sweeper.n_trials=1")
    command.kill()
    ended(command)
    wait_until(lambda: not processes(shell))


def test_ctrl_c_gives_a_trial_of_its_own_process_back_and_lets_it_end_in_order(shell: Shell) -> None:
    body = f"""
        def leave(signum, frame):
            time.sleep(1)
            Path("left in order").touch()
            sys.exit(1)
        signal.signal(signal.SIGTERM, leave)
        started(cfg)
        time.sleep({FOREVER_S})
    """
    app(shell, body)
    command = begun(shell, "hydra.sweeper.isolate=true", "hydra.sweeper.n_trials=1")
    command.send_signal(signal.SIGINT)
    done = ended(command)
    assert (done.code, done.err) == (130, "")
    assert [trial.state.name for trial in trials(shell)] == ["FAIL"]
    assert (shell.folder / "left in order").exists()


# workers


def test_a_sweep_whose_journal_is_damaged_goes_on_in_a_fresh_process(shell: Shell) -> None:
    body = """
        from tunesmith.search.storage.storage import open_journal
        if started(cfg) and cfg.x == 2:
            journal = Path("outputs/sweeps/s/study.journal")
            os.truncate(journal, journal.stat().st_size - 5)
            storage = open_journal(journal)
            storage.set_study_user_attr(storage.get_study_id_from_name("s"), "by", "another")
        tunesmith.report(cfg.x, 1)
        return cfg.x
    """
    app(shell, body)
    done = sweep(shell, "x=1,2,3")
    assert (done.code, done.err) == (0, "")
    assert re.search(r"study\.journal lost records, .*; a fresh process goes on$", done.out, re.MULTILINE)
    assert [(row["x"], row["state"]) for row in rows(shell)] == [(x, "COMPLETE") for x in "123"]


def test_workers_share_the_budget_and_a_killed_one_is_replaced(shell: Shell) -> None:
    body = """
        meet_workers(2)
        if cfg.x == 3:
            if started(cfg):
                tunesmith.report(0.5, 1)
                os.kill(os.getpid(), signal.SIGKILL)
            while len(os.listdir("processes")) < 3:  # the killed one's successor has not started yet
                time.sleep(0.05)
        return cfg.x
    """
    note_process = """
import os
from pathlib import Path
if "TUNESMITH_WORKER" in os.environ:
    Path("processes").mkdir(exist_ok=True)
    Path("processes", str(os.getpid())).touch()
"""
    app(shell, body, note_process)
    done = sweep(shell, "x=range(1,8)", "hydra.sweeper.n_workers=2")
    assert (done.code, done.err) == (0, "")
    assert sorted(row["x"] for row in rows(shell)) == [*map(str, range(1, 9))]
    assert len(rows(shell)) == 8
    assert re.search(r"^worker \d  was ended by SIGKILL; another one starts$", done.out, re.MULTILINE)
    lost = next(trial for trial in trials(shell) if trial.state.name == "FAIL")
    (again,) = [row for row in rows(shell) if row["x"] == "3"]
    assert (again["folder"], again["epochs"]) == (str(lost.number), "1")
    assert {trial.user_attrs[OWNER]["worker"] for trial in trials(shell)} == {0, 1}
    lines = [line for line in done.out.splitlines() if re.match(r"worker \d  trial +\d+  COMPLETE", line)]
    assert len(lines) == 8


def test_workers_killed_while_they_load_what_trains_leave_no_trial_behind(shell: Shell) -> None:
    load = """
import contextlib
import os
import signal
from pathlib import Path

def load():
    for death in ("first", "second", "third"):
        with contextlib.suppress(FileExistsError):
            Path(death).touch(exist_ok=False)  # of two workers at once, one makes it
            os.kill(os.getpid(), signal.SIGKILL)
    Path("loaded", str(os.getpid())).mkdir(parents=True)
"""
    wait = (
        "while len(os.listdir('loaded')) < 2: time.sleep(0.01)"  # else one worker ends the sweep before the last death
    )
    app(shell, f"{wait}\nreturn cfg.x", load)
    done = sweep(shell, "x=1,2,3,4", "hydra.sweeper.n_workers=2", "hydra.sweeper.on_start=app.load")
    assert (done.code, done.err) == (0, "")
    assert done.out.count("was ended by SIGKILL; another one starts") == 3
    assert [(trial.number, trial.state.name) for trial in trials(shell)] == [(n, "COMPLETE") for n in range(4)]


def test_two_sweeps_at_once_share_a_study(shell: Shell) -> None:
    app(shell, "time.sleep(0.1)\nreturn cfg.x")
    arguments = ("app.py", "-m", "x=interval(0,1)", "hydra.sweeper.n_trials=9", "hydra.sweeper.n_workers=2")
    both = [ended(command) for command in [shell.start(*arguments) for _ in range(2)]]
    assert [(done.code, done.err) for done in both] == [(0, ""), (0, "")]
    assert [trial.state.name for trial in trials(shell)].count("COMPLETE") == len(rows(shell)) == 9


def test_workers_end_with_a_killed_sweep(shell: Shell) -> None:
    app(shell, SLEEP)
    command = begun(shell, "x=0,1", "hydra.sweeper.n_workers=2", names=(0, 1))
    assert len(processes(shell)) == 3
    command.kill()
    ended(command)
    wait_until(lambda: not processes(shell))


def test_ctrl_c_gives_the_trials_back_and_writes_the_results(shell: Shell) -> None:
    body = """
        if cfg.x == 0: return 0.0
        started(cfg)
        while True:
            tunesmith.report(0.5, 1)
            time.sleep(0.1)
    """
    app(shell, body)
    command = begun(shell, "x=0,1,2", "hydra.sweeper.n_workers=2", names=(1, 2))
    command.send_signal(signal.SIGINT)
    done = ended(command)
    assert (done.code, done.err) == (130, "")
    assert re.search(r"^interrupted; resume it with: python app\.py -m x=0,1,2 ", done.out, re.MULTILINE)
    assert [row["x"] for row in rows(shell)] == ["0"]
    assert sorted(trial.state.name for trial in trials(shell)) == ["COMPLETE", "FAIL", "FAIL"]


def test_a_job_that_always_kills_its_process_has_failed_after_its_retries(shell: Shell) -> None:
    app(shell, "if cfg.x == 0: os.kill(os.getpid(), signal.SIGKILL)\nreturn cfg.x")
    done = sweep(shell, "x=0,1", "hydra.sweeper.n_workers=2", "hydra.sweeper.max_retries=1")
    assert (done.code, done.err) == (0, "")
    assert sorted((row["x"], row["state"], row["reason"]) for row in rows(shell)) == [
        (
            *("0", "FAIL"),
            "its process ended 2 times since its last progress (killed, out of memory?); hydra.sweeper.max_retries=1",
        ),
        ("1", "COMPLETE", ""),
    ]


def test_workers_that_cannot_start_end_the_sweep_with_one_line(shell: Shell) -> None:
    app(shell, "return 1.0", 'import os\nif "TUNESMITH_WORKER" in os.environ: raise OSError("no such library")\n')
    done = sweep(shell, "x=interval(0,1)", "hydra.sweeper.n_workers=2")
    assert done.code == 1
    assert re.match(
        r"worker \d ended with exit code 1 before it finished a trial, like the workers before it: "
        r"OSError: no such library\n",
        done.err,
    )
    assert "Traceback" not in done.err


def test_workers_that_end_by_a_bug_outside_the_job_end_the_sweep(shell: Shell) -> None:
    app(shell, "return 1.0")
    command = shell.start(
        *("app.py", "-m", "x=interval(0,1)", "hydra.sweeper.n_workers=2"),
        "hydra.sweeper.custom_search_space=app.broken",
    )
    try:
        done = ended(command)
    except subprocess.TimeoutExpired:
        command.kill()
        ended(command)
        raise
    assert done.code == 1
    assert "ZeroDivisionError: a bug in the space" in done.err


def test_a_users_mistake_in_a_worker_is_one_line_and_leaves_nothing(shell: Shell) -> None:
    body = f"""
        from tunesmith.errors import UserError
        if cfg.x == 0: time.sleep({FOREVER_S})
        raise UserError("x must be 0")
    """
    app(shell, body)
    done = sweep(shell, "x=0,1", "hydra.sweeper.n_workers=2")
    assert done.code == 1
    assert done.err.splitlines()[0] == "x must be 0"
    assert not shell.study("s").exists()


@pytest.mark.parametrize("n_workers", [1, 2], ids=["the sweep itself", "workers"])
def test_after_an_error_that_breaks_cuda_a_fresh_process_goes_on(shell: Shell, n_workers: int) -> None:
    body = f"""
        with open("loaded", "a") as file:
            print(cfg.x, "broken" in sys.modules, file=file)
        if cfg.x == 2:
            sys.modules["broken"] = sys  # as CUDA is, for this process and no other
            raise RuntimeError("CUDA error: device-side assert triggered")
        time.sleep({0.3 * (n_workers - 1)})  # lest one worker runs them all
        return cfg.x
    """
    app(shell, body)
    done = sweep(shell, "x=1,2,3,4,5,6", f"hydra.sweeper.n_workers={n_workers}")
    assert (done.code, done.err) == (0, "")
    assert {row["x"]: row["state"] for row in rows(shell)} == {x: "FAIL" if x == "2" else "COMPLETE" for x in "123456"}
    assert [row["reason"] for row in rows(shell) if row["x"] == "2"] == [
        "RuntimeError: CUDA error: device-side assert triggered"
    ]
    assert sorted((shell.folder / "loaded").read_text().splitlines()) == [f"{x} False" for x in "123456"]


@pytest.mark.parametrize("n_workers", [1, 2], ids=["the sweep itself", "workers"])
def test_after_the_timeout_no_trial_is_started_and_those_that_run_go_on(shell: Shell, n_workers: int) -> None:
    command = ("x=interval(0,1)", f"hydra.sweeper.n_workers={n_workers}")
    app(shell, "return cfg.x")
    seconds = math.ceil(2 * seconds_of(lambda: sweep(shell, *command, "hydra.sweeper.n_trials=1")))
    shutil.rmtree(shell.study("s"))
    app(shell, f"time.sleep({0.4 * seconds})\nreturn cfg.x")
    done = sweep(shell, *command, f"hydra.sweeper.timeout={seconds}")
    assert (done.code, done.err) == (0, "")
    assert n_workers <= len(rows(shell)) <= 4 * n_workers
    assert {trial.state.name for trial in trials(shell)} == {"COMPLETE"}


def test_a_job_that_leaves_by_sys_exit_has_failed(shell: Shell) -> None:
    app(shell, "if cfg.x == 1: sys.exit(4)\nreturn cfg.x")
    done = sweep(shell, "x=1,2")
    assert (done.code, done.err) == (0, "")
    assert [(row["state"], row["reason"]) for row in rows(shell)] == [
        ("FAIL", "the job called sys.exit(4)"),
        ("COMPLETE", ""),
    ]


# what a mistake of one call may not do to the work of others


def test_a_study_of_others_outlives_a_mistake(shell: Shell, tmp_path: Path) -> None:
    app(shell, "started(cfg)\nwhile True:\n    tunesmith.report(0.5, 1)\n    time.sleep(0.05)")
    storage = f"hydra.sweeper.storage=sqlite:///{tmp_path}/shared.db"
    command = begun(shell, "x=0", storage)
    wait_until(lambda: optuna.load_study(study_name="s", storage=f"sqlite:///{tmp_path}/shared.db").trials[0].last_step)
    command.send_signal(signal.SIGINT)
    assert ended(command).code == 130
    app(shell, "from tunesmith.errors import UserError\nraise UserError('x must be another')")
    done = sweep(shell, "x=0", storage, "hydra.sweep.dir=outputs/elsewhere")
    assert (done.code, done.err.splitlines()[0]) == (1, "x must be another")
    kept = optuna.load_study(study_name="s", storage=storage.partition("=")[2]).trials
    assert kept[0].intermediate_values[1] == 0.5


def test_a_folder_with_trials_of_another_storage_is_refused(shell: Shell, tmp_path: Path) -> None:
    app(shell, "return cfg.x")
    assert sweep(shell, "x=0,1").code == 0
    done = sweep(shell, "x=0,1", f"hydra.sweeper.storage=sqlite:///{tmp_path}/other.db")
    assert done.code == 1
    assert done.err.startswith("hydra.sweep.dir must be a folder without trials of another study or storage; got ")
    assert optuna.get_all_study_names(f"sqlite:///{tmp_path}/other.db") == []
    assert len(rows(shell)) == 2


def test_the_command_that_resumes_is_one_that_the_app_takes(shell: Shell) -> None:
    app(shell, "return cfg.x")
    done = sweep(shell, "x=0,1")
    resume = next(line for line in done.out.splitlines() if line.startswith("resume "))
    assert resume.split()[1:] == [
        *("python", "app.py", "-m", "x=0,1", "hydra.sweeper.study_name=s", "hydra.sweep.dir=outputs/sweeps/s")
    ]
    again = shell.python(*resume.split()[2:])
    assert (again.code, again.err) == (0, "")
    assert "going on with the study: 2 of 2" in again.out or "2 of 20 trials counted" in again.out
