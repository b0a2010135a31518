"""A function that a key of hydra.sweeper names."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from inspect import signature
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from omegaconf import DictConfig

from tunesmith.errors import UserError

# Key -> what its function is called with.
ARGUMENTS = {
    "check": ("config",),
    "on_start": (),
    "on_finish": ("folder",),
    "linear_model": ("config",),
    "custom_search_space": ("config", "trial"),
}
# Key -> what its function is called with if it has parameters of these names.
OPTIONAL = {"on_start": {"config"}, "on_finish": {"config"}}


class NamedFunction:
    """A function by its path; its module, which may be heavy, is imported when it is called, or by load()."""

    def __init__(self, key: str, path: object) -> None:
        """Raises UserError if there is no module of this path."""
        self._key, self._path = key, path
        module = path.rpartition(".")[0] if isinstance(path, str) else ""
        try:
            is_there = find_spec(module) is not None
        except (ImportError, ValueError):
            is_there = False
        if not is_there:
            raise self._refusal()

    def __call__(self, *arguments: Any, **optional: Any) -> Any:
        """Call the function; it gets those of its optional arguments that it has parameters for."""
        function = self.load()
        return function(*arguments, **{name: value for name, value in optional.items() if _takes(function, name)})

    def load(self) -> Any:
        """Import the function; raise UserError if there is none, or if it cannot be called with its arguments."""
        try:
            function = resolve_name(str(self._path))
        except (ImportError, AttributeError, SyntaxError) as error:
            raise self._refusal(f": {error}") from None
        if not callable(function):
            raise self._refusal(f", which is {function!r}")
        given = ARGUMENTS[self._key]
        try:
            parameters = signature(function)
        except ValueError:  # some functions written in C do not tell
            return function
        try:
            parameters.bind(*given, **dict.fromkeys(OPTIONAL.get(self._key, set()) & parameters.parameters.keys()))
        except TypeError:
            takes = ", ".join(given) or "nothing"
            raise self._refusal(f": it must take {takes}, but its parameters are {parameters}") from None
        return function

    def _refusal(self, reason: str = "") -> UserError:
        return UserError(f"hydra.sweeper.{self._key} must be the path of a function; got '{self._path}'{reason}")


def _takes(function: Any, name: str) -> bool:
    try:
        return name in signature(function).parameters
    except ValueError:  # some functions written in C do not tell
        return False


class NamedEvaluation:
    """An on_finish by its path: it evaluates the best trial, given its folder, and its config if it takes one."""

    def __init__(self, path: object) -> None:
        self._path = path
        self._named = NamedFunction("on_finish", path)

    def __call__(self, folder: Path, config: DictConfig | None = None) -> Mapping[str, Any]:
        """Return the best trial's metrics; raise UserError if the function returns something else."""
        metrics = self._named(folder, config=config)
        if metrics is None:  # it has drawn or copied something
            return {}
        if not isinstance(metrics, Mapping):
            raise UserError(f"hydra.sweeper.on_finish must return metrics by name; got {metrics!r} of '{self._path}'")
        return metrics

    def load(self) -> Any:
        """Import the function; raises UserError."""
        return self._named.load()
