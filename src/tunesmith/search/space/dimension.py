"""What one key of a space varies over, and in which trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import Trial

from tunesmith.config.changes import is_same_value
from tunesmith.search.space.ranges import nth_step

# Choices of one key that a line shows.
MAX_SHOWN = 12

# Values of a trial: override key -> value.
Params = Mapping[str, Any]


@dataclass(frozen=True)
class Dimension:
    """What one key varies over.

    texts: for a choice, its value -> how Hydra writes it (quoted strings and lists are stored as that text).
    when: other key, without + in front -> the values with which this key varies; empty: in each trial.
    own_name: Optuna's name of the param if the key has several sweeps, of which each trial has one at most.
    """

    key: str
    distribution: BaseDistribution
    texts: Mapping[Any, str] = field(default_factory=dict)
    when: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    own_name: str | None = None

    @property
    def name(self) -> str:
        """Optuna's name of the param."""
        return self.own_name or self.key

    @property
    def plain_key(self) -> str:
        """The key without + in front."""
        return self.key.lstrip("+")

    def is_active(self, params: Params) -> bool:
        """Whether the key varies in a trial with these values; a key without a value is taken to be inactive."""
        return not self.when or self._meets(params, if_missing=False)

    def is_ruled_out(self, params: Params) -> bool:
        """Whether one of these values makes the key inactive; a key without a value rules out nothing."""
        return bool(self.when) and not self._meets(params, if_missing=True)

    def _meets(self, params: Params, if_missing: bool) -> bool:
        plain = {key.lstrip("+"): value for key, value in params.items()}
        return all(
            any(is_same_value(plain[other], value) for value in values) if other in plain else if_missing
            for other, values in self.when.items()
        )

    def override(self, value: Any) -> str:
        """Return the override that gives the key this value."""
        return f"{self.key}={self.texts[value]}" if value in self.texts else f"{self.key}={value}"

    def suggest(self, trial: Trial) -> Any:
        """Have a trial draw this key's value."""
        match self.distribution:
            case FloatDistribution(low=low, high=high, step=step, log=log):
                return trial.suggest_float(self.name, low, high, step=step, log=log)
            case IntDistribution(low=low, high=high, step=step, log=log):
                return trial.suggest_int(self.name, low, high, step=step, log=log)
            case CategoricalDistribution(choices=choices):
                return trial.suggest_categorical(self.name, choices)
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
        """Say in a few words what the key varies over, and with which values of other keys."""
        conditions = describe_conditions(self.when)
        return f"{self.describe_values()}  if {conditions}" if conditions else self.describe_values()

    def describe_values(self) -> str:
        """Say in a few words what the key varies over."""
        match self.distribution:
            case CategoricalDistribution(choices=choices):
                return listed([self.override(choice).partition("=")[2] for choice in choices])
            case FloatDistribution() | IntDistribution() as numbers:
                integer = "integer " if isinstance(numbers, IntDistribution) else ""
                scale = ", log scale" if numbers.log else ""
                has_step = numbers.step is not None and not (integer and numbers.step == 1)
                step = f", step {numbers.step:g}" if has_step else ""
                return f"{integer}{numbers.low:g} to {numbers.high:g}{scale}{step}"
        raise AssertionError(self.distribution)


def describe_conditions(when: Mapping[str, tuple[Any, ...]]) -> str:
    """Return conditions as a line shows them: optimizer=sgd|rmsprop and model=cnn."""
    return " and ".join(f"{key}={'|'.join(map(_shown, values))}" for key, values in when.items())


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else "null" if value is None else str(value)


def listed(choices: Sequence[str]) -> str:
    """Return choices as a line shows them; of a long list the first ones and the last."""
    if len(choices) <= MAX_SHOWN:
        return ", ".join(choices)
    return f"{', '.join(choices[: MAX_SHOWN - 2])}, ..., {choices[-1]} ({len(choices)} choices)"
