"""Override strings <-> distributions: which hyperparameters vary, and over what. Pure."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import (
    ChoiceSweep,
    IntervalSweep,
    Override,
    RangeSweep,
    Transformer,
)
from hydra.errors import HydraException
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import Trial

from tunesmith.config.quoting import param_override, to_hydra, to_optuna
from tunesmith.errors import UserError
from tunesmith.search.space.groups import Groups, elements_of
from tunesmith.search.space.precedence import drop_overridden
from tunesmith.search.space.ranges import interval, nth_step, number_range

# A sweep over this key repeats one configuration: the seed is no hyperparameter, as its values have no order to learn.
REPEATS = "seed"

# Choices of one key that a line shows.
MAX_SHOWN = 12

Params = Mapping[str, Any]


@dataclass(frozen=True)
class Dimension:
    """What one key varies over.

    texts: for a choice, its value -> how Hydra writes it (quoted strings and lists are stored as that text).
    """

    key: str
    distribution: BaseDistribution
    texts: Mapping[Any, str] = field(default_factory=dict)

    def override(self, value: Any) -> str:
        """Return the override that gives the key this value."""
        return f"{self.key}={self.texts[value]}" if value in self.texts else f"{self.key}={value}"

    def suggest(self, trial: Trial) -> Any:
        """Have a trial draw this key's value."""
        match self.distribution:
            case FloatDistribution(low=low, high=high, step=step, log=log):
                return trial.suggest_float(self.key, low, high, step=step, log=log)
            case IntDistribution(low=low, high=high, step=step, log=log):
                return trial.suggest_int(self.key, low, high, step=step, log=log)
            case CategoricalDistribution(choices=choices):
                return trial.suggest_categorical(self.key, choices)
        raise AssertionError(self.distribution)

    def extremes(self) -> tuple[Any, ...]:
        """Return the values that a check has to try: both ends, or every choice."""
        if isinstance(self.distribution, CategoricalDistribution):
            return self.distribution.choices
        assert isinstance(self.distribution, FloatDistribution | IntDistribution)
        return tuple(dict.fromkeys((self.distribution.low, self.distribution.high)))

    def values(self) -> tuple[Any, ...] | None:
        """Return all values, None if they cannot be listed (a range of floats without a step)."""
        match self.distribution:
            case CategoricalDistribution(choices=choices):
                return tuple(choices)
            case IntDistribution(low=low, high=high, step=step, log=False):
                return tuple(range(low, high + 1, step))
            case FloatDistribution(low=low, high=high, step=float(step)):
                return tuple(nth_step(low, step, i) for i in range(round((high - low) / step) + 1))
        return None

    def describe(self) -> str:
        """Say in a few words what the key varies over."""
        match self.distribution:
            case CategoricalDistribution(choices=choices):
                return _listed([self.override(choice).partition("=")[2] for choice in choices])
            case FloatDistribution() | IntDistribution() as numbers:
                integer = "integer " if isinstance(numbers, IntDistribution) else ""
                scale = ", log scale" if numbers.log else ""
                has_step = numbers.step is not None and not (integer and numbers.step == 1)
                step = f", step {numbers.step:g}" if has_step else ""
                return f"{integer}{numbers.low:g} to {numbers.high:g}{scale}{step}"
        raise AssertionError(self.distribution)


def _listed(choices: Sequence[str]) -> str:
    if len(choices) <= MAX_SHOWN:
        return ", ".join(choices)
    return f"{', '.join(choices[: MAX_SHOWN - 2])}, ..., {choices[-1]} ({len(choices)} choices)"


@dataclass(frozen=True)
class Space:
    """What a study varies, and the overrides that every trial has.

    is_open: whether a function of the user suggests further parameters; such a space cannot be counted.
    places: how many of the fixed overrides stand before a key that varies; 0 for a key that is left out.
    """

    dimensions: Mapping[str, Dimension]
    fixed: tuple[str, ...]
    is_open: bool = False
    places: Mapping[str, int] = field(default_factory=dict)

    def overrides(self, params: Params) -> list[str]:
        """Return the overrides of a trial's values, including those that custom_search_space suggested."""
        return [self._override(key, value) for key, value in params.items()]

    def job_overrides(self, params: Params) -> list[str]:
        """Return all overrides of a trial, in the order in which they were written; suggested values come last."""
        end = len(self.fixed)
        places = {key: self.places.get(key, 0) if key in self.dimensions else end for key in params}
        ordered: list[str] = []
        for index in range(end + 1):
            ordered += [self._override(key, params[key]) for key, place in places.items() if place == index]
            ordered += self.fixed[index : index + 1]
        return ordered

    def _override(self, key: str, value: Any) -> str:
        return self.dimensions[key].override(value) if key in self.dimensions else f"{key}={to_hydra(value)}"

    def num_points(self) -> int | None:
        """Count the configurations, None if there are infinitely many."""
        if self.is_open:
            return None
        total = 1
        for dimension in self.dimensions.values():
            values = dimension.values()
            if values is None:
                return None
            total *= len(values)
        return total


