"""The records of Optuna's journal: which fields each has, and how one is written as a line."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from optuna.storages.journal._storage import JournalOperation
from optuna.trial import TrialState

Record = dict[str, Any]
Operation = JournalOperation

# A record of which nobody can tell what it said; Optuna skips it, as it does one of trials that another program drops.
NOTHING: Record = {"op_code": int(Operation.DISCARD_TRIALS)}
_NUMBER = (int, float)
_TEXT_OR_NONE = (str, type(None))
# Operation -> field -> types. `type(x) in types`, as True is no number here.
_FIELDS: dict[int, tuple[tuple[str, tuple[type, ...]], ...]] = {
    Operation.CREATE_STUDY: (("study_name", (str,)), ("directions", (list,))),
    Operation.DELETE_STUDY: (("study_id", (int,)),),
    Operation.SET_STUDY_USER_ATTR: (("study_id", (int,)), ("user_attr", (dict,))),
    Operation.SET_STUDY_SYSTEM_ATTR: (("study_id", (int,)), ("system_attr", (dict,))),
    Operation.CREATE_TRIAL: (("study_id", (int,)), ("datetime_start", _TEXT_OR_NONE)),
    Operation.SET_TRIAL_PARAM: (
        *(("trial_id", (int,)), ("param_name", (str,))),
        *(("param_value_internal", _NUMBER), ("distribution", (str,))),
    ),
    Operation.SET_TRIAL_STATE_VALUES: (("trial_id", (int,)), ("state", (int,)), ("values", (list, type(None)))),
    Operation.SET_TRIAL_INTERMEDIATE_VALUE: (("trial_id", (int,)), ("step", (int,)), ("intermediate_value", _NUMBER)),
    Operation.SET_TRIAL_USER_ATTR: (("trial_id", (int,)), ("user_attr", (dict,))),
    Operation.SET_TRIAL_SYSTEM_ATTR: (("trial_id", (int,)), ("system_attr", (dict,))),
}
# Fields that a trial has from its beginning if it was not asked for, but queued or added.
_OF_TEMPLATE: tuple[tuple[str, type], ...] = (
    *(("params", dict), ("distributions", dict), ("user_attrs", dict)),
    *(("system_attrs", dict), ("intermediate_values", dict)),
)
_ENDED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


def is_sound(record: object) -> bool:
    """Whether a line's content is a record that Optuna can have written; it may still name what is not there."""
    if type(record) is not dict or type(record.get("op_code")) is not int:
        return False
    operation = record["op_code"]
    if operation == Operation.DISCARD_TRIALS:
        return True
    if operation not in _FIELDS or type(record.get("worker_id")) is not str:
        return False
    for name, types in _FIELDS[operation]:
        if name not in record or type(record[name]) not in types:
            return False
    further = _FURTHER.get(operation)
    return further is None or further(record)


def _is_sound_state(record: Record) -> bool:
    """A COMPLETE trial has values and a time of its end; one damaged digit may say that it runs or has failed."""
    state, values = record["state"], record["values"]
    if values is not None and not (values and all(type(value) in _NUMBER for value in values)):
        return False
    has_times = "datetime_complete" in record, "datetime_start" in record
    if has_times != (state in _ENDED, state == TrialState.RUNNING):
        return False
    return bool(state == TrialState.PRUNED or (values is not None) == (state == TrialState.COMPLETE))


def _is_sound_trial(record: Record) -> bool:
    """A trial that is added as COMPLETE has one value, or several for several directions."""
    values = record.get("values") or [record.get("value")]
    if record.get("state") == TrialState.COMPLETE and not all(type(value) in _NUMBER for value in values):
        return False
    return all(isinstance(record.get(name, kind()), kind) for name, kind in _OF_TEMPLATE)


_FURTHER: dict[int, Callable[[Record], bool]] = {
    Operation.CREATE_TRIAL: _is_sound_trial,
    Operation.SET_TRIAL_STATE_VALUES: _is_sound_state,
    # What has further fields is another record with one damaged digit.
    Operation.DELETE_STUDY: lambda record: record.keys() <= {"op_code", "worker_id", "study_id"},
}


def is_asked(record: Record | None) -> bool:
    """Whether a record begins a trial that its worker runs, instead of queueing or adding one."""
    return record is not None and begins_trial(record) and record.get("state", TrialState.RUNNING) == TrialState.RUNNING


def begins_trial(record: Record | None) -> bool:
    return record is not None and record["op_code"] == Operation.CREATE_TRIAL


def trial_named(record: Record | None) -> int | None:
    """Return the id of the trial that a record is about; a trial's first record does not say its own."""
    return None if record is None else record.get("trial_id")


def to_line(record: Mapping[str, Any]) -> bytes:
    """Return the line that Optuna writes for a record."""
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


def read_line(line: bytes) -> Record | None:
    """Return the record of a line, None if it is none."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if is_sound(record) else None
