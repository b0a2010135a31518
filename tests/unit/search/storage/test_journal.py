"""The journal: torn lines are cut, lost records put back, and what cannot be mended is told."""

from __future__ import annotations

import fcntl
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna import Study
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend

from tunesmith.search.storage.journal import JournalDamaged, JournalFile
from tunesmith.search.storage.storage import open_journal

HOLD_THE_LOCK = """
import fcntl, sys, time
file = open(sys.argv[1], "rb")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(600)
"""

APPEND = """
import sys
from pathlib import Path
import optuna
from tunesmith.search.storage.journal import JournalDamaged
from tunesmith.search.storage.storage import open_journal
optuna.logging.set_verbosity(optuna.logging.WARNING)
number = 0
while number < int(sys.argv[2]):
    study = optuna.load_study(storage=open_journal(Path(sys.argv[1])), study_name="study")
    try:
        while number < int(sys.argv[2]):
            study.add_trial(optuna.create_trial(value=0.5))
            number += 1
    except JournalDamaged:
        print("damaged", flush=True)
"""

WRITE_TO_A_FULL_DISK = """
import resource, sys
from pathlib import Path
from tunesmith.search.storage.journal import JournalFile
journal = JournalFile(Path(sys.argv[1]))
journal.append_logs([{"record": 0}])
resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20))
try:
    journal.append_logs([{"record": 1}])
except OSError as error:
    print("error")
print(len(list(journal.read_logs(0))))
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


def tear(path: Path, num_bytes: int) -> None:
    """Leave the file without its last bytes."""
    os.truncate(path, path.stat().st_size - num_bytes)


# a torn tail


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


def test_a_line_that_is_no_record_is_told_with_its_file(journal: Path) -> None:
    with journal.open("ab") as file:
        file.write(b"no record\n")
    with pytest.raises(JournalDamaged, match=r"study\.journal has a line that is no record: b'no record"):
        values_in(journal)


# records that this process has read, and the file has lost


def records(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "padding": "x" * 20} for name in names]


def names_in(journal: JournalFile) -> list[str]:
    return [record["name"] for record in journal.read_logs(0)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "study.journal"
    path.touch()
    return path


@pytest.mark.parametrize("num_bytes", [1, 2, 47, 48, 49, 100, 200], ids=lambda number: f"{number} bytes")
@pytest.mark.parametrize("is_append", [True, False], ids=["on append", "on read"])
def test_whoever_has_read_the_records_puts_them_back(path: Path, num_bytes: int, is_append: bool) -> None:
    one, other = JournalFile(path), JournalFile(path)
    one.append_logs(records(*"abcdef"))
    assert names_in(one) == names_in(other) == [*"abcdef"]
    before = path.read_bytes()
    tear(path, num_bytes)
    if is_append:
        one.append_logs(records("g"))
    assert names_in(one) == names_in(other) == [*"abcdef", *"g" * is_append]
    assert path.read_bytes()[: len(before)] == before


def test_a_cut_beyond_what_is_remembered_is_told(path: Path) -> None:
    journal = JournalFile(path)
    journal.append_logs(records(*"a" * 200))
    assert len(names_in(journal)) == 200
    os.truncate(path, 480)
    with pytest.raises(JournalDamaged, match=r"study\.journal lost records, and others have written to it since$"):
        journal.append_logs(records("b"))


def append(journal: JournalFile) -> None:
    journal.append_logs(records("h"))


def read(journal: JournalFile) -> None:
    list(journal.read_logs(3))


@pytest.mark.parametrize("call", [append, read], ids=lambda call: call.__name__)
@pytest.mark.parametrize("num_bytes", [1, 48, 49, 100])
def test_where_another_has_written_since_the_damage_is_told(path: Path, num_bytes: int, call: Any) -> None:
    one = JournalFile(path)
    one.append_logs(records(*"abcdef"))
    names_in(one)
    tear(path, num_bytes)
    JournalFile(path).append_logs(records("g"))
    before = path.read_bytes()
    with pytest.raises(JournalDamaged, match=r"study\.journal lost records, and others have written to it since$"):
        call(one)
    assert path.read_bytes() == before


@pytest.mark.parametrize("is_behind", [False, True], ids=["all read", "another's records unread"])
@pytest.mark.parametrize("num_bytes", [1, 48, 49])
def test_a_record_that_is_cut_before_its_writer_has_read_it_is_put_back(
    path: Path, num_bytes: int, is_behind: bool
) -> None:
    one, other = JournalFile(path), JournalFile(path)
    other.append_logs(records(*"ab"))
    if not is_behind:
        names_in(one)
    one.append_logs(records("c"))
    tear(path, num_bytes)
    assert names_in(one) == [*"abc"]


def test_a_trial_is_never_taken_for_another(journal: Path) -> None:
    """A record that is cut between append and read: Optuna's storage then returns the trial that it made before."""

    class Cut(JournalFile):
        is_due = False

        def append_logs(self, logs: list[dict[str, Any]]) -> None:
            super().append_logs(logs)
            if self.is_due:
                tear(journal, 5)

    backend = Cut(journal)
    study = study_in(JournalStorage(backend))
    first = study.ask()
    backend.is_due = True
    assert study.ask().number == first.number + 1


