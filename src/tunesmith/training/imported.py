"""Classes of packages that may not be imported: an object can only be of a class that somebody has imported."""

from __future__ import annotations

import sys


def is_of(value: object, path: str) -> bool:
    """Whether an object is of a class that a package exports, without importing the package."""
    module, _, name = path.rpartition(".")
    return module in sys.modules and isinstance(value, getattr(sys.modules[module], name, ()))
