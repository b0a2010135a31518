"""Puts in the place of damaged records what the rest of the study, or the trials' folders, tell of the same trials."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from optuna.distributions import distribution_to_json
from optuna.storages.journal._storage import JournalStorageReplayResult
from optuna.trial import FrozenTrial, TrialState

from tunesmith.search.attribute_names import FIRST_ATTEMPT, OWNER, REASON, SURPLUS
from tunesmith.search.storage.folder_facts import FolderFacts, read_facts
from tunesmith.search.storage.lines import Line
from tunesmith.search.storage.records import Operation, Record, begins_trial

# Those that result.yaml has under the same names.
FROM_RESULT = ("data_digest", "note", "tags")
_TRIAL = re.compile(rb'"trial_id":(\d+)[,}]')


def put_back_facts(folder: Path, lines: Sequence[Line], replay: JournalStorageReplayResult) -> None:
    """Fill each damaged line with something that the study lacks of a trial that ran at the time.

    folder: the study's; replay: what is known without the damaged lines.
    """
    if not any(_room(line) for line in lines):
        return
    lost = list(_lost(folder, replay))
    begun, ended = 0, set[int | None]()
    for line in lines:
        room = _room(line)
        if room > 0:
            running = set(range(begun)) - ended
            fitting = [each for each in lost if each["trial_id"] in running and _fits(each, line.raw, begun)]
            line.records += fitting[:room]
            lost = [each for each in lost if each not in fitting[:room]]
        for record in line.records:
            begun += begins_trial(record)
            if record["op_code"] == Operation.SET_TRIAL_STATE_VALUES and record["state"] != TrialState.RUNNING:
                ended.add(record["trial_id"])


def _room(line: Line) -> int:
    return line.raw.count(b"\n") - len(line.records) if line.is_changed else 0


def _fits(record: Record, damaged: bytes, begun: int) -> bool:
    """Whether a record is of the trial that can still be read in a damaged one, if any can."""
    trial = _TRIAL.search(damaged)
    return trial is None or int(trial[1]) == record["trial_id"] or int(trial[1]) >= begun


def _lost(folder: Path, replay: JournalStorageReplayResult) -> Iterator[Record]:
    distributions = {name: each for trial in replay._trials.values() for name, each in trial.distributions.items()}
    numbers = replay._study_id_to_trial_ids.get(0, [])
    last = {_folder_name(replay._trials[trial_id]): trial_id for trial_id in numbers}
    for trial_id in numbers:
        trial = replay._trials[trial_id]
        if SURPLUS in trial.user_attrs:
            continue
        if trial.state == TrialState.WAITING and OWNER in trial.user_attrs:  # taken out of the queue
            taken = {"state": int(TrialState.RUNNING), "values": None, "datetime_start": datetime.now(UTC).isoformat()}
            yield _record(Operation.SET_TRIAL_STATE_VALUES, trial_id, **taken)
        facts = read_facts(folder / _folder_name(trial))
        for name, distribution in distributions.items():
            value = None if name in trial.params else facts.value_of(name.partition("#")[0], distribution)
            if value is not None:
                internal = distribution.to_internal_repr(value)
                fields = {"param_name": name, "param_value_internal": internal}
                written = distribution_to_json(distribution)
                yield _record(Operation.SET_TRIAL_PARAM, trial_id, **fields, distribution=written)
        if last[_folder_name(trial)] == trial_id:
            yield from _lost_end(trial_id, trial, facts)


def _lost_end(trial_id: int, trial: FrozenTrial, facts: FolderFacts) -> Iterator[Record]:
    """Yield what a trial's folder says of its reports and its end."""
    if facts.state is None or facts.ended is None:
        return
    for step in sorted(facts.reports.keys() - trial.intermediate_values.keys()):
        report = {"step": step, "intermediate_value": facts.reports[step]}
        yield _record(Operation.SET_TRIAL_INTERMEDIATE_VALUE, trial_id, **report)
    attributes = {name: facts.result[name] for name in FROM_RESULT if facts.result.get(name)}
    if facts.state == TrialState.FAIL and not trial.values:
        attributes[REASON] = facts.reason or "unknown"
    for name in attributes.keys() - trial.user_attrs.keys():
        yield _record(Operation.SET_TRIAL_USER_ATTR, trial_id, user_attr={name: attributes[name]})
    if trial.state == TrialState.RUNNING:
        end = {"state": int(facts.state), "values": facts.values, "datetime_complete": facts.ended.isoformat()}
        yield _record(Operation.SET_TRIAL_STATE_VALUES, trial_id, **end)


def _folder_name(trial: FrozenTrial) -> str:
    first = trial.user_attrs.get(FIRST_ATTEMPT)
    return str(first if isinstance(first, int) and 0 <= first < trial.number else trial.number)  # never a path


def _record(operation: Operation, trial_id: int, **fields: object) -> Record:
    return {"op_code": int(operation), "worker_id": "", "trial_id": trial_id, **fields}
