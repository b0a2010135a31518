"""What a table's columns were besides inputs, so that new rows are read as the table was: preparation.json holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

# How dates may be written, and features that they become: see sources/dates.py.
DATE_ORDERS = ("iso", "any", "day", "month")
DATE_FEATURES = ("year", "month", "weekday", "hour", "elapsed")


@dataclass(frozen=True)
class DateColumn:
    """order: how the dates are written; features: which they became; first: the table's first date, as ISO 8601."""

    order: str
    features: tuple[str, ...]
    first: str


@dataclass(frozen=True)
class TableColumns:
    """targets: names of the target's columns; left_out: of the others that are no input; dates: by their names."""

    targets: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    dates: Mapping[str, DateColumn] = field(default_factory=dict)

    def features(self) -> dict[str, tuple[str, str]]:
        """Return the inputs that dates became: name -> column and feature."""
        return {
            f"{name}.{feature}": (name, feature) for name, column in self.dates.items() for feature in column.features
        }

    def to_plain(self) -> dict[str, Any]:
        dates = {
            name: {"order": column.order, "features": list(column.features), "first": column.first}
            for name, column in self.dates.items()
        }
        return {"targets": list(self.targets), "left_out": list(self.left_out), "dates": dates}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> TableColumns:
        """Return what to_plain has written; raises KeyError, TypeError or ValueError if it has not."""
        dates = {str(name): _read_date_column(column) for name, column in plain["dates"].items()}
        return cls(tuple(map(str, plain["targets"])), tuple(map(str, plain["left_out"])), dates)


def _read_date_column(plain: Mapping[str, Any]) -> DateColumn:
    order, features, first = plain["order"], tuple(plain["features"]), str(plain["first"])
    if order not in DATE_ORDERS or not set(features) <= set(DATE_FEATURES):
        raise ValueError("it must have dates of a known order and known features")
    datetime.fromisoformat(first)
    return DateColumn(order, features, first)
