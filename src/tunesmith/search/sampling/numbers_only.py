"""CMA-ES searches over numbers alone: which keys it draws at random is said once; a space of such keys is refused."""

from __future__ import annotations

from typing import Any

from omegaconf import DictConfig
from optuna.distributions import CategoricalDistribution

from tunesmith.errors import UserError
from tunesmith.search.space.space import Space

NUMBERS_ONLY = "optuna.samplers.CmaEsSampler"
_WAY_OUT = "write a range, as in KEY='int(interval(16,256))', or give it one value"


def describe_random_keys(config: Any, space: Space) -> str | None:
    """Return a line if the sampler draws some keys of the space at random, because they have choices; else None.

    Raises:
        UserError: it would draw all keys at random.
    """
    keys = random_keys(config, space)
    if not keys:
        return None
    if len(keys) == len({each.key for each in space.dimensions.values()}) and not space.is_open:
        raise UserError(f"hydra/sweeper/sampler=cmaes needs numbers; got choices for {', '.join(keys)}: {_WAY_OUT}")
    return f"cmaes draws {', '.join(keys)} at random, as CMA-ES takes numbers and no choices: {_WAY_OUT}"


def random_keys(config: Any, space: Space) -> list[str]:
    """Return the keys of a space that the sampler leaves to random draws."""
    if not isinstance(config, DictConfig) or config.get("_target_") != NUMBERS_ONLY:
        return []
    choices = [each for each in space.dimensions.values() if isinstance(each.distribution, CategoricalDistribution)]
    return list(dict.fromkeys(dimension.key for dimension in choices))
