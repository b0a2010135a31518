"""Whether an object is of a class, without importing the class."""

from __future__ import annotations

import sys
from collections import OrderedDict

from tunesmith.training.imported import is_of


def test_an_object_of_an_imported_class_or_of_a_subclass_is_known() -> None:
    assert is_of(OrderedDict(), "collections.OrderedDict")
    assert is_of(type("Own", (OrderedDict,), {})(), "collections.OrderedDict")
    assert not is_of({}, "collections.OrderedDict")


def test_nothing_is_of_a_class_that_is_not_there() -> None:
    assert not is_of({}, "collections.Gone")


def test_nothing_is_imported() -> None:
    assert not is_of({}, "xmlrpc.client.DateTime")
    assert "xmlrpc.client" not in sys.modules
