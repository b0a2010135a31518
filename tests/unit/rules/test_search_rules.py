"""The rules of Optuna's samplers and pruners are about arguments that these have, and let Optuna's own values pass."""

from __future__ import annotations

from fnmatch import fnmatchcase
from inspect import Parameter, signature

import optuna
import pytest

from tunesmith.rules import or_null
from tunesmith.rules.search import SEARCH_TARGETS

CLASSES = {
    f"{module.__name__}.{name}": signature(getattr(module, name)).parameters
    for module in (optuna.samplers, optuna.pruners)
    for name in module.__all__
    if name.endswith(("Sampler", "Pruner"))
}


@pytest.mark.parametrize("pattern", SEARCH_TARGETS)
def test_each_argument_is_one_of_a_class(pattern: str) -> None:
    known = {argument for path, parameters in CLASSES.items() if fnmatchcase(path, pattern) for argument in parameters}
    assert set(SEARCH_TARGETS[pattern]) - known == set()


@pytest.mark.parametrize("path", CLASSES)
def test_optunas_own_values_pass(path: str) -> None:
    for pattern, rules in SEARCH_TARGETS.items():
        if fnmatchcase(path, pattern):
            defaults = {name: parameter.default for name, parameter in CLASSES[path].items()}
            given = {name: value for name, value in defaults.items() if value is not Parameter.empty}
            refused = {
                name: given[name]
                for name, rule in rules.items()
                if name in given and not or_null(rule).holds(given[name])
            }
            assert refused == {}
