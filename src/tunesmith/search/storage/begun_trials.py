"""Stand-ins for the records that began trials, made of what other records tell of the same trials and workers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from optuna.trial import TrialState

from tunesmith.search.attribute_names import (
    CONFIG,
    CRASHES,
    FIRST_ATTEMPT,
    OWNER,
    REASON,
    REQUEUED,
    RETRY_OF,
    STAGE,
    SURPLUS,
)
from tunesmith.search.storage.records import Operation, Record, begins_trial, trial_named
from tunesmith.search.storage.stand_ins import begun_trial, lost_trial, time_in

T = TypeVar("T")


def stand_in(records: Sequence[Record], place: int, trial_id: int, damaged: bytes) -> Record:
    """Return the record of a trial that later records tell of; one that was queued, or nobody tells of, is lost.

    records: of the journal, in which the record belongs before a place.
    """
    study_id = next((record["study_id"] for record in reversed(records[:place]) if begins_trial(record)), 0)
    told = [record for record in records[place:] if trial_named(record) == trial_id]
    if not told or "datetime_start" in told[0]:
        return lost_trial(study_id)
    near = (*records[place:], *records[:place])
    times = (record.get("datetime_start") or record.get("datetime_complete") for record in near)
    begun = begun_trial(study_id, time_in(damaged) or next(filter(None, times), None))
    has_drawn = any(record["op_code"] == Operation.SET_TRIAL_PARAM for record in told)
    retried = {} if has_drawn else _retry(records, place)  # the next ask begins the retry of a lost attempt
    attributes = {**_owner(near, told[0]["worker_id"]), **retried.pop("user_attrs", {})}
    return {**begun, **retried, "user_attrs": attributes}


def _owner(records: Sequence[Record], worker: str) -> dict[str, Any]:
    """Return the owner that a worker has written into its other trials, and the stage of the first of these."""
    attributes = (_attributes(record) for record in records if worker and record.get("worker_id") == worker)
    claimed: dict[str, Any] = next((each for each in attributes if OWNER in each), {})
    return {name: claimed[name] for name in (OWNER, STAGE) if name in claimed}


def _retry(records: Sequence[Record], place: int) -> dict[str, Any]:
    """Return what the retry of the first lost attempt begins with, if the attempt has no other; else nothing."""
    attempts: list[dict[str, Any]] = []
    for record in records[:place]:
        _apply(record, attempts)
    retried = {_attributes(record).get(RETRY_OF) for record in records}
    for number, lost in enumerate(attempts):
        attributes = lost["user_attrs"]
        is_lost = lost["state"] == TrialState.FAIL and not {REASON, SURPLUS} & attributes.keys()
        if is_lost and number not in retried:
            crashes = _as(int, attributes.get(CRASHES)) + (REQUEUED not in attributes)
            chain = {FIRST_ATTEMPT: attributes.get(FIRST_ATTEMPT, number), RETRY_OF: number, CRASHES: crashes}
            config = attributes.get(CONFIG) or _as(dict, attributes.get(OWNER)).get(CONFIG)
            kept = {name: lost[name] for name in ("params", "distributions", "intermediate_values")}
            stage = {STAGE: attributes[STAGE]} if STAGE in attributes else {}
            return {**kept, "user_attrs": {**chain, **({CONFIG: config} if config else {}), **stage}}
    return {}


def _apply(record: Record, attempts: list[dict[str, Any]]) -> None:
    """Replay a record as far as a retry takes it over, in the words of the journal."""
    if begins_trial(record):
        kinds = ("user_attrs", "params", "distributions", "intermediate_values")
        attempts.append({"state": record.get("state"), **{kind: {**record.get(kind, {})} for kind in kinds}})
    number = trial_named(record)
    if number is None or not 0 <= number < len(attempts):
        return
    attempt = attempts[number]
    match record["op_code"]:
        case Operation.SET_TRIAL_USER_ATTR:
            attempt["user_attrs"] |= record["user_attr"]
        case Operation.SET_TRIAL_STATE_VALUES:
            attempt["state"] = record["state"]
        case Operation.SET_TRIAL_PARAM:
            attempt["params"][record["param_name"]] = record["param_value_internal"]
            attempt["distributions"][record["param_name"]] = record["distribution"]
        case Operation.SET_TRIAL_INTERMEDIATE_VALUE:
            attempt["intermediate_values"][record["step"]] = record["intermediate_value"]


def _as(kind: type[T], value: object) -> T:
    """Return a value of a kind, an empty one for any other: anybody may have written it."""
    return value if isinstance(value, kind) else kind()


def _attributes(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a trial that a record sets."""
    return {**record.get("user_attrs", {}), **record.get("user_attr", {})}
