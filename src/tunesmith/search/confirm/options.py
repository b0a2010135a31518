"""hydra.sweeper.confirm: how many of the best configurations are run again, and on how many seeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from omegaconf import DictConfig, OmegaConf

from tunesmith.checks import check_rule
from tunesmith.errors import UserError, closest
from tunesmith.rules import FLAG, TEXT, Rule, integer, or_null

KEY = "hydra.sweeper.confirm"
# Stages of a study have these names; the second one exists only with halving.
STAGE, STAGE_OF_REST = "confirm", "confirm_rest"
# With halving, all candidates are run on so many seeds, and the better half of them on the others.
FIRST_SEEDS = 2


@dataclass(frozen=True)
class Confirm:
    """top: how many configurations; seeds: on how many seeds each; key: the config's key of the seed.

    halving: whether the worse half is dropped after FIRST_SEEDS seeds.
    """

    top: int
    seeds: int = 5
    key: str = "seed"
    halving: bool = False

    @property
    def stages(self) -> tuple[str, ...]:
        return (STAGE, STAGE_OF_REST) if self.halving and self.seeds > FIRST_SEEDS else (STAGE,)

    def further_seeds(self, own: object) -> list[int]:
        """Return the seeds of the repeats, whose first ones are those of fewer; own: the seed of the first scores."""
        return [seed for seed in range(self.seeds + 1) if seed != own][: self.seeds]


_RULES: dict[str, Rule] = {"top": or_null(integer(1)), "seeds": integer(2), "key": TEXT, "halving": FLAG}


def read_confirm(given: object) -> Confirm | None:
    """Check hydra.sweeper.confirm; None: it is off, as top is null.

    Raises:
        UserError: names a key, its rule and the value.
    """
    plain: Any = OmegaConf.to_container(given, resolve=True) if isinstance(given, DictConfig) else given
    if plain is None:
        return None
    if not isinstance(plain, Mapping):
        raise UserError(f"{KEY} must be null, or {{top: 5, seeds: 5}}; got {plain!r}")
    names = [field.name for field in fields(Confirm)]
    for name, value in plain.items():
        if name not in names:
            raise UserError(f"{KEY}.{name}: there is no such key{closest(str(name), names)}")
        check_rule(f"{KEY}.{name}", _RULES[name], value)
    return None if plain.get("top") is None else Confirm(**plain)
