"""Random parts are those of scikit-learn, sample for sample."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from tunesmith.data.random_split import split_at_random


@pytest.mark.parametrize("num_second", [1, 37, 60, 199])
def test_samples_are_those_of_scikit_learn(num_second: int) -> None:
    parts = split_at_random(200, num_second, seed=3)
    expected = train_test_split(np.arange(200), test_size=num_second, random_state=3)
    assert parts is not None
    assert [part.tolist() for part in parts] == [part.tolist() for part in expected]


def test_classes_are_shared_out_as_by_scikit_learn() -> None:
    draws = np.random.default_rng(0)
    num_cut = 0
    for seed in range(300):
        num, num_classes = int(draws.integers(4, 400)), int(draws.integers(1, 12))
        classes = draws.choice(num_classes, size=num, p=draws.dirichlet(np.ones(num_classes)))
        num_second = int(draws.integers(1, num))
        try:
            expected = train_test_split(np.arange(num), test_size=num_second, random_state=seed, stratify=classes)
        except ValueError:
            assert split_at_random(num, num_second, seed, classes) is None
            continue
        parts = split_at_random(num, num_second, seed, classes)
        assert parts is not None
        assert [part.tolist() for part in parts] == [part.tolist() for part in expected]
        num_cut += 1
    assert num_cut > 100


@pytest.mark.parametrize("num_second", [0, 10])
def test_a_part_without_samples_is_left_to_scikit_learn(num_second: int) -> None:
    assert split_at_random(10, num_second, seed=0) is None