def parse_space(params: Mapping[str, Any], typed: Sequence[str], loader: ConfigLoader | None = None) -> Space:
    """Combine the config's params with the overrides of the command line, typed.

    A typed sweep adds its key to the space, or replaces the range that the config has for the key. A typed fixed value
    takes its key out of the space. A typed sweep over the seed ignores the config's sweeps: it repeats one
    configuration, and `-m seed=0,1,2` would otherwise be a search with three seeds.

    Raises:
        UserError: a sweep that cannot be parsed or drawn from; names its key.
    """
    parser, groups = OverridesParser.create(config_loader=loader), Groups(loader)
    configured = [_parse(parser, param_override(key, value)) for key, value in params.items()]
    typed_overrides = [_parse(parser, text) for text in typed]
    if any(override.is_sweep_override() and override.key_or_group == REPEATS for override in typed_overrides):
        configured = [override for override in configured if not override.is_sweep_override()]
    dimensions: dict[str, Dimension] = {}
    fixed: list[str] = []
    places: dict[str, int] = {}
    for override in drop_overridden(configured, typed_overrides, groups):
        if override.is_sweep_override():
            key = override.get_key_element()
            dimensions[key], places[key] = _dimension(key, override, groups), len(fixed)
        else:
            fixed.append(override.input_line or "")
    return Space(dimensions, tuple(fixed), places=places)


def _parse(parser: OverridesParser, text: str) -> Override:
    try:
        override = parser.parse_override(text)
    except HydraException as error:
        raise UserError(f"{text.partition('=')[0]}: {' '.join(str(error).split())}; got '{text}'") from None
    override.config_loader = parser.config_loader  # parse_override leaves it out, and glob(*) needs it
    return override


def _dimension(key: str, override: Override, groups: Groups) -> Dimension:
    try:
        return _to_dimension(key, override, groups)
    except ValueError as error:
        message = str(error).strip(".").replace("`", "")
        raise UserError(
            f"{key} must be a sweep that can be drawn from; got '{override.input_line}': {message}"
        ) from None


def _to_dimension(key: str, override: Override, groups: Groups) -> Dimension:
    sweep = override.value()
    if isinstance(sweep, ChoiceSweep | IntervalSweep | RangeSweep):
        _check_tags(sweep, override.input_line or "")
    if isinstance(sweep, IntervalSweep):
        return Dimension(key, interval(sweep))
    if isinstance(sweep, RangeSweep) and not sweep.shuffle:
        return Dimension(key, number_range(sweep))
    elements = _elements(override)
    if not elements:
        raise ValueError("there is nothing to choose from")
    texts: dict[Any, str] = {}
    for element in elements_of(elements, groups, override):
        text = Transformer.str(element)
        if texts.setdefault(to_optuna(element), text) != text:
            raise ValueError(f"{texts[to_optuna(element)]} and {text} are the same value to Optuna")
    return Dimension(key, CategoricalDistribution(tuple(texts)), texts)


def _check_tags(sweep: ChoiceSweep | IntervalSweep | RangeSweep, text: str) -> None:
    """Raise ValueError for a tag that would be ignored: tag(lgo, ...) would search on a linear scale."""
    if not sweep.tags and text.partition("=")[2].lstrip().startswith("tag("):
        raise ValueError("a tag has a name: write tag(log, ...) for a logarithmic scale, or leave tag(...) out")
    if isinstance(sweep, ChoiceSweep) and sweep.tags:
        raise ValueError("choices have no scale: leave tag(...) out")
    for tag in sorted(sweep.tags - {"log"}):
        raise ValueError(f"there is no tag {tag}: write tag(log, ...) for a logarithmic scale, or leave tag(...) out")


def _elements(override: Override) -> list[Any]:
    """Return the choices; shuffled ones in an order that is the same each time, or a study could not go on."""
    sweep = override.value()
    is_shuffled = isinstance(sweep, ChoiceSweep | RangeSweep) and sweep.shuffle
    if isinstance(sweep, RangeSweep):
        elements = list(Dimension(override.key_or_group, number_range(sweep)).values() or ())
    else:
        if isinstance(sweep, ChoiceSweep):
            sweep.shuffle = False
        elements = list(override.sweep_iterator())
    if is_shuffled:
        random.Random(0).shuffle(elements)
    return elements
