"""The journal: torn lines are cut, lost records put back, and what cannot be mended is told."""

from __future__ import annotations

import fcntl
import json
import os
import pickle
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna import Study
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from tunesmith.errors import MachineFault
from tunesmith.search.storage.journal import DamagedRecord, JournalDamaged, JournalFile, one_append
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
from tunesmith.errors import MachineFault
from tunesmith.search.storage.journal import JournalFile
journal = JournalFile(Path(sys.argv[1]))
journal.append_logs([{"record": 0}])
resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20))
try:
    journal.append_logs([{"record": 1}])
except MachineFault as error:
    print(str(error).partition(":")[0])
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


def test_a_torn_line_that_is_replaced_while_it_is_read_is_no_record(path: Path) -> None:
    """A reader may have the first half in its buffer when a writer puts a longer record in the place of both."""
    journal = JournalFile(path)
    journal.append_logs([{"op_code": number, "worker_id": "one of the first"} for number in range(2)])
    tear(path, 10)
    reading = JournalFile(path).read_logs(0)
    assert next(reading)["op_code"] == 0
    JournalFile(path).append_logs([{"op_code": 2, "worker_id": "of the second", "trial_id": 5}])
    assert list(reading) == []
    records = list(JournalFile(path).read_logs(0))
    assert [record["op_code"] for record in records] == [0, 2]


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


@pytest.mark.parametrize("line", [b"no record\n", b"[1]\n"])
def test_a_line_that_is_no_record_is_told_with_its_file(path: Path, line: bytes) -> None:
    path.write_bytes(line)
    with pytest.raises(DamagedRecord, match=r"study\.journal has a line that is no record: b'"):
        names_in(JournalFile(path))


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
    assert ended.stdout.splitlines() == ["disk full", "1"]


@pytest.mark.parametrize("becomes", ["gone", "a folder"])
def test_a_journal_that_is_no_file_any_more_is_a_fault_of_the_machine(path: Path, becomes: str) -> None:
    storage = open_journal(path)
    study_in(storage)
    path.unlink()
    if becomes == "a folder":
        path.mkdir()
    with pytest.raises(MachineFault, match="study"):
        storage.get_all_studies()
    with pytest.raises(MachineFault, match="study"):
        storage.create_new_study([StudyDirection.MINIMIZE], "another")
    assert path.exists() == (becomes == "a folder")


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


# what reaches the disk, and how often


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the files at the moments at which the disk was waited for."""
    sizes: list[int] = []
    fsync = os.fsync

    def record(file: int) -> None:
        fsync(file)
        sizes.append(os.fstat(file).st_size)

    monkeypatch.setattr("os.fsync", record)
    return sizes


def test_the_disk_is_waited_for_when_a_trial_has_ended_and_only_then(journal: Path, synced: list[int]) -> None:
    study = study_in(open_journal(journal))
    trial = study.ask()
    trial.suggest_float("x", 0, 1)
    trial.report(0.5, 1)
    trial.set_user_attr("owner", "me")
    assert synced == []
    study.tell(trial, 0.5)
    assert synced == [journal.stat().st_size]
    study.tell(study.ask(), state=optuna.trial.TrialState.FAIL)
    assert len(synced) == 2


def trials_in(path: Path) -> list[FrozenTrial]:
    """What another process reads; Optuna's Trial writes into this one's view at once."""
    return study_in(open_journal(path)).trials


def lines_in(path: Path) -> int:
    return len(path.read_bytes().splitlines())


def test_one_append_writes_at_the_end_of_the_block(journal: Path) -> None:
    storage = open_journal(journal)
    study = study_in(storage)
    trials = [study.ask() for _ in range(3)]
    before = lines_in(journal)
    with one_append(storage):
        for trial in trials:
            trial.report(0.5, 1)
        assert lines_in(journal) == before
    assert lines_in(journal) == before + 3
    assert [trial.intermediate_values for trial in study.trials[-3:]] == [{1: 0.5}] * 3


def test_one_append_holds_back_no_other_thread(journal: Path) -> None:
    storage = open_journal(journal)
    study = study_in(storage)
    first, second = study.ask(), study.ask()
    with one_append(storage):
        first.report(0.5, 1)
        thread = threading.Thread(target=second.report, args=(0.4, 1))
        thread.start()
        thread.join()
        assert [trial.intermediate_values for trial in trials_in(journal)[-2:]] == [{}, {1: 0.4}]
    assert [trial.intermediate_values for trial in trials_in(journal)[-2:]] == [{1: 0.5}, {1: 0.4}]


def test_one_append_leaves_out_the_records_of_ended_trials_and_keeps_the_others(journal: Path) -> None:
    storage = open_journal(journal)
    study = study_in(storage)
    trials = [study.ask() for _ in range(4)]
    other = study_in(open_journal(journal))
    for trial in trials[:2]:
        other.tell(trial.number, state=optuna.trial.TrialState.FAIL)
    with one_append(storage):
        for trial in trials:
            trial.set_user_attr("lease", 1)
    assert ["lease" in trial.user_attrs for trial in trials_in(journal)[-4:]] == [False, False, True, True]
    study.tell(trials[2], 0.5)  # no error is left over for the next call
    assert values_in(journal)[-4:] == [None, None, 0.5, None]


def test_one_append_of_an_error_writes_nothing(journal: Path) -> None:
    storage = open_journal(journal)
    trial = study_in(storage).ask()
    before = lines_in(journal)
    with suppress(ZeroDivisionError), one_append(storage):
        trial.report(0.5, 1)
        raise ZeroDivisionError("a bug")
    assert lines_in(journal) == before
    trial.report(0.5, 2)
    assert lines_in(journal) == before + 1


def test_one_append_of_another_storage_changes_nothing() -> None:
    storage = optuna.storages.InMemoryStorage()
    trial = study_in(storage).ask()
    with one_append(storage):
        trial.report(0.5, 1)
        assert trial.study.trials[0].intermediate_values == {1: 0.5}


def test_a_study_on_a_journal_can_be_pickled(journal: Path) -> None:
    """As a user's own pool of processes does."""
    study = pickle.loads(pickle.dumps(study_in(open_journal(journal))))
    assert [trial.value for trial in study.trials] == [1.0, 2.0]
