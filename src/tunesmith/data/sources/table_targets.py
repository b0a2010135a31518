"""A table's target columns -> targets, and what they are: classes, a number, several numbers, or several labels."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from tunesmith.data.arrays import Values, narrow
from tunesmith.data.sources.cells import CellFormat
from tunesmith.data.sources.npz import MAX_CLASSES
from tunesmith.data.sources.number_signs import check_texts, override, stray_signs
from tunesmith.data.sources.table_inputs import to_numbers
from tunesmith.errors import UserError, list_names

log = logging.getLogger(__name__)


def check_target(column: Any, task: str, form: CellFormat) -> None:
    """Raise UserError if a target's texts are numbers with a stray text, or classes with a stray sign, such as ?."""
    from pandas.api.types import is_numeric_dtype

    if is_numeric_dtype(column):
        return
    if task != "classification":
        check_texts(column, form, *(["data.task=classification makes a class of each"] if task == "auto" else []))
    signs = stray_signs(column)
    if signs:
        raise UserError(
            f"data.target: column {column.name} has {list_names(map(repr, signs))} in {column.isin(signs).sum()} of "
            f"{column.notna().sum()} rows, which is no class; {override('na_values', signs)} leaves these rows out"
        )


def read_target(column: Any, task: str) -> tuple[Values, tuple[str, ...]]:
    """Return the targets of a column, (rows,), and the names of the classes, none for regression."""
    is_number = _is_number(column)
    different = column.unique()
    if task == "regression" and not is_number:
        raise UserError(f"data.task=regression needs numbers in {column.name}; got '{column.iloc[0]}'")
    if len(different) == 1:
        kind = "value" if is_number else "class"
        raise UserError(
            f"data.target must have something to predict; got {column.name}, whose only {kind} is {different[0]}"
        )
    whole = is_number and bool((column % 1 == 0).all())
    has_classes = task == "classification" or not is_number or (whole and len(different) <= MAX_CLASSES)
    if task == "auto":
        kind, number = ("classification", "classes") if has_classes else ("regression", "different values")
        log.warning("data: %s has %d %s: %s (data.task sets it otherwise)", column.name, len(different), number, kind)
    if not has_classes or task == "regression":
        return narrow(to_numbers(column)), ()
    codes, names = column.factorize(sort=True)
    return codes.astype(np.int64), tuple(_class_name(name) for name in names)


def read_targets(frame: Any, task: str) -> Values:
    """Return the targets of several columns, (rows, columns): numbers, or labels that are 0 or 1; or of no column."""
    from pandas.api.types import is_numeric_dtype

    if task == "classification" and len(frame.columns):
        raise UserError(f"data.task=classification needs one column in data.target; got {', '.join(frame.columns)}")
    frame = frame.infer_objects()  # truth values with gaps are objects, also once the rows with gaps are left out
    for name in frame.columns:
        if not is_numeric_dtype(frame[name]):
            raise UserError(
                f"data.target must be one column, or columns of numbers or truth values; got {name} with "
                f"'{frame[name].iloc[0]}'"
            )
    targets = [to_numbers(frame[name]) for name in frame.columns]
    return narrow(np.stack(targets, axis=1)) if targets else np.zeros((len(frame), 0), np.float32)


def _is_number(column: Any) -> bool:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    return bool(is_numeric_dtype(column) and not is_bool_dtype(column))


def _class_name(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
