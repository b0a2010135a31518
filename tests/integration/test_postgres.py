"""Studies in a real PostgreSQL server, by the real command line of an app without torch."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import psutil
import pytest
import yaml
from conftest import Shell
from optuna.trial import FrozenTrial
from plain_app import app, ended, processes, rows, wait_until
from services.postgres import Postgres

from tunesmith.search.attribute_names import OWNER
from tunesmith.search.storage.password import STORAGE
from tunesmith.search.storage.storage import open_storage

pytestmark = pytest.mark.postgres
# Four reports a trial, so that a restart of the server meets every kind of call.
WORK = """
for step in range(1, 5):
    tunesmith.report(cfg.x / step, step)
    time.sleep(0.02)
return cfg.x
"""


@pytest.fixture(autouse=True)
def _nothing_left(shell: Shell) -> Iterator[None]:
    yield
    wait_until(lambda: not processes(shell))


@pytest.fixture
def url(postgres: Postgres, shell: Shell, request: pytest.FixtureRequest) -> str:
    """An empty database's, with its password; commands of the shell find it in their environment."""
    url = postgres.make_database(request.node.name.partition("[")[0][:60])
    shell.env[STORAGE] = url
    return url


def trials(url: str) -> list[FrozenTrial]:
    """What the study holds, none before there is one; a server that is down is waited for."""
    storage: Any = open_storage(url, Path(), waits=True)
    try:
        return optuna.load_study(study_name="s", storage=storage).trials
    except KeyError:
        return []
    finally:
        storage._storage._backend.engine.dispose()


def num_ended(url: str) -> int:
    return sum(trial.state.name in ("COMPLETE", "PRUNED") for trial in trials(url))


def arguments(n_trials: int, n_workers: int) -> tuple[str, ...]:
    sweeper = {"n_trials": n_trials, "n_workers": n_workers}
    return ("app.py", "-m", "x=interval(0,1)", *(f"hydra.sweeper.{key}={value}" for key, value in sweeper.items()))


def files_with(word: str, folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and word.encode() in path.read_bytes()]


def processes_with(word: str) -> list[list[str]]:
    found = []
    for process in psutil.process_iter():
        try:
            found += [process.cmdline()] * any(word in part for part in process.cmdline())
        except psutil.Error:
            continue
    return found


def test_four_workers_and_a_server_that_restarts_end_with_exactly_so_many_trials(
    shell: Shell, postgres: Postgres, url: str
) -> None:
    app(shell, WORK)
    command = shell.start(*arguments(n_trials=100, n_workers=4))
    wait_until(lambda: processes_with("hydra.sweep.dir"))  # its workers
    assert processes_with(postgres.password) == []
    for already in (10, 40):
        wait_until(lambda: num_ended(url) >= already, 60)  # noqa: B023
        postgres.restart(seconds_down=2)
    done = ended(command, 120)
    assert (done.code, done.err) == (0, "")
    assert "does not answer; waiting for it up to 60 s" in done.out
    assert "another one starts" not in done.out
    logs = [(shell.study("s") / "workers" / str(index) / "output.log").read_text() for index in range(4)]
    assert ["Traceback" in log or "SELECT" in log for log in logs] == [False] * 4
    assert len(rows(shell)) == num_ended(url) == 100
    assert len({row["folder"] for row in rows(shell)}) == 100
    assert {trial.user_attrs[OWNER]["worker"] for trial in trials(url)} == {0, 1, 2, 3}
    assert postgres.password not in done.text
    assert files_with(postgres.password, shell.folder) == []


def test_eight_commands_that_start_at_once_on_an_empty_database(shell: Shell, url: str) -> None:
    app(shell, "return cfg.x")
    commands = [shell.start(*arguments(n_trials=24, n_workers=1)) for _ in range(8)]
    assert [(done.code, done.err) for done in (ended(command, 120) for command in commands)] == [(0, "")] * 8
    assert num_ended(url) == 24


def test_eight_workers_that_start_at_once_on_an_empty_database(shell: Shell, url: str) -> None:
    app(shell, "return cfg.x")
    done = ended(shell.start(*arguments(n_trials=24, n_workers=8)), 120)
    assert (done.code, done.err) == (0, "")
    assert "another one starts" not in done.out
    assert num_ended(url) == 24


