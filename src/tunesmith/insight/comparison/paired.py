"""What several seeds say of configurations: means, spreads, and differences seed by seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import stdev

from tunesmith.insight.comparison.seed_groups import SeedGroup
from tunesmith.insight.means import LEVEL, Mean, mean_of, standard_error


def seed_lines(groups: Sequence[SeedGroup]) -> Iterator[str]:
    """Yield a line for each configuration with several seeds, then its comparison with the first of them.

    Pairs share seed and data, so what these add to both is not in the difference (Dietterich 1998,
    https://doi.org/10.1162/089976698300017197, on paired tests).
    """
    repeated = [group for group in groups if len(group.values) > 1]
    for group in repeated:
        values = list(group.values.values())
        mean = mean_of(values)
        assert mean is not None
        spread = f"standard deviation {stdev(values):.2g}, {_interval(mean)}"
        yield f"{group.name}: {group.metric} {mean.value:.5g}, mean of {len(values)} seeds, {spread}"
    for group in repeated[1:]:
        yield f"{group.name} against {repeated[0].name}: {compare(group, repeated[0])}"


def compare(group: SeedGroup, first: SeedGroup) -> str:
    """Return the mean difference over common seeds with its standard error and interval, or why there is none."""
    if (group.metric, group.mode) != (first.metric, first.mode):
        return f"not compared, as their values are {group.metric} and {first.metric}"
    if group.data != first.data and None not in (group.data, first.data):
        return "not compared, as their data differ"
    seeds = [seed for seed in group.values if seed in first.values]
    if len(seeds) < 2:
        return f"not compared, as they have {len(seeds) or 'no'} seed{'s' * (not seeds)} in common: two are needed"
    differences = [group.values[seed] - first.values[seed] for seed in seeds]
    mean = mean_of(differences)
    assert mean is not None
    size = f"{mean.value:+.3g} +- {standard_error(differences):.2g} (standard error of {len(seeds)} pairs)"
    return f"{size}, {_interval(mean, '+')}: {_verdict(mean, group)}"


def _verdict(mean: Mean, group: SeedGroup) -> str:
    assert mean.half_width is not None
    if abs(mean.value) <= mean.half_width:
        return "the seeds do not tell them apart"
    return "better" if (mean.value > 0) == (group.mode == "max") else "worse"


def _interval(mean: Mean, sign: str = "") -> str:
    assert mean.interval is not None
    low, high = mean.interval
    return f"{LEVEL:.0%} in {low:{sign}.4g} to {high:{sign}.4g}".replace("%", " %", 1)
