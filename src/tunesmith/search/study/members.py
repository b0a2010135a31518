"""Which trials of a study are points of the present space: the one place that decides what counts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from optuna.trial import FrozenTrial, Trial, TrialState

from tunesmith.config.changes import ABSENT
from tunesmith.search.space.dimension import Dimension, Params
from tunesmith.search.space.space import Point
from tunesmith.search.space.values import is_same_param
from tunesmith.search.study.config_record import ConfigRecord, is_same_choice
from tunesmith.search.study.fit import UNKNOWN, Fit
from tunesmith.search.study.same_config import is_same_fixed
from tunesmith.search.study.scope import Scope
from tunesmith.search.study.trial import Attempt

# The node of a config that says which data a run trains on.
_DATA = "data"
AnyTrial = FrozenTrial | Trial


class Members:
    """Knows the value of each key in each trial, and so which trials are points of a space.

    A key that a trial did not vary has the value that the config had at the time; a key that varies no more has the
    value that the config has now. Trials without a record, of an earlier version, are judged by their params alone.
    Keys are given without + in front.
    """

    def __init__(
        self,
        scope: Scope,
        present: ConfigRecord | None = None,
        read_records: Callable[[], Mapping[str, ConfigRecord]] = dict,
    ) -> None:
        """scope: the first dimensions of its bounds vary; present: what the trials of this command have in common.

        read_records: reads the records of the study.
        """
        self.digest = None if present is None else present.digest
        self._present = present
        self._dimensions = tuple(scope.bounds.values())
        self._num_varied = len(scope.space.dimensions)
        self._widest = tuple(scope.recorded.values())
        self._keys = {dimension.plain_key for dimension in (*self._dimensions, *self._widest)}
        self._bound_keys = {dimension.plain_key for dimension in self._dimensions}
        self._is_open = scope.space.is_open
        self._like_now: dict[str, bool] = {}
        self._fit = Fit(() if present is None else present.bases[0].choices)
        self._read_records = read_records
        self._records: Mapping[str, ConfigRecord] = {} if present is None else {present.digest: present}

    def has(self, trial: AnyTrial) -> bool:
        """Whether a trial is a point of the space; one that has not drawn all its values may become one."""
        values = self._values(trial)
        active = self._fit.active(self._dimensions, values)
        if any(is_active and not self._fit.contains(each, values) for each, is_active in active):
            return False
        varying = {each.plain_key for each, is_active in active if is_active is not False}
        return all(self._is_as_now(trial, key) for key in self._keys_fixed_now(trial) | (self._bound_keys - varying))

    def is_fixed_as_now(self, trial: AnyTrial) -> bool:
        """Whether a trial, of whatever stage, ran with the present configuration but for the keys that vary."""
        record = self._record_of(trial)
        if record is None or self._present is None or record.digest == self.digest:
            return True
        if record.digest not in self._like_now:
            varied = {key for each in (*self._records.values(), self._present) for key in each.swept}
            is_like = record.stage == self._present.stage or is_same_fixed(record, self._present, varied)
            self._like_now[record.digest] = is_like
        return self._like_now[record.digest]

    def point(self, trial: AnyTrial) -> Point | None:
        """Return the positions of a trial's values in a finite space; None if it is no point, or not yet."""
        point = tuple(self.positions(trial))
        active = [
            is_active for _, is_active in self._fit.active(self._dimensions, self._values(trial))[: self._num_varied]
        ]
        is_drawn = all(
            each is False or (each and position is not None) for each, position in zip(active, point, strict=True)
        )
        return point if is_drawn and self.has(trial) else None

    def positions(self, trial: AnyTrial) -> list[int | None]:
        """Return the positions of a trial's values in the varying dimensions of a finite space.

        None: the key is inactive, has no value yet, or one that it does not vary over.
        """
        values = self._values(trial)
        active = self._fit.active(self._dimensions[: self._num_varied], values)
        return [None if is_active is False else self._fit.position(each, values) for each, is_active in active]

    def place(self, params: Params) -> Point | None:
        """Return the positions of values in a finite space, None if they are no point of it."""
        plain = {key.lstrip("+"): value for key, value in params.items()}
        values = {key: plain.get(key, UNKNOWN) for key in self._keys}
        point: list[int | None] = []
        for dimension in self._dimensions[: self._num_varied]:
            index = self._fit.position(dimension, values) if dimension.is_active(plain) else None
            if index is None and dimension.is_active(plain):
                return None
            point.append(index)
        return tuple(point)

    def filled(self, point: Params) -> dict[str, Any]:
        """Return a point with the config's values of the varying keys that it leaves out, as far as they are recorded.

        A key of the point keeps its value even if its condition is one that the config decides.
        """
        given = {key.lstrip("+"): value for key, value in point.items()}
        filled: dict[str, Any] = {}
        for index, dimension in enumerate(self._widest):
            key = dimension.plain_key
            is_varied = index < self._num_varied
            if dimension.key in filled or not (dimension.is_active(filled) and (key in given or is_varied)):
                continue
            value = given[key] if key in given else self._of_config(key, given)
            own = self._fit.own(dimension, {key: value}) if self._is_within(dimension, value) else UNKNOWN
            filled |= {} if own is UNKNOWN else {dimension.key: own}
        return filled

    def _of_config(self, key: str, params: Params) -> Any:
        """Return the value that the present config gives a key beside other values."""
        return UNKNOWN if self._present is None else self._present.base_of(params).value(key, params)

    def _is_within(self, dimension: Dimension, value: Any) -> bool:
        return (
            value is not UNKNOWN and value is not ABSENT and self._fit.contains(dimension, {dimension.plain_key: value})
        )

    def value(self, trial: AnyTrial, key: str) -> Any:
        """Return the value of a key in a trial: drawn, or that of the config of the time; ABSENT, or UNKNOWN."""
        params = plain_params(trial)
        if key in params:
            return params[key]
        record = self._record_of(trial)
        if record is None or (key in record.swept and not _has_left_out(trial, key, record)):
            return UNKNOWN
        return record.base_of(params).value(key, params, self._are_own(params))

    def kept(self, trial: AnyTrial, key: str) -> Any:
        """Return the value that a trial of the space has for a swept key, as the key's dimension has it, or UNKNOWN."""
        plain, values = key.lstrip("+"), self._values(trial)
        active = (
            each for each, is_active in self._fit.active(self._widest, values) if is_active and each.plain_key == plain
        )
        return next((self._fit.own(each, values) for each in active), UNKNOWN)

    def data_keys(self, trial: AnyTrial) -> list[str]:
        """Return the keys that choose the data of a trial, of those that vary in it or elsewhere in the study."""
        self._record_of(trial)
        varied = {key for record in self._records.values() for key in record.swept} | plain_params(trial).keys()
        return [key for key in sorted(varied) if self._chooses_data(key)]

    def _chooses_data(self, key: str) -> bool:
        """Whether other values of a key make other data: by its name, an interpolation, or as a group's choice."""
        if key == _DATA or key.startswith((f"{_DATA}.", f"{_DATA}/", f"{_DATA}@")):
            return True
        bases = [base for record in self._records.values() for base in record.bases]
        nodes = {json.dumps(base.config.get(_DATA), sort_keys=True) for base in bases}
        return any(f"${{{key}}}" in node for node in nodes) or (len(nodes) > 1 and self._fit.is_group(key))

    def _record_of(self, trial: AnyTrial) -> ConfigRecord | None:
        digest = Attempt(trial).config_digest
        return None if digest is None else self._known_records(digest).get(digest)

    def _known_records(self, digest: str) -> Mapping[str, ConfigRecord]:
        """Return the study's records, read again if one with this digest is not known yet."""
        if digest not in self._records:
            self._records = {**self._read_records(), **self._records}
        return self._records

    def _keys_fixed_now(self, trial: AnyTrial) -> set[str]:
        """Return the keys that vary in the study and not in the space; a user's function may suggest what it likes."""
        record = self._record_of(trial)
        known = {key for each in self._records.values() for key in each.swept} if record is not None else set()
        drawn = set() if self._is_open else plain_params(trial).keys()
        return (known | drawn) - self._bound_keys

    def _is_as_now(self, trial: AnyTrial, key: str) -> bool:
        """Whether the value of a key in a trial is the one that the key has in the present config."""
        value = self.value(trial, key)
        if self._present is None or value is UNKNOWN:
            return True
        params = plain_params(trial)
        base = self._present.base_of(params)
        now = base.value(key, params, self._are_own(params))
        if key in base.choices:
            return is_same_choice(value, now)
        return now is value if now is ABSENT or value is ABSENT else is_same_param(value, now)

    def _are_own(self, params: Mapping[str, Any]) -> bool:
        """Whether each text among a trial's values is one of the space: a resolver may do anything with another one."""
        texts = [(key, value) for key, value in params.items() if isinstance(value, str)]
        return all(
            any(each.plain_key == key and self._fit.contains(each, {key: value}) for each in self._widest)
            for key, value in texts
        )

    def _values(self, trial: AnyTrial) -> dict[str, Any]:
        return {key: self.value(trial, key) for key in self._keys}


def _has_left_out(trial: AnyTrial, key: str, record: ConfigRecord) -> bool:
    """Whether a conditional key was inactive in a trial: it has ended by itself without a value for it."""
    return (
        key in record.conditional
        and isinstance(trial, FrozenTrial)
        and trial.state in (TrialState.COMPLETE, TrialState.PRUNED)
    )


def plain_params(trial: AnyTrial) -> dict[str, Any]:
    """Return what a trial has drawn, by keys without + in front."""
    return {key.lstrip("+"): value for key, value in Attempt(trial).params.items()}
