"""A journal with a bad record: it is set aside and told, and all other records keep their meaning."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import re
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState
from studies import asked, fail, opened

from tunesmith.errors import UserError
from tunesmith.search.storage.journal import JournalDamaged
from tunesmith.search.storage.mending import damaged_file
from tunesmith.search.storage.stand_ins import StudyNamed, study_in
from tunesmith.search.storage.storage import open_journal
from tunesmith.search.study.budget import ask
from tunesmith.search.study.counts import num_counted
from tunesmith.search.study.retries import StaleTrials, requeue, requeue_own
from tunesmith.search.study.study import tell
from tunesmith.search.study.trial import Attempt, state_of

NAMED = StudyNamed("study", ["minimize"])
NUM_TRIALS = 31
Damage = Callable[[bytes], bytes]


def flip_a_bit(line: bytes) -> bytes:
    """One that leaves no JSON."""
    dice = random.Random(len(line))
    while True:
        place = dice.randrange(len(line) - 1)
        flipped = line[:place] + bytes([line[place] ^ 1 << dice.randrange(8)]) + line[place + 1 :]
        try:
            json.loads(flipped)
        except ValueError:
            return flipped


def zero(line: bytes) -> bytes:
    return b"\0" * (len(line) - 1) + b"\n"


def halve(line: bytes) -> bytes:
    return line[: len(line) // 2] + b"\n"


def glue(line: bytes) -> bytes:
    return line[:-1]


def break_up(line: bytes) -> bytes:
    return line[: len(line) // 2] + b"\r\n" + line[len(line) // 2 :]


def replace_by_list(line: bytes) -> bytes:
    return b"[1]\n"


def replace_by_dict(line: bytes) -> bytes:
    return b"{}\n"


def to_another_version(line: bytes) -> bytes:
    return json.dumps({**json.loads(line), "op_code": 99}).encode() + b"\n"


def drop_a_key(line: bytes) -> bytes:
    return json.dumps(dict(list(json.loads(line).items())[:-1])).encode() + b"\n"


def name_what_is_not_there(line: bytes) -> bytes:
    key = "trial_id" if b"trial_id" in line else "study_id"
    return json.dumps({**json.loads(line), key: 900}).encode() + b"\n"


def mistype(line: bytes) -> bytes:
    record = json.loads(line)
    return json.dumps({**record, list(record)[-1]: [[]]}).encode() + b"\n"


def leave_out(line: bytes) -> bytes:
    return b""


KINDS = [
    *(flip_a_bit, zero, halve, glue, break_up, replace_by_list, replace_by_dict, to_another_version),
    *(drop_a_key, name_what_is_not_there, mistype, leave_out),
]


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """A journal of three workers that are gone: complete, pruned, failed, lost and retried trials, up to 4 at once."""
    path = tmp_path_factory.mktemp("good") / "study.journal"
    workers = [opened(open_journal(path)) for _ in range(3)]
    dice, running = random.Random(0), list[tuple[Study, optuna.Trial]]()
    while (has_more := len(workers[0].trials) < NUM_TRIALS) or running:
        if len(running) < 4 and has_more:
            trial = asked(study := dice.choice(workers), 1000)
            trial.suggest_float("x", 0, 1)
            if not Attempt(trial).is_retry:
                trial.report(dice.random(), 9)
            running.append((study, trial))
            continue
        end(*running.pop(dice.randrange(len(running))), dice)
    assert len(workers[0].trials) == NUM_TRIALS
    nobody = path.read_bytes().replace(b'"pid":%d,' % os.getpid(), b'"pid":99999999,')
    return nobody.splitlines(keepends=True)


def end(study: Study, trial: optuna.Trial, dice: random.Random) -> None:
    match dice.choices(("complete", "pruned", "failed", "lost"), (6, 2, 1, 1))[0]:
        case "complete":
            study.tell(trial, dice.random())
        case "pruned":
            study.tell(trial, state=TrialState.PRUNED)
        case "failed":
            fail(study, trial)
        case "lost":
            requeue(study, trial.number)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "study.journal"


def read(path: Path) -> list[FrozenTrial]:
    return optuna.load_study(study_name="study", storage=open_journal(path, NAMED)).trials


def facts(trials: list[FrozenTrial]) -> dict[int, Any]:
    """What is known of each trial but for the moments of its begin and end."""
    return {t.number: (t.state, t.values, t.params, t.intermediate_values, t.user_attrs) for t in trials}


def damage_at(path: Path, lines: list[bytes], place: int, damage: Damage) -> None:
    path.write_bytes(b"".join([*lines[:place], damage(lines[place]), *lines[place + 1 :]]))


def check_one_lost(path: Path, lines: list[bytes], place: int, damage: Damage) -> None:
    """Damage one record: that of the one trial may be lost, all else stays; plain Optuna reads the mended file."""
    path.write_bytes(b"".join(lines))
    want = facts(read(path))
    damage_at(path, lines, place, damage)
    damaged_file(path).unlink(missing_ok=True)
    size = path.stat().st_size
    found = facts(read(path))
    differing = [number for number in want if found.get(number) != want[number]]
    assert len(differing) <= 1, (lines[place], differing)
    is_last = damage is leave_out and place + 1 == len(lines)
    assert set(want) - set(found) <= ({max(want)} if place + 2 >= len(lines) else set()), lines[place]
    assert is_last or damage is leave_out or path.stat().st_size <= size + 200
    plain = JournalStorage(JournalFileBackend(str(path)))
    assert facts(optuna.load_study(study_name="study", storage=plain).trials) == found
    before = path.read_bytes()
    read(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("damage", KINDS, ids=lambda kind: kind.__name__)
def test_one_bad_record_costs_one_record(path: Path, lines: list[bytes], damage: Damage) -> None:
    """At twelve lines of all kinds; the slow test takes every line."""
    places = [0, 1, 2, 3, 4, 5, *range(6 + KINDS.index(damage), len(lines), len(lines) // 6)]
    for place in places:
        check_one_lost(path, lines, place, damage)


@pytest.mark.slow
@pytest.mark.parametrize("damage", KINDS, ids=lambda kind: kind.__name__)
def test_at_every_line_one_bad_record_costs_one_record(path: Path, lines: list[bytes], damage: Damage) -> None:
    for place in range(len(lines)):
        check_one_lost(path, lines, place, damage)


# what is said, and what is kept


def test_the_damage_is_told_once_with_file_line_and_byte_and_kept(
    path: Path, lines: list[bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    damage_at(path, lines, 7, zero)
    read(path)
    read(path)
    start = sum(map(len, lines[:7]))
    told = f"line 8 at byte {start}"
    assert capsys.readouterr().out == f"{path}: {told} is damaged: set aside in study.journal.damaged\n"
    kept = damaged_file(path).read_bytes()
    assert kept == f"{told}, {len(lines[7])} bytes:\n".encode() + zero(lines[7]) + b"\n"


def test_a_whole_journal_writes_nothing_beside_it(path: Path, lines: list[bytes]) -> None:
    path.write_bytes(b"".join(lines))
    read(path)
    assert [each.name for each in path.parent.iterdir()] == ["study.journal"]


def test_many_damaged_lines_are_told_in_six(path: Path, lines: list[bytes], capsys: pytest.CaptureFixture[str]) -> None:
    path.write_bytes(b"".join(zero(line) if i % 9 == 4 else line for i, line in enumerate(lines)))
    assert len(read(path)) == NUM_TRIALS
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 6
    assert re.search(r"study\.journal: \d+ further lines are damaged, too$", told[-1])


# a study that goes on


@pytest.mark.parametrize("place", range(0, 120, 17))
def test_a_study_goes_on_to_exactly_n_trials(path: Path, lines: list[bytes], place: int) -> None:
    damage_at(path, lines, place, zero)
    study = opened(open_journal(path, NAMED))
    stale = StaleTrials(study, clock=iter(range(0, 10_000, 1000)).__next__)
    for _ in range(2):  # an attempt whose end was lost is found, as nobody runs it
        stale.end()
    while (trial := ask(study, 35)) is not None:
        trial.suggest_float("x", 0, 1)
        study.tell(trial, 0.5)
    assert num_counted(study.trials) == 35
    assert len({Attempt(trial).first_attempt for trial in study.trials if state_of(trial).is_counted}) == 35


def test_a_first_record_that_is_damaged_is_taken_from_the_command(path: Path, lines: list[bytes]) -> None:
    damage_at(path, lines, 0, zero)
    study = optuna.load_study(study_name="s2", storage=open_journal(path, StudyNamed("s2", ["maximize"])))
    assert (study.direction.name, len(study.trials)) == ("MAXIMIZE", NUM_TRIALS)


def test_a_first_record_of_several_objectives_is_read(path: Path, lines: list[bytes]) -> None:
    damage_at(path, lines, 0, zero)
    study = optuna.load_study(study_name="s2", storage=open_journal(path, StudyNamed("s2", ["maximize", "minimize"])))
    assert [each.name for each in study.directions] == ["MAXIMIZE", "MINIMIZE"]
    assert study_in(b'{"study_name":"s2","directions":[2,1],"op_c') == StudyNamed("s2", ["maximize", "minimize"])


def test_without_a_command_a_first_record_that_nobody_knows_is_refused(path: Path, lines: list[bytes]) -> None:
    damage_at(path, lines, 0, zero)
    with pytest.raises(UserError, match=r"study\.journal must begin with the record that names its study; got a dam"):
        open_journal(path)
    assert path.read_bytes() == zero(lines[0]) + b"".join(lines[1:])


# what the rest of the study and the folders tell


def test_a_claim_is_taken_from_another_one_of_the_same_worker(path: Path) -> None:
    study = opened(open_journal(path))
    for _ in range(3):
        asked(study).suggest_float("x", 0, 1)
    lines = path.read_bytes().splitlines(keepends=True)
    want = facts(read(path))
    claims = [place for place, line in enumerate(lines) if b'"owner"' in line]
    damage_at(path, lines, claims[1], zero)
    assert facts(read(path)) == want


def test_a_retry_whose_begin_is_damaged_has_owner_params_and_chain_of_its_own(path: Path) -> None:
    study = opened(open_journal(path))
    other = asked(study)
    lost = asked(study)
    lost.suggest_float("x", 0, 1)
    lost.report(0.25, 1)
    lost.set_user_attr("owner", 5)  # anybody may have written it
    tell(study, lost.number, TrialState.FAIL)
    retry = asked(study)
    assert Attempt(retry).retry_of == lost.number
    retry.report(0.5, 2)
    study.tell(other, 0.5)
    want = facts(read(path))
    lines = path.read_bytes().splitlines(keepends=True)
    (place,) = [place for place, line in enumerate(lines) if b'"retry_of"' in line]
    damage_at(path, lines, place, zero)
    assert facts(read(path)) == want


def test_a_trial_that_writes_much_leaves_the_one_before_its_number(path: Path) -> None:
    """The worker pruned the first one early: most of what it wrote behind that one's begin is of the second."""
    study = opened(open_journal(path))
    for num_epochs in (1, 60):
        trial = asked(study)
        trial.suggest_float("x", 0, 1)
        trial.set_user_attr("tags", [str(num_epochs)])
        for epoch in range(num_epochs):
            trial.report(0.5, epoch)
        study.tell(trial, 0.5)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b'"system_attrs":{}', b'"system_attrs":{"first":1}')
    path.write_bytes(b"".join(lines))
    places = [place for place, line in enumerate(lines) if line.startswith(b'{"op_code":4,')]
    damage_at(path, lines, places[1], zero)
    assert ["first" in trial.system_attrs for trial in read(path)] == [True, False]


