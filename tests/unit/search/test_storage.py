"""Storages: a journal that survives torn lines and killed writers, databases by URL, no passwords."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import optuna
import pytest
from optuna import Study
from optuna.storages import BaseStorage

from tunesmith.errors import UserError
from tunesmith.search.storage import JournalLock, check_url, open_journal, open_storage, redacted

HOLD_THE_LOCK = """
import sys, time
from pathlib import Path
from tunesmith.search.storage import JournalLock
JournalLock(Path(sys.argv[1])).acquire()
print("held", flush=True)
time.sleep(600)
"""


def study_in(storage: BaseStorage) -> Study:
    return optuna.create_study(storage=storage, study_name="study", load_if_exists=True)


def add_trials(path: Path, *values: float) -> None:
    for value in values:
        study_in(open_journal(path)).add_trial(optuna.create_trial(value=value))


def values_in(path: Path) -> list[float | None]:
    study = optuna.load_study(storage=open_journal(path), study_name="study")  # reads, and takes no lock
    return [trial.value for trial in study.trials]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "study.journal"
    add_trials(path, 1.0, 2.0)
    return path


def tear(journal: Path, num_bytes: int) -> None:
    """Leave the last line without its last bytes, as a writer that is killed does."""
    journal.write_bytes(journal.read_bytes()[:-num_bytes])


@pytest.mark.parametrize("num_bytes", [1, 2, 10, 50], ids=lambda number: f"{number} bytes short")
def test_a_torn_last_line_costs_its_own_record_alone(journal: Path, num_bytes: int) -> None:
    tear(journal, num_bytes)
    add_trials(journal, 3.0)
    assert values_in(journal) == [1.0, 3.0]


@pytest.mark.parametrize(
    "tail", [b"{", b'{"op_code": 4, "wor', b"\0" * 5000, b"x" * 10_000], ids=["brace", "half", "zeros", "long"]
)
def test_a_garbage_tail_is_cut(journal: Path, tail: bytes) -> None:
    with journal.open("ab") as file:
        file.write(tail)
    add_trials(journal, 3.0)
    assert values_in(journal) == [1.0, 2.0, 3.0]


def test_a_journal_torn_in_its_first_line_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "study.journal"
    path.write_bytes(b'{"op_code": 0')
    add_trials(path, 1.0)
    assert values_in(path) == [1.0]


def test_whoever_has_the_journal_open_reads_on_after_a_tear(journal: Path) -> None:
    reader = study_in(open_journal(journal))
    assert len(reader.trials) == 2
    with journal.open("ab") as file:
        file.write(b'{"op_code": 4, "wor')
    add_trials(journal, 3.0)
    assert [trial.value for trial in reader.trials] == [1.0, 2.0, 3.0]


def test_two_storages_on_one_file_see_each_other(tmp_path: Path) -> None:
    one, other = (study_in(open_journal(tmp_path / "study.journal")) for _ in range(2))
    trials = [one.ask(), other.ask(), one.ask()]
    assert [trial.number for trial in trials] == [0, 1, 2]
    other.tell(trials[1], 0.5)
    assert one.trials[1].value == 0.5


def test_a_killed_holder_of_the_lock_stalls_nobody(journal: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD_THE_LOCK, str(journal)], stdout=subprocess.PIPE, text=True)
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        holder.kill()
    started = time.monotonic()
    add_trials(journal, 3.0)
    assert time.monotonic() - started < 5


def test_the_lock_keeps_another_writer_out(journal: Path) -> None:
    lock = JournalLock(journal)
    lock.acquire()
    writer = threading.Thread(target=add_trials, args=(journal, 3.0))
    writer.start()
    writer.join(0.2)
    assert values_in(journal) == [1.0, 2.0]
    lock.release()
    writer.join()
    assert values_in(journal) == [1.0, 2.0, 3.0]


def test_the_default_is_a_journal_in_the_studys_folder(tmp_path: Path) -> None:
    study_in(open_storage(None, tmp_path / "sweeps" / "a"))
    assert (tmp_path / "sweeps" / "a" / "study.journal").is_file()


def test_a_url_opens_a_database(tmp_path: Path) -> None:
    study_in(open_storage(f"sqlite:///{tmp_path}/studies.db", tmp_path))
    assert (tmp_path / "studies.db").is_file()
    assert not (tmp_path / "study.journal").exists()


def test_a_database_that_cannot_be_opened_is_a_users_mistake(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/nowhere/studies.db"
    with pytest.raises(UserError, match=rf"^hydra\.sweeper\.storage must be reachable; got '{re.escape(url)}': unable"):
        open_storage(url, tmp_path)


@pytest.mark.parametrize("url", [None, "sqlite:///studies.db", "sqlite://"], ids=str)
def test_a_url_that_is_known(url: str | None) -> None:
    check_url(url)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        pytest.param("studies.db", "studies.db", id="a file is no URL"),
        pytest.param("", "", id="nothing"),
        pytest.param("nosuchdb://user:secret@host/name", "nosuchdb://user:***@host/name", id="an unknown database"),
    ],
)
def test_a_url_that_is_unknown_is_refused(url: str, shown: str) -> None:
    message = f"hydra.sweeper.storage must be null or a database's URL; got '{shown}'; options: null"
    with pytest.raises(UserError, match=f"^{re.escape(message)}"):
        check_url(url)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        pytest.param("mysql://user:secret@host/name", "mysql://user:***@host/name", id="a password"),
        pytest.param("mysql://user@host/name", "mysql://user@host/name", id="none to hide"),
        pytest.param("sqlite:///a b.db", "sqlite:///a b.db", id="a file"),
        pytest.param("no url", "no url", id="no url"),
    ],
)
def test_redacted(url: str, shown: str) -> None:
    assert redacted(url) == shown
