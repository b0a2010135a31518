"""Which trials of a study are points of the present space: the one place that decides what counts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from optuna.distributions import CategoricalDistribution
from optuna.trial import FrozenTrial, Trial, TrialState

from tunesmith.config.changes import ABSENT
from tunesmith.search.space.dimension import Dimension, Params
from tunesmith.search.space.space import Point, Space
from tunesmith.search.space.values import contains, is_same_param, position
from tunesmith.search.study.config_record import ConfigRecord, is_same_choice
from tunesmith.search.study.trial import Attempt

# The node of a config that says which data a run trains on.
_DATA = "data"
AnyTrial = FrozenTrial | Trial


class Unknown(Enum):
    """Stands for the value of a key that a trial has not drawn yet, or of which nothing was recorded."""

    UNKNOWN = "unknown"


UNKNOWN = Unknown.UNKNOWN


class Members:
    """Knows the value of each key in each trial, and so which trials are points of a space.

    A key that a trial did not vary has the value that the config had at the time; a key that varies no more has the
    value that the config has now. Trials without a record, of an earlier version, are judged by their params alone.
    Keys are given without + in front.
    """

    def __init__(
        self,
        space: Space,
        present: ConfigRecord | None = None,
        read_records: Callable[[], Mapping[str, ConfigRecord]] = dict,
    ) -> None:
        """present: what the trials of this command have in common; read_records: reads those of the study."""
        self.digest = None if present is None else present.digest
        self._present = present
        self._dimensions = tuple(space.dimensions.values())
        self._keys = {dimension.plain_key for dimension in self._dimensions}
        self._is_open = space.is_open
        self._read_records = read_records
        self._records: Mapping[str, ConfigRecord] = {} if present is None else {present.digest: present}

    def has(self, trial: AnyTrial) -> bool:
        """Whether a trial is a point of the space; one that has not drawn all its values may become one."""
        values = self._values(trial)
        active = self._active(values)
        if any(is_active and not self._contains(each, values) for each, is_active in active):
            return False
        varying = {each.plain_key for each, is_active in active if is_active is not False}
        return all(self._is_as_now(trial, key) for key in self._keys_fixed_now(trial) | (self._keys - varying))

    def point(self, trial: AnyTrial) -> Point | None:
        """Return the positions of a trial's values in a finite space; None if it is no point, or not yet."""
        point = tuple(self.positions(trial))
        active = [is_active for _, is_active in self._active(self._values(trial))]
        is_drawn = all(
            each is False or (each and position is not None) for each, position in zip(active, point, strict=True)
        )
        return point if is_drawn and self.has(trial) else None

    def positions(self, trial: AnyTrial) -> list[int | None]:
        """Return the positions of a trial's values in the dimensions of a finite space.

        None: the key is inactive, has no value yet, or one that it does not vary over.
        """
        values = self._values(trial)
        active = self._active(values)
        return [None if is_active is False else self._position(each, values) for each, is_active in active]

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
        active = (each for each, is_active in self._active(values) if is_active and each.plain_key == plain)
        return next((self._own(each, values) for each in active), UNKNOWN)

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
        return any(f"${{{key}}}" in node for node in nodes) or (len(nodes) > 1 and self._is_group(key))

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
        return (known | drawn) - self._keys

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
            any(each.plain_key == key and self._contains(each, {key: value}) for each in self._dimensions)
            for key, value in texts
        )

    def _values(self, trial: AnyTrial) -> dict[str, Any]:
        return {key: self.value(trial, key) for key in self._keys}

    def _active(self, values: Params) -> list[tuple[Dimension, bool | None]]:
        """Return whether each dimension is active in a trial, None as long as a value is missing that decides it."""
        found: list[tuple[Dimension, bool | None]] = []
        for dimension in self._dimensions:
            others = {key: self._decided(key, found, values) for key in dimension.when}
            known = {key: value for key, value in others.items() if value is not UNKNOWN}
            is_open = len(known) < len(others) and not dimension.is_ruled_out(known)
            found.append((dimension, None if is_open else dimension.is_active(known)))
        return found

    def _decided(self, key: str, found: list[tuple[Dimension, bool | None]], values: Params) -> Any:
        """Return the value of a key that conditions name: ABSENT if the key is inactive, or UNKNOWN."""
        variants = [(each, is_active) for each, is_active in found if each.plain_key == key]
        if all(is_active is False for _, is_active in variants):
            return ABSENT
        return next((self._own(each, values) for each, is_active in variants if is_active), UNKNOWN)

    def _own(self, dimension: Dimension, values: Params) -> Any:
        """Return a value as its dimension has it; UNKNOWN for one that is not drawn yet, or that is no choice."""
        value = values[dimension.plain_key]
        if value is UNKNOWN or not isinstance(dimension.distribution, CategoricalDistribution):
            return value
        index = self._position(dimension, values)
        return UNKNOWN if index is None else dimension.distribution.choices[index]

    def _contains(self, dimension: Dimension, values: Params) -> bool:
        """Whether a key varies over the value that it has; one that is not drawn yet may become one."""
        value = values[dimension.plain_key]
        if value is UNKNOWN:
            return True
        is_group = self._is_group(dimension.plain_key)
        return self._position(dimension, values) is not None if is_group else contains(dimension, value)

    def _position(self, dimension: Dimension, values: Params) -> int | None:
        value = values[dimension.plain_key]
        if not self._is_group(dimension.plain_key):
            return position(dimension, value)
        option = None if value is None else str(value)
        return next((index for index, each in enumerate(dimension.extremes()) if is_same_choice(each, option)), None)

    def _is_group(self, key: str) -> bool:
        return self._present is not None and key in self._present.bases[0].choices


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