def test_what_a_folder_tells_is_put_back(path: Path) -> None:
    study = opened(open_journal(path))
    trial = asked(study)
    value = trial.suggest_float("x", 0, 1)
    for epoch in (1, 2, 3):
        trial.report(epoch / 8, epoch)
    study.tell(trial, 0.125)
    asked(study).suggest_float("x", 0, 1)
    folder = path.parent / "0"
    (folder / ".hydra").mkdir(parents=True)
    (folder / ".hydra" / "overrides.yaml").write_text(f"- x={value}\n")
    (folder / "metrics.csv").write_text("epoch,loss\n1,0.125\n2,0.25\n3,0.375\n")
    (folder / "result.yaml").write_text("{metric: loss, mode: min, value: 0.125, epochs: 3, state: COMPLETE}")
    lines = path.read_bytes().splitlines(keepends=True)
    want = facts(read(path))
    for place in range(len(lines) - 1):  # the last one is of a trial without a folder
        for damage in (zero, halve, replace_by_dict):
            damage_at(path, lines, place, damage)
            assert facts(read(path)) == want, lines[place]


def test_why_a_trial_failed_is_put_back(path: Path) -> None:
    study = opened(open_journal(path))
    fail(study, asked(study))
    (path.parent / "0").mkdir()
    (path.parent / "0" / "result.yaml").write_text("{metric: loss, mode: min, value: null, state: FAIL, reason: a bug}")
    lines = path.read_bytes().splitlines(keepends=True)
    (place,) = [place for place, line in enumerate(lines) if b'"reason"' in line]
    damage_at(path, lines, place, zero)
    (trial,) = read(path)
    assert (state_of(trial).name, Attempt(trial).reason) == ("FAILED", "a bug")


