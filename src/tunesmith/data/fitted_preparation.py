"""What a run does to its data before a model sees them, by names instead of codes: preparation.json holds it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunesmith.data.arrays import Arrays, Values
from tunesmith.data.mapped import Mapped
from tunesmith.data.preparation import Preparation
from tunesmith.data.scaling import Scaling
from tunesmith.data.table_columns import TableColumns
from tunesmith.errors import UserError, list_names

# Of what to_plain returns. Version 1 lacks what only new rows need: target_shape, tokens, table. Others are refused.
VERSION, OLDER = 2, 1


@dataclass(frozen=True)
class FittedPreparation:
    """Fitted on the training part, applied to any load of the same data, or to new rows with the same columns.

    input_shape: of one sample, as it is loaded; columns, classes: names, as in Arrays.
    categories: column -> names of the categories that the training part has; each becomes a column.
    fills: of each feature, what stands for a missing value: a number, the name of a category, or None if nothing does;
        None: no value is ever missing.
    scaling: of the features that are numbers; None: they stay as they are.
    target = target_scale * training target + target_mean.
    target_shape: of one target as it is loaded, (0,) if inputs are their own targets; None: version 1 does not say.
    is_tokens: whether inputs are token ids; table: see Arrays.
    """

    input_shape: tuple[int, ...]
    columns: tuple[str, ...]
    categories: Mapping[int, tuple[str, ...]]
    fills: tuple[float | str | None, ...] | None
    scaling: Scaling | None
    classes: tuple[str, ...]
    target_mean: float
    target_scale: float
    target_shape: tuple[int, ...] | None = None
    is_tokens: bool = False
    table: TableColumns | None = None

    @classmethod
    def of(cls, arrays: Arrays, inputs: Preparation, target_mean: float, target_scale: float) -> FittedPreparation:
        """Name what was fitted on arrays."""
        names = {column: _names(codes, arrays.categories[column]) for column, codes in inputs.categories.items()}
        fills = None if inputs.fills is None else tuple(inputs.fills.tolist())
        if fills is not None:
            fills = tuple(_name(fill, arrays.categories.get(column)) for column, fill in enumerate(fills))
        shape, columns = tuple(arrays.inputs.shape[1:]), tuple(arrays.columns)
        scaled = inputs.scaling, arrays.class_names, float(target_mean), float(target_scale)
        is_tokens = arrays.inputs.dtype == np.int64
        return cls(shape, columns, names, fills, *scaled, arrays.target_shape, is_tokens, arrays.table)

    def apply(self, arrays: Arrays) -> Values | Mapped:
        """Return all inputs, prepared; those that stay in their file are prepared as they are read.

        Raises:
            UserError: the arrays have other columns, kinds, shapes or classes than those that this was fitted on.
        """
        self._check(arrays)
        return self._by_codes(arrays).apply(arrays.inputs)

    @property
    def prepared_shape(self) -> tuple[int, ...]:
        """Shape of one sample as a model gets it: each category of a table is a column."""
        if not self.categories:
            return self.input_shape
        return (self.input_shape[0] - len(self.categories) + sum(map(len, self.categories.values())),)

    def to_plain(self) -> dict[str, Any]:
        """Return numbers, texts, lists and dicts; from_plain makes the same preparation of them again."""
        kinds = ["category" if column in self.categories else "number" for column in range(len(self.columns))]
        return {
            "version": VERSION,
            "input_shape": list(self.input_shape),
            "columns": list(self.columns),
            "kinds": kinds,
            "categories": {str(column): list(names) for column, names in self.categories.items()},
            "fills": None if self.fills is None else list(self.fills),
            "offset": None if self.scaling is None else self.scaling.offset.tolist(),
            "scale": None if self.scaling is None else self.scaling.scale.tolist(),
            "classes": list(self.classes),
            "target_mean": self.target_mean,
            "target_scale": self.target_scale,
            "target_shape": None if self.target_shape is None else list(self.target_shape),
            "tokens": self.is_tokens,
            "table": None if self.table is None else self.table.to_plain(),
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> FittedPreparation:
        """Return the preparation that to_plain has written.

        Raises:
            KeyError, TypeError, ValueError: it has not.
        """
        _require(plain["version"] in (OLDER, VERSION), f"version {plain['version']}, where this one reads {VERSION}")
        shape = tuple(map(int, plain["input_shape"]))
        num_features = math.prod(shape)
        categories = {int(column): tuple(map(str, names)) for column, names in plain["categories"].items()}
        kinds = ["category" if column in categories else "number" for column in range(len(plain["columns"]))]
        _require(len(plain["columns"]) in (0, shape[0]), "a name for each column")
        _require(plain["kinds"] == kinds, "a kind for each column")
        _require(all(0 <= column < num_features for column in categories), "categories of its columns")
        fills = plain["fills"]
        if fills is not None:
            _require(len(fills) == num_features, "a fill for each feature")
            fills = tuple(_read_fill(fill, column in categories) for column, fill in enumerate(fills))
        scaling = None if plain["scale"] is None else _read_scaling(plain, num_features - len(categories))
        mean, scale = _number(plain["target_mean"]), _number(plain["target_scale"])
        _require(scale > 0, "a target_scale above 0")
        columns, classes = tuple(map(str, plain["columns"])), tuple(map(str, plain["classes"]))
        more = () if plain["version"] == OLDER else _read_more(plain)
        return cls(shape, columns, categories, fills, scaling, classes, mean, scale, *more)

    def _check(self, arrays: Arrays) -> None:
        shape = tuple(arrays.inputs.shape[1:])
        for what, mine, others in (
            ("columns", self.columns, arrays.columns),
            ("columns of text", self._of_text(self.categories), self._of_text(arrays.categories)),
            ("classes", self.classes, arrays.class_names),
            ("samples of shape", self.input_shape, shape),
        ):
            if tuple(mine) != tuple(others):
                theirs, ours = (list_names(map(str, each)) if each else "none" for each in (others, mine))
                raise UserError(f"preparation.json must be that of these data, {what} {theirs}; got {ours}")

    def _of_text(self, categories: Mapping[int, Any]) -> list[str]:
        return [self.columns[column] if self.columns else str(column) for column in sorted(categories)]

    def _by_codes(self, arrays: Arrays) -> Preparation:
        """Return the preparation for the codes that arrays have for their categories."""
        codes = {column: _codes(names, arrays.categories[column]) for column, names in self.categories.items()}
        if self.fills is None:
            return Preparation(None, codes, self.scaling)
        fills = [_code(fill, arrays.categories.get(column)) for column, fill in enumerate(self.fills)]
        return Preparation(np.array(fills, np.float64), codes, self.scaling)


# Code of a category that arrays do not have.
NO_CODE = -1


def _names(codes: Sequence[int], names: Sequence[str]) -> tuple[str, ...]:
    return tuple(names[code] for code in codes)


def _codes(names: Sequence[str], known: Sequence[str]) -> tuple[int, ...]:
    return tuple(known.index(name) if name in known else NO_CODE for name in names)


def _name(fill: float, known: Sequence[str] | None) -> float | str | None:
    if math.isnan(fill):
        return None
    if known is None:
        return fill
    return known[int(fill)] if 0 <= fill < len(known) else None


def _code(fill: float | str | None, known: Sequence[str] | None) -> float:
    if isinstance(fill, float):
        return fill
    if known is None or fill is None:
        return math.nan
    return known.index(fill) if fill in known else NO_CODE


def _read_fill(fill: Any, is_category: bool) -> float | str | None:
    if fill is None:
        return None
    if not is_category:
        return _number(fill)
    _require(isinstance(fill, str), "a category as the fill of a column of text")
    return str(fill)


def _read_scaling(plain: Mapping[str, Any], num_numbers: int) -> Scaling:
    offset, scale = (np.array(plain[name], np.float64) for name in ("offset", "scale"))
    _require(offset.shape == scale.shape and offset.shape in ((), (num_numbers,)), "offset and scale of each number")
    _require(bool(np.isfinite([offset, scale]).all() and (scale > 0).all()), "finite offsets, and scales above 0")
    return Scaling(offset, scale)


def _read_more(plain: Mapping[str, Any]) -> tuple[tuple[int, ...] | None, bool, TableColumns | None]:
    """Return what version 1 lacks."""
    shape, table = plain["target_shape"], plain["table"]
    _require(isinstance(plain["tokens"], bool), "tokens that are true or false")
    _require(all(size >= 0 for size in shape or ()), "sizes of a target")
    read = None if table is None else TableColumns.from_plain(table)
    _require(read is None or set(read.features()) <= set(plain["columns"]), "a column for each feature of dates")
    return None if shape is None else tuple(map(int, shape)), plain["tokens"], read


def _number(value: Any) -> float:
    _require(isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value), "finite numbers")
    return float(value)


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(f"it must have {what}")
