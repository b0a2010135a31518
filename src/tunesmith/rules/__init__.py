"""Rules: what the value of a config key may be, and the functions that build rules."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from omegaconf import DictConfig


@dataclass(frozen=True)
class Rule:
    """A test of a key's value; `says` completes the sentence "KEY must be ..."."""

    says: str
    holds: Callable[[Any], bool]


def is_number(value: Any) -> TypeGuard[int | float]:
    """Whether a value is finite, and no whole number that is too large for a float."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def number(says: str, holds: Callable[[float], bool]) -> Rule:
    return Rule(f"a number {says}", lambda value: is_number(value) and holds(value))


def integer(least: int) -> Rule:
    return Rule(f"an integer >= {least}", lambda value: is_integer(value) and value >= least)


def one_of(*options: str) -> Rule:
    return Rule(f"one of {', '.join(options)}", lambda value: value in options)


def either(*rules: Rule) -> Rule:
    return Rule(", or ".join(rule.says for rule in rules), lambda value: any(rule.holds(value) for rule in rules))


def or_null(rule: Rule) -> Rule:
    return Rule(f"{rule.says}, or null", lambda value: value is None or rule.holds(value))


def list_of(rule: Rule) -> Rule:
    return Rule(f"a list, each {rule.says}", lambda value: is_list(value) and all(map(rule.holds, value)))


def is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str) and len(value) > 0


POSITIVE = number("> 0", lambda value: value > 0)
NOT_NEGATIVE = number(">= 0", lambda value: value >= 0)
BELOW_ONE = number("in [0, 1)", lambda value: 0 <= value < 1)
FRACTION = number("in (0, 1)", lambda value: 0 < value < 1)
PROBABILITY = number("in [0, 1]", lambda value: 0 <= value <= 1)
SEED = Rule("an integer in [0, 2**32)", lambda value: is_integer(value) and 0 <= value < 2**32)
FLAG = Rule("true or false", lambda value: isinstance(value, bool))
TEXT = Rule("a text", lambda value: isinstance(value, str) and value != "")
NODE = Rule("a node with a _target_", lambda value: isinstance(value, Mapping | DictConfig) and "_target_" in value)
LIST = Rule("a list", lambda value: isinstance(value, Sequence) and not isinstance(value, str))