def test_two_trials_at_once_keep_their_records_if_the_first_ones_begin_is_gone(path: Path) -> None:
    """The second worker asked before the first one claimed: the records that follow tell whose trial is whose."""
    one, other = opened(open_journal(path)), opened(open_journal(path))
    first, second = one.ask(), other.ask()
    for trial, x in ((first, 0.1), (second, 0.9)):
        trial.set_user_attr("owner", {})
        trial.suggest_float("x", 0, x)
        trial.report(x, 1)
    lines = path.read_bytes().splitlines(keepends=True)
    want = {number: fact for number, fact in facts(read(path)).items() if number < 2}
    path.write_bytes(b"".join([*lines[:1], *lines[2:]]))
    found = facts(read(path))
    assert {number: found[number] for number in (0, 1)} == want


# others who have the journal open


def last_of(lines: list[bytes], operation: int) -> int:
    """Return the index of the last line of an operation."""
    return max(index for index, line in enumerate(lines) if line.startswith(b'{"op_code":%d,' % operation))


@pytest.mark.parametrize("operation", [4, 7, 8])
def test_whoever_has_read_the_journal_goes_on_after_another_has_mended_it(
    path: Path, lines: list[bytes], operation: int
) -> None:
    path.write_bytes(b"".join(lines))
    reader, writer = opened(open_journal(path)), opened(open_journal(path))
    running = asked(writer, 1000)
    running.suggest_float("x", 0, 1)
    running.set_user_attr("lease", 1)
    written = path.read_bytes().splitlines(keepends=True)
    damage_at(path, written, last_of(written, operation), zero)
    opened(open_journal(path))
    running.report(0.5, 1)
    writer.tell(running, 0.25)
    assert [trial.values for trial in reader.trials[running.number :]] == [[0.25]]
    assert reader.trials[: running.number] == read(path)[: running.number]


