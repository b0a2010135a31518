"""The checks of a sweep before anything is recorded, and what a dry run shows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import optuna

from tunesmith.search.console.lines import say, show_space
from tunesmith.search.sampling.param_sampler import ParamSampler
from tunesmith.search.sampling.sampler import make_pruner
from tunesmith.search.settings import Settings
from tunesmith.search.space.compose import Composer
from tunesmith.search.space.space import Space
from tunesmith.search.storage.storage import check_url
from tunesmith.search.study.study import DIRECTIONS

NUM_EXAMPLES = 5
MAX_GROUP_COMBINATIONS = 64


def check_sweep(settings: Settings, space: Space, composer: Composer, sampler: ParamSampler) -> None:
    """Compose the config at the ends of every dimension; raises UserError or Hydra's own error if it cannot run."""
    check_url(settings.storage)
    make_pruner(settings.pruner)
    for params in _extremes(space, composer):
        extreme = composer.compose(params, 0, "0")
        if settings.check is not None:
            settings.check(extreme)
    sampler.make_sampler(first_trial=0)  # a key that cannot be searched may be one that does not belong here at all


def show_examples(settings: Settings, space: Space, sampler: ParamSampler) -> None:
    """Print the space and the first configurations that the search would try, drawn in a temporary study."""
    show_space(space)
    study = optuna.create_study(direction=DIRECTIONS[settings.direction])
    points = space.num_points()
    say("dry run: every key exists and every end of the space composes; the first configurations")
    for _ in range(NUM_EXAMPLES if points is None else min(NUM_EXAMPLES, points)):
        say("  " + "  ".join(space.overrides(sampler.draw(study.ask()))))


def _extremes(space: Space, composer: Composer) -> Iterator[Mapping[str, Any]]:
    """Yield every end of every dimension once, for each combination of group choices (the first 64)."""
    ends = {key: dimension.extremes() for key, dimension in space.dimensions.items()}
    groups = [key for key in ends if composer.is_group(key)]
    first = {key: values[0] for key, values in ends.items()}
    combinations = itertools.product(*(ends[key] for key in groups))
    for combination in itertools.islice(combinations, MAX_GROUP_COMBINATIONS):
        context = {**first, **dict(zip(groups, combination, strict=True))}
        yield context
        for key in ends.keys() - set(groups):
            yield from ({**context, key: value} for value in ends[key][1:])
