"""Finds where the records that made a study or began a trial are missing: later records name what nobody has made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tunesmith.errors import UserError
from tunesmith.search.storage.begun_trials import stand_in
from tunesmith.search.storage.checked_replay import CheckedReplay
from tunesmith.search.storage.journal import JournalDamaged
from tunesmith.search.storage.lines import Line
from tunesmith.search.storage.records import Operation, Record, begins_trial, is_asked, trial_named
from tunesmith.search.storage.stand_ins import StudyNamed, new_study, study_in, time_in

_NEVER = 1 << 62


def fill_gaps(path: Path, lines: Sequence[Line], study: StudyNamed | None) -> CheckedReplay:
    """Take out the records that Optuna refuses, and put stand-ins where records are missing; return the replay.

    path: for messages. Raises UserError if nobody knows which study it is.
    """
    while True:
        _add_study(path, lines, study)
        _add_trials(lines)
        replay = CheckedReplay("the mender")
        if not _take_out_refused(lines, replay):
            return replay


def _take_out_refused(lines: Sequence[Line], replay: CheckedReplay) -> bool:
    """Return whether a refused record had begun a trial or made a study: then stand-ins are needed before going on."""
    for line in lines:
        for record in list(line.records):
            try:
                replay.apply_logs([record])
            except JournalDamaged:
                line.records.remove(record)
                line.is_changed = True
                if record["op_code"] in (Operation.CREATE_STUDY, Operation.CREATE_TRIAL):
                    return True
    return False


def _add_study(path: Path, lines: Sequence[Line], study: StudyNamed | None) -> None:
    """Put in the study's own record if it is missing: what the command says of it, or what is still to be read."""
    for line in lines:
        for record in line.records:
            if record["op_code"] == Operation.CREATE_STUDY:
                return
            if record["op_code"] == Operation.DISCARD_TRIALS:
                continue
            damaged = lines[0] if lines[0].is_changed else line
            found = study or study_in(damaged.raw)
            if found is None:
                raise UserError(
                    f"{path} must begin with the record that names its study; got a damaged one: run the study's "
                    f"command again, which knows the name, or python scripts/repair.py {path.parent}"
                )
            damaged.records.insert(0, new_study(found))
            damaged.is_changed = True
            return


def _add_trials(lines: Sequence[Line]) -> None:
    """Put in a stand-in for each trial that later records name and that no record begins."""
    places = [(index, record) for index, line in enumerate(lines) for record in line.records]
    records = [record for _, record in places]
    for place, first_id, number in reversed(_gaps(records, sum(line.is_changed for line in lines))):
        index, _ = places[place]
        begins = [index for index, record in places[:place] if begins_trial(record)]
        target = _target(lines, begins[-1] if begins else -1, index)
        at = sum(lines[index] is target for index, _ in places[:place])
        target.records[at:at] = [stand_in(records, place, first_id + i, target.raw) for i in range(number)]
        target.is_changed = True


def _target(lines: Sequence[Line], after: int, before: int) -> Line:
    """Return the damaged line between two that may have begun a trial, else the later one of the two."""
    damaged = [line for line in lines[after + 1 : before + 1] if line.is_changed]
    telling = [line for line in damaged if time_in(line.raw) or b'"op_code":4' in line.raw]
    return (telling or damaged or [lines[before]])[-1]


def _gaps(records: Sequence[Record], num_damaged: int) -> list[tuple[int, int, int]]:
    """Return (place, id, number) for each run of missing trials: before which record, of which id the first is.

    num_damaged: lines that may have begun a trial.
    """
    named = _believable(records, num_damaged)
    votes = {place: trial_id for place, trial_id in _votes(records).items() if trial_id in named}
    limits = _limits(records, votes)
    gaps: list[tuple[int, int, int]] = []
    begun = missing = 0
    for place, record in enumerate(records):
        trial_id, wanted = trial_named(record), missing
        if place in votes or (trial_id in named and trial_id is not None and trial_id >= begun + missing):
            wanted = limits[place] if trial_id is None else min(trial_id + 1 - begun, limits[place])
        if missing < wanted < _NEVER:
            gaps.append((place, begun + missing, wanted - missing))
            missing = wanted
        begun += begins_trial(record)
    return gaps


def _believable(records: Sequence[Record], num_damaged: int) -> set[int]:
    """Return the ids that several records name, or that damaged lines can have begun; others have a damaged digit."""
    count = Counter(trial_id for record in records if (trial_id := trial_named(record)) is not None)
    possible = sum(map(begins_trial, records)) + num_damaged
    return {id_ for id_, number in count.items() if number > 1 or id_ < possible}


def _votes(records: Sequence[Record]) -> dict[int, int]:
    """Return which trial each record has begun, by what its worker wrote next: place of the record -> id.

    A worker runs the trial that it has asked for: the first trial that it names for the first time is that one. What
    most of its records name says nothing, because the begin of its next trial may be missing, too.
    """
    votes: dict[int, int] = {}
    asked: dict[str, int] = {}
    known: set[tuple[str, int]] = set()
    for place, record in enumerate(records):
        worker, trial_id = record.get("worker_id", ""), trial_named(record)
        if is_asked(record):
            asked[worker] = place
        elif trial_id is not None and (worker, trial_id) not in known:
            known.add((worker, trial_id))
            if worker and worker in asked:
                votes[asked.pop(worker)] = trial_id
    return votes


def _limits(records: Sequence[Record], votes: dict[int, int]) -> list[int]:
    """Return how many trials can be missing before each record, if all votes from there on are right."""
    begun = sum(map(begins_trial, records))
    limits, limit = [], _NEVER
    for place in reversed(range(len(records))):
        begun -= begins_trial(records[place])
        if place in votes and votes[place] >= begun:
            limit = min(limit, votes[place] - begun)
        limits.append(limit)
    return limits[::-1]
