"""The entries of hydra.sweeper.params and of the command line: an override, and the conditions under which it is one.

optimizer.lr: interval(0.001, 0.1)                                          in each trial
optimizer.momentum: {sweep: "interval(0.8, 0.99)", when: {optimizer: sgd}}  only in trials with this value
optimizer.eps: [{sweep: ..., when: ...}, {sweep: ..., when: ...}]           another sweep for other values
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

from tunesmith.config.changes import show_value
from tunesmith.config.quoting import null_in_choice, param_override, to_optuna
from tunesmith.errors import UserError, closest

_SWEEP, _WHEN = "sweep", "when"


@dataclass(frozen=True)
class Entry:
    """An override and its conditions.

    when: other key, without + in front -> values with which the override acts.
    entry_key: of params; None for what is typed.
    """

    override: Override
    when: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    entry_key: str | None = None

    @property
    def key(self) -> str:
        """The key without + in front."""
        return self.override.get_key_element().lstrip("+")

    @property
    def text(self) -> str:
        return self.override.input_line or ""

    @property
    def is_sweep(self) -> bool:
        """Whether the key varies: over several values, or between one value and what the config has."""
        return self.override.is_sweep_override() or bool(self.when)


def read_entries(params: Mapping[str, Any], parser: OverridesParser) -> list[Entry]:
    """Return the entries of hydra.sweeper.params; raises UserError for one that cannot be parsed."""
    return [
        Entry(parse_override(parser, param_override(key, sweep)), when, key)
        for key, value in params.items()
        for sweep, when in _sweeps(key, value)
    ]


def parse_override(parser: OverridesParser, text: str) -> Override:
    """Parse an override; raises UserError, which names its key."""
    try:
        override = parser.parse_override(text)
    except HydraException as error:
        reason = null_in_choice(text, str(error)) or " ".join(str(error).split())
        raise UserError(f"{text.partition('=')[0]}: {reason}; got '{text}'") from None
    override.config_loader = parser.config_loader  # parse_override leaves it out, and glob(*) needs it
    return override


def is_conditional(value: object) -> bool:
    """Whether an entry of params is a sweep with conditions, or a list of them; any other dict or list is a value."""
    return _is_form(value) or (isinstance(value, list) and any(map(_is_form, value)))


def _is_form(value: object) -> bool:
    return isinstance(value, Mapping) and (_SWEEP in value or _WHEN in value)


def _sweeps(key: str, value: Any) -> Iterator[tuple[Any, Mapping[str, tuple[Any, ...]]]]:
    """Yield the sweeps of an entry, each with its conditions."""
    if not is_conditional(value):
        yield value, {}
        return
    for form in value if isinstance(value, list) else [value]:
        if not _is_form(form):
            raise UserError(
                f"{key} must have {{sweep: ..., when: ...}} as each item of its list; got {show_value(form)}"
            )
        for name in form:
            if name not in (_SWEEP, _WHEN):
                raise UserError(f"{key}: there is no such key as {name} beside sweep{closest(name, (_SWEEP, _WHEN))}")
        when = form.get(_WHEN, {})
        if _SWEEP not in form or not isinstance(when, Mapping):
            raise UserError(
                f"{key} must be a sweep, or {{sweep: SWEEP, when: {{OTHER_KEY: VALUE}}}}; got {show_value(form)}"
            )
        yield form[_SWEEP], {str(other).lstrip("+"): _listed(values) for other, values in when.items()}


def _listed(values: Any) -> tuple[Any, ...]:
    return tuple(map(to_optuna, values if isinstance(values, list) else [values]))