@pytest.mark.parametrize("damage", [zero, flip_a_bit, lambda line: line[:-1] + b"\v"], ids=["nuls", "bit", "newline"])
@pytest.mark.parametrize("place", [-1, -2, -5])
def test_whoever_has_read_a_damaged_record_puts_it_back(
    path: Path, lines: list[bytes], place: int, damage: Damage, capsys: pytest.CaptureFixture[str]
) -> None:
    content = b"".join(lines)
    path.write_bytes(content)
    reader = opened(open_journal(path))
    damage_at(path, lines, len(lines) + place, damage)
    assert len(reader.trials) == NUM_TRIALS
    assert path.read_bytes() == content
    number, start = len(lines) + place + 1, sum(map(len, lines[:place]))
    assert capsys.readouterr().out == f"{path}: line {number} at byte {start} was damaged: put back\n"


def test_a_trial_whose_begin_is_damaged_while_it_runs_goes_on(path: Path, lines: list[bytes]) -> None:
    path.write_bytes(b"".join(lines))
    study = opened(open_journal(path))
    running = asked(study, 1000)
    running.report(0.5, 1)
    damage_at(path, path.read_bytes().splitlines(keepends=True), len(lines), zero)
    opened(open_journal(path))
    study.tell(running, 0.25)
    assert read(path)[running.number].values == [0.25]


