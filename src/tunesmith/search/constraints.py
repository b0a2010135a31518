"""Constraints on results: what a trial has to keep, besides being good, to be the answer of a study."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunesmith.errors import UserError
from tunesmith.search.attribute_names import CONSTRAINT

if TYPE_CHECKING:  # the settings need this module, and a mistake in them does not wait for optuna
    from optuna.trial import FrozenTrial

_KEY = "hydra.sweeper.constraints"
_RULE = re.compile(r"\s*(<=|>=|<|>)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Constraint:
    """A metric and what it must be; sign: <=, <, >= or >."""

    metric: str
    sign: str
    limit: float

    def __str__(self) -> str:
        return f"{self.metric} {self.sign} {self.limit:.15g}"

    def violation(self, value: float) -> float:
        """Return by how much a metric breaks the constraint, as Optuna counts it: 0 or less if it is kept."""
        excess = value - self.limit if self.sign.startswith("<") else self.limit - value
        is_at_limit = excess == 0 and len(self.sign) == 1
        return math.ulp(self.limit) if is_at_limit else excess


def read_constraints(given: object) -> tuple[Constraint, ...]:
    """Return what hydra.sweeper.constraints says: a metric's name and a rule such as "<= 50000".

    Raises:
        UserError: it is no dict, or a rule is none.
    """
    if given is None:
        return ()
    if not isinstance(given, Mapping):
        raise UserError(f'{_KEY} must be a dict of metrics and rules such as "<= 50000"; got {given!r}')
    return tuple(_read(str(metric), rule) for metric, rule in given.items())


def _read(metric: str, rule: object) -> Constraint:
    found = _RULE.fullmatch(rule) if isinstance(rule, str) else None
    if found is None:
        raise UserError(f'{_KEY}.{metric} must be <=, <, >= or > and a number, such as "<= 50000"; got {rule!r}')
    return Constraint(metric, found[1], float(found[2]))


def check_same_constraints(trials: Iterable[FrozenTrial], constraints: Sequence[Constraint], study_name: str) -> None:
    """Raise UserError if trials of the study were told other constraints: Optuna keeps by how much each was broken."""
    from optuna.trial import TrialState

    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    told = [{name for name in trial.system_attrs if name.startswith(CONSTRAINT)} for trial in complete]
    present = {f"{CONSTRAINT}{each}" for each in constraints}
    others = [names for names in told if names and names != present]
    if others or (present and told and not any(told)):
        was = ", ".join(sorted(name.removeprefix(CONSTRAINT) for name in (others or [set()])[0]))
        now = ", ".join(map(str, constraints))
        raise UserError(
            f"{_KEY} must stay {was or 'empty'} in study {study_name}; got {now or 'none'}; or use another study_name"
        )