def on_host(
    name: str, folder: Path, shell: Shell, *command: str, body: str = "time.sleep(0.1)\nreturn cfg.x"
) -> subprocess.Popen[str]:
    """A command in a shell of its own, on a machine of that name."""
    app(Shell(folder), body)
    renamed = [
        "unshare",
        "--user",
        "--map-root-user",
        "--uts",
        "--pid",
        "--fork",
        "--mount-proc",
        "sh",
        "-c",
        'hostname "$0"; exec "$@"',
        name,
    ]
    return subprocess.Popen(
        [*renamed, sys.executable, *command],
        cwd=folder,
        env=shell.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_hosts_share_a_study_and_results_name_the_host_of_each_folder(
    shell: Shell, url: str, tmp_path: Path
) -> None:
    folders = {name: tmp_path / name for name in ("alpha", "beta")}
    commands = {}
    for name, folder in folders.items():
        folder.mkdir()
        commands[name] = on_host(name, folder, shell, *arguments(n_trials=90, n_workers=2))
        wait_until(lambda: (folder / "outputs/sweeps/s/workers").exists() and num_ended(url) > 1, 60)  # noqa: B023
    ends = {name: ended(command, 120) for name, command in commands.items()}
    assert [(done.code, done.err) for done in ends.values()] == [(0, "")] * 2
    assert "joined the study: " in ends["beta"].out
    assert " running on alpha" in ends["beta"].out
    assert num_ended(url) == 90
    for name, folder in folders.items():
        left = folder / "outputs" / "sweeps" / "s"
        table = rows(Shell(folder))
        assert len(table) == 90
        assert {row["host"] for row in table} == {"alpha", "beta"}
        for row in table:
            own = folders[row["host"]] / "outputs" / "sweeps" / "s"
            assert (own / row["folder"] / ".hydra").is_dir()
            assert Path(row["folder"]).is_absolute() == (row["host"] != name)
        best = yaml.safe_load((left / "optimization_results.yaml").read_text())
        assert best["best_host"] in folders
        assert (left / "best.yaml").exists() == (best["best_host"] == name)  # the other's folder is not looked into


def test_a_trial_whose_host_is_gone_is_run_by_another_one(shell: Shell, url: str, tmp_path: Path) -> None:
    """After HEARTBEAT_TIMEOUT_S: there is no pid to ask for."""
    gone, left = tmp_path / "gone", tmp_path / "left"
    for folder in (gone, left):
        folder.mkdir()
    first = on_host("alpha", gone, shell, *arguments(n_trials=4, n_workers=1), body="time.sleep(600)")
    wait_until(lambda: [trial.params for trial in trials(url)] and trials(url)[0].params, 60)
    for process in processes(Shell(gone)):
        process.kill()
    first.communicate()
    since = time.monotonic()
    done = ended(on_host("beta", left, shell, *arguments(n_trials=4, n_workers=1)), 150)
    assert (done.code, done.err) == (0, "")
    assert time.monotonic() - since > 55
    assert "joined the study: 0 of 4 trials counted, 1 running on alpha" in done.out
    lost, *_, again = trials(url)
    assert (lost.state.name, again.state.name) == ("FAIL", "COMPLETE")
    assert (again.user_attrs["retry_of"], again.params) == (0, lost.params)
    assert [row["host"] for row in rows(Shell(left))] == ["beta"] * 4


def test_a_password_in_a_config_file_is_in_no_trials_folder(shell: Shell, postgres: Postgres, url: str) -> None:
    app(shell, "return cfg.x")
    del shell.env[STORAGE]
    with (shell.folder / "app.yaml").open("a") as file:
        file.write(f"    storage: {url}\n")
    for isolate, n_trials in (("true", 2), ("false", 4)):
        arguments = (f"hydra.sweeper.isolate={isolate}", f"hydra.sweeper.n_trials={n_trials}")
        done = ended(shell.start("app.py", "-m", "x=interval(0,1)", *arguments), 60)
        assert (done.code, done.err) == (0, "")
        assert postgres.password not in done.text
        assert len(rows(shell)) == n_trials
    assert files_with(postgres.password, shell.folder / "outputs") == []


def test_a_server_that_stays_away_ends_the_sweep_in_order_and_the_same_command_goes_on(
    shell: Shell, postgres: Postgres, url: str
) -> None:
    app(shell, WORK)
    command = shell.start(*arguments(n_trials=300, n_workers=2))
    wait_until(lambda: num_ended(url) >= 10, 60)
    postgres.stop()
    try:
        since = time.monotonic()
        done = ended(command, 120)
        assert 55 < time.monotonic() - since < 90
    finally:
        postgres.start()
    assert done.code == 1
    assert done.err.startswith("hydra.sweeper.storage must answer; got 'postgresql+psycopg://")
    assert "; resume it with: python app.py -m" in done.err
    assert postgres.password not in done.text
    so_far = num_ended(url)
    assert 10 <= so_far < 300
    again = ended(shell.start(*arguments(n_trials=so_far + 20, n_workers=2)), 120)
    assert (again.code, again.err) == (0, "")
    assert num_ended(url) == so_far + 20
    assert [trial.number for trial in trials(url) if trial.state.name == "RUNNING"] == []


def test_a_wrong_password_is_one_line(shell: Shell, postgres: Postgres, url: str) -> None:
    app(shell, "return cfg.x")
    done = ended(shell.start(*arguments(1, 1), **{STORAGE: url.replace(postgres.password, "guessed")}), 60)
    assert done.code == 1
    assert done.err.startswith("hydra.sweeper.storage must be reachable; got 'postgresql+psycopg://tunesmith:***@127.")
    assert "password authentication failed" in done.err
    assert "guessed" not in done.text
    assert not (shell.folder / "outputs").exists()


def test_a_typed_password_is_refused_in_one_line(shell: Shell, postgres: Postgres, url: str) -> None:
    app(shell, "return cfg.x")
    done = ended(shell.start(*arguments(1, 1), f"hydra.sweeper.storage='{url}'"), 60)
    assert done.code == 1
    assert done.err.startswith("hydra.sweeper.storage must have no password on the command line, which others can see;")
    assert "Traceback" not in done.err
    assert postgres.password not in done.text
    assert not (shell.folder / "outputs").exists()


def test_the_password_may_be_in_a_variable_of_its_own_or_in_libpqs(shell: Shell, postgres: Postgres, url: str) -> None:
    app(shell, "return cfg.x")
    del shell.env[STORAGE]
    for n_trials, (password, variable) in enumerate((("***", "TUNESMITH_STORAGE_PASSWORD"), ("", "PGPASSWORD")), 1):
        typed = url.replace(f":{postgres.password}@", f":{password}@" if password else "@")
        command = shell.start(
            *arguments(n_trials, 1), f"hydra.sweeper.storage='{typed}'", **{variable: postgres.password}
        )
        done = ended(command, 60)
        assert (done.code, done.err) == (0, "")
        assert num_ended(url) == n_trials
    assert files_with(postgres.password, shell.folder) == []
