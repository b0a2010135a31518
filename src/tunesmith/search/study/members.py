"""Which trials of a study are points of the present space: the one place that decides what counts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from optuna.distributions import CategoricalDistribution
from optuna.trial import FrozenTrial, Trial

from tunesmith.config.changes import ABSENT
from tunesmith.search.space.space import Dimension, Params
from tunesmith.search.space.values import contains, is_same_param, position
from tunesmith.search.study.config_record import ConfigRecord, is_same_choice
from tunesmith.search.study.same_config import is_same_fixed
from tunesmith.search.study.scope import Scope
from tunesmith.search.study.trial import Attempt

Point = tuple[int, ...]
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
        scope: Scope,
        present: ConfigRecord | None = None,
        read_records: Callable[[], Mapping[str, ConfigRecord]] = dict,
    ) -> None:
        """present: what the trials of this command have in common; read_records: reads those of the study."""
        self.digest = None if present is None else present.digest
        self._present = present
        self._scope = scope
        self._dimensions = {key.lstrip("+"): dimension for key, dimension in scope.bounds.items()}
        self._whole = {key.lstrip("+"): dimension for key, dimension in scope.recorded.items()}
        self._varied = [key.lstrip("+") for key in scope.space.dimensions]
        self._is_open = scope.space.is_open
        self._like_now: dict[str, bool] = {}
        self._read_records = read_records
        self._records: Mapping[str, ConfigRecord] = {} if present is None else {present.digest: present}

    def has(self, trial: AnyTrial) -> bool:
        """Whether a trial is a point of the space; one that has not drawn all its values may become one."""
        values = {key: self.value(trial, key) for key in self._dimensions}
        if any(value is not UNKNOWN and not self._contains(key, value) for key, value in values.items()):
            return False
        return all(self._is_as_now(trial, key) for key in self._keys_fixed_now(trial))

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
        point = _complete(self.positions(trial))
        return point if point is not None and self.has(trial) else None

    def positions(self, trial: AnyTrial) -> list[int | None]:
        """Return the positions of a trial's values in the dimensions of a finite space, None for each other value."""
        return [self._position(key, self.value(trial, key)) for key in self._varied]

    def place(self, values: Params) -> Point | None:
        """Return the positions of values in a finite space, None if they are no point of it."""
        plain = {key.lstrip("+"): value for key, value in values.items()}
        return _complete([self._position(key, plain.get(key, UNKNOWN)) for key in self._varied])

    def filled(self, point: Params) -> dict[str, Any]:
        """Return a point with the config's values of the keys that it leaves out, as far as they can be recorded."""
        given = {key.lstrip("+"): value for key, value in point.items()}
        filled: dict[str, Any] = {}
        for key in self._scope.recorded:
            plain = key.lstrip("+")
            if plain in given or key in self._scope.space.dimensions:
                value = self._as_recorded(plain, given[plain] if plain in given else self._of_config(plain, given))
                filled |= {} if value is UNKNOWN else {key: value}
        return filled

    def _of_config(self, key: str, params: Params) -> Any:
        """Return the value that the present config gives a key beside other values."""
        return UNKNOWN if self._present is None else self._present.base_of(params).value(key, params)

    def value(self, trial: AnyTrial, key: str) -> Any:
        """Return the value of a key in a trial: drawn, or that of the config of the time; ABSENT, or UNKNOWN."""
        params = plain_params(trial)
        if key in params:
            return params[key]
        record = self._record_of(trial)
        if record is None or key in record.swept:
            return UNKNOWN
        return record.base_of(params).value(key, params, self._are_own(params))

    def kept(self, trial: AnyTrial, key: str) -> Any:
        """Return the value that a trial of the space has for a swept key, as the key's dimension has it, or UNKNOWN."""
        value = self.value(trial, key.lstrip("+"))
        distribution = self._whole[key.lstrip("+")].distribution
        return self._as_recorded(key.lstrip("+"), value) if isinstance(distribution, CategoricalDistribution) else value

    def _as_recorded(self, key: str, value: Any) -> Any:
        """Return a value as a key's widest dimension has it, UNKNOWN if it does not have it."""
        dimension = self._whole[key]
        index = None if value is UNKNOWN else self._position_in(dimension, key, value)
        if isinstance(dimension.distribution, CategoricalDistribution):
            return UNKNOWN if index is None else dimension.distribution.choices[index]
        return value if value is not UNKNOWN and contains(dimension, value) else UNKNOWN

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
        return (known | drawn) - self._dimensions.keys()

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
        return all(key in self._dimensions and self._contains(key, value) for key, value in texts)

    def _contains(self, key: str, value: Any) -> bool:
        dimension = self._dimensions[key]
        return self._position(key, value) is not None if self._is_group(key) else contains(dimension, value)

    def _position(self, key: str, value: Any) -> int | None:
        return self._position_in(self._dimensions[key], key, value)

    def _position_in(self, dimension: Dimension, key: str, value: Any) -> int | None:
        if not self._is_group(key):
            return position(dimension, value)
        option = None if value is None else str(value)
        return next((index for index, each in enumerate(dimension.extremes()) if is_same_choice(each, option)), None)

    def _is_group(self, key: str) -> bool:
        return self._present is not None and key in self._present.bases[0].choices


def _complete(found: list[int | None]) -> Point | None:
    point = tuple(each for each in found if each is not None)
    return point if len(point) == len(found) else None


def plain_params(trial: AnyTrial) -> dict[str, Any]:
    """Return what a trial has drawn, by keys without + in front."""
    return {key.lstrip("+"): value for key, value in Attempt(trial).params.items()}