def test_where_trials_have_become_others_a_process_begins_anew(path: Path, lines: list[bytes]) -> None:
    path.write_bytes(b"".join(lines))
    study = opened(open_journal(path))
    size = path.stat().st_size
    running = asked(study, 1000)
    os.truncate(path, size)
    asked(opened(open_journal(path)), 1000)
    with pytest.raises(JournalDamaged, match=r"study\.journal lost records, and others have written to it since$"):
        running.report(0.5, 1)


def test_a_running_trial_that_lost_a_value_is_begun_anew(path: Path, lines: list[bytes]) -> None:
    path.write_bytes(b"".join(lines))
    running = asked(opened(open_journal(path)), 1000)
    running.suggest_float("x", 0, 1)
    os.truncate(path, path.stat().st_size - 5)
    asked(opened(open_journal(path)), 1000)
    with pytest.raises(JournalDamaged, match=r"study\.journal lost records, and others have written to it since$"):
        running.report(0.5, 1)


def work(path: Path, n_trials: int, seed: int) -> None:
    """A worker that reads the study anew where it has to, as a sweep's do."""
    dice = random.Random(seed)
    while True:
        study = opened(open_journal(path, NAMED))
        stale = StaleTrials(study)
        try:
            while num_counted(study.get_trials(deepcopy=False)) < n_trials:
                stale.end()
                trial = ask(study, n_trials, max_retries=100)
                if trial is None:
                    time.sleep(0.01)
                    continue
                trial.suggest_float("x", 0, 1)
                trial.set_user_attr("tags", ["a"])
                if not Attempt(trial).is_retry:
                    trial.report(dice.random(), 1)
                time.sleep(0.002)
                study.tell(trial, dice.random())
            return
        except JournalDamaged:
            with suppress(JournalDamaged):
                requeue_own(opened(open_journal(path, NAMED)))
        except optuna.exceptions.UpdateFinishedTrialError:
            continue


def test_two_workers_go_on_while_lines_are_damaged_under_them(path: Path) -> None:
    """At twenty lines, each operation among them: exactly n_trials, no traceback, no number twice."""
    opened(open_journal(path))
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=work, args=(path, 300, seed)) for seed in range(2)]
    for worker in workers:
        worker.start()
    while path.read_bytes().count(b"\n") < 40:
        assert all(worker.is_alive() for worker in workers)
        time.sleep(0.05)
    dice = random.Random(0)
    for operation in [4, 8, 5, 7, 6] * 4:
        time.sleep(0.05)
        damage_a_line(path, operation, dice)
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0, 0]
    work(path, 300, 2)  # the same command again: ends that were damaged after both had read them
    assert num_counted(read(path)) == 300


def damage_a_line(path: Path, operation: int, dice: random.Random) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    places = [place for place, line in enumerate(lines[:-1]) if line.startswith(b'{"op_code":%d,' % operation)]
    place = dice.choice(places[-8:])
    file = os.open(path, os.O_RDWR)
    os.pwrite(file, zero(lines[place]), sum(map(len, lines[:place])))
    os.close(file)
