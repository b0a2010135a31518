"""Reads the state that CMA-ES keeps in a study: Optuna unpickles it, and whoever may write to the study may pickle.

A pickle names what is called to read it. Here no more than arrays and the optimizers themselves can be named.
"""

from __future__ import annotations

import io
import pickle
from typing import Any

from optuna.samplers import _cmaes

_OPTIMIZERS = {("cmaes._cma", "CMA"), ("cmaes._sepcma", "SepCMA"), ("cmaes._cmawm", "CMAwM")}
_ARRAYS = {
    *(("numpy", "dtype"), ("numpy", "ndarray")),
    *((f"numpy.{core}.multiarray", name) for core in ("_core", "core") for name in ("_reconstruct", "scalar")),
}


class _StateUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _OPTIMIZERS | _ARRAYS:
            raise pickle.UnpicklingError(f"{module}.{name} is no part of an optimizer's state")
        return super().find_class(module, name)


class _StatePickle:
    """What Optuna's module uses of pickle."""

    dumps = staticmethod(pickle.dumps)

    @staticmethod
    def loads(content: bytes) -> Any:
        """Return an optimizer; None for anything else, after which CMA-ES begins its search anew."""
        try:
            state = _StateUnpickler(io.BytesIO(content)).load()
        except Exception:  # a damaged pickle may raise anything
            return None
        return state if (type(state).__module__, type(state).__name__) in _OPTIMIZERS else None


def read_states_alone() -> None:
    """Make CMA-ES read nothing but its own states, from now on and wherever in a sampler it stands."""
    _cmaes.pickle = _StatePickle  # type: ignore[assignment, attr-defined]