def test_a_record_that_finds_no_room_is_an_error(path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", WRITE_TO_A_FULL_DISK, str(path)], capture_output=True, text=True, check=True
    )
    assert ended.stdout.split() == ["error", "1"]


def test_two_that_append_while_a_third_cuts_leave_a_journal_that_can_be_read(path: Path) -> None:
    study_in(open_journal(path))
    least = path.stat().st_size
    writers = [subprocess.Popen([sys.executable, "-c", APPEND, str(path), "300"]) for _ in range(2)]
    dice = random.Random(0)
    cuts = 0
    while any(writer.poll() is None for writer in writers):
        time.sleep(0.02)
        size = path.stat().st_size
        if size > least + 400:
            os.truncate(path, size - dice.randint(1, 200))
            cuts += 1
    assert cuts > 3
    assert [writer.returncode for writer in writers] == [0, 0]
    add_trials(path, 7.0)  # mends
    lines = path.read_bytes().splitlines()
    assert all(isinstance(json.loads(line), dict) for line in lines)
    values = values_in(path)
    assert values[-1] == 7.0
    assert len(values) >= 300


# the lock


@pytest.fixture
def held(journal: Path) -> Iterator[int]:
    """The lock, held by another open file."""
    file = os.open(journal, os.O_RDONLY)
    fcntl.flock(file, fcntl.LOCK_EX)
    yield file
    os.close(file)


def test_the_lock_keeps_another_writer_out_and_lets_readers_in(journal: Path, held: int) -> None:
    writer = threading.Thread(target=add_trials, args=(journal, 3.0))
    writer.start()
    writer.join(0.2)
    assert values_in(journal) == [1.0, 2.0]
    fcntl.flock(held, fcntl.LOCK_UN)
    writer.join()
    assert values_in(journal) == [1.0, 2.0, 3.0]


def test_a_killed_holder_of_the_lock_stalls_nobody(journal: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD_THE_LOCK, str(journal)], stdout=subprocess.PIPE, text=True)
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        holder.kill()
    started = time.monotonic()
    add_trials(journal, 3.0)
    assert time.monotonic() - started < 5


# Optuna's format


def test_optuna_reads_what_we_write(journal: Path) -> None:
    storage = JournalStorage(JournalFileBackend(str(journal)))
    assert [trial.value for trial in optuna.load_study(storage=storage, study_name="study").trials] == [1.0, 2.0]


def test_we_read_what_optuna_writes(tmp_path: Path) -> None:
    path = tmp_path / "study.journal"
    study = study_in(JournalStorage(JournalFileBackend(str(path))))
    for value in (1.0, 2.0):
        study.add_trial(optuna.create_trial(value=value))
    add_trials(path, 3.0)
    assert values_in(path) == [1.0, 2.0, 3.0]
    assert [trial.value for trial in study.trials] == [1.0, 2.0, 3.0]


def add_with_optuna(path: Path) -> None:
    study_in(JournalStorage(JournalFileBackend(str(path)))).add_trial(optuna.create_trial(value=3.0))


def test_optuna_still_glues_its_next_record_to_a_torn_line(journal: Path) -> None:
    """The trap that JournalFile walks around."""
    tear(journal, 5)
    with pytest.raises(json.JSONDecodeError):
        add_with_optuna(journal)


# many records


def test_many_records_are_read_from_where_the_last_reading_ended(path: Path) -> None:
    writer, reader = JournalFile(path), JournalFile(path)
    for start in range(0, 10_000, 1000):
        writer.append_logs([{"record": start + number} for number in range(1000)])
        found = [record["record"] for record in reader.read_logs(start)]
        assert found == list(range(start, start + 1000))
    started = time.process_time()
    for number in range(10_000, 10_200):
        writer.append_logs([{"record": number}])
        assert [record["record"] for record in reader.read_logs(number)] == [number]
    assert time.process_time() - started < 1.0
