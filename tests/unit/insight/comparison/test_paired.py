"""What several seeds say: means, and differences seed by seed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tunesmith.insight.comparison.paired import compare, seed_lines
from tunesmith.insight.comparison.seed_groups import SeedGroup

A = {0: 0.10, 1: 0.30, 2: 0.50}


def group(
    name: str, values: dict[int, float], metric: str = "loss", mode: str = "min", data: str | None = None
) -> SeedGroup:
    return SeedGroup(name, metric, mode, values, data=data)


def test_the_interval_is_that_of_the_paired_t_test() -> None:
    other = {0: 0.13, 1: 0.31, 2: 0.57, 3: 9.0}
    differences = [other[seed] - A[seed] for seed in A]
    low, high = stats.t.interval(0.95, 2, np.mean(differences), stats.sem(differences))
    error = f"{np.mean(differences):+.3g} +- {stats.sem(differences):.2g} (standard error of 3 pairs)"
    assert compare(group("b", other), group("a", A)).startswith(f"{error}, 95 % in {low:+.4g} to {high:+.4g}: ")


@pytest.mark.parametrize(
    ("values", "mode", "verdict"),
    [
        pytest.param({0: 0.2, 1: 0.4, 2: 0.601}, "min", "worse", id="higher"),
        pytest.param({0: 0.2, 1: 0.4, 2: 0.601}, "max", "better", id="higher is better"),
        pytest.param({0: 0.0, 1: 0.2, 2: 0.401}, "min", "better", id="lower"),
        pytest.param({0: 0.2, 1: 0.1, 2: 0.5}, "min", "the seeds do not tell them apart", id="now this, now that"),
        pytest.param(A, "min", "the seeds do not tell them apart", id="equal"),
    ],
)
def test_verdict(values: dict[int, float], mode: str, verdict: str) -> None:
    assert compare(group("b", values, mode=mode), group("a", A, mode=mode)).endswith(f": {verdict}")


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        pytest.param(group("b", A, metric="acc"), "their values are acc and loss", id="metric"),
        pytest.param(group("b", A, data="e"), "their data differ", id="data"),
        pytest.param(group("b", {2: 0.1, 3: 0.2}), "they have 1 seed in common: two are needed", id="one seed"),
        pytest.param(group("b", {3: 0.1, 4: 0.2}), "they have no seeds in common: two are needed", id="no seed"),
    ],
)
def test_what_cannot_be_compared_says_why(other: SeedGroup, reason: str) -> None:
    assert compare(other, group("a", A, data="d")) == f"not compared, as {reason}"


def test_groups_of_several_seeds_get_a_line_and_are_compared_with_the_first() -> None:
    lines = list(seed_lines([group("alone", {0: 0.1}), group("a", A), group("b", {0: 0.2, 1: 0.5})]))
    assert lines[0] == "a: loss 0.3, mean of 3 seeds, standard deviation 0.2, 95 % in -0.1968 to 0.7968"
    assert [line.split(":")[0] for line in lines] == ["a", "b", "b against a"]
