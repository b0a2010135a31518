"""What ships with scikit-learn: shapes, types, ranges and names."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from tunesmith.data.sources.sklearn_dataset import SklearnDataset
from tunesmith.errors import UserError


@pytest.mark.parametrize(
    ("name", "shape", "num_classes"),
    [
        pytest.param("breast_cancer", (569, 30), 2, id="breast_cancer"),
        pytest.param("diabetes", (442, 10), 0, id="diabetes"),
        pytest.param("digits", (1797, 1, 8, 8), 10, id="digits"),
        pytest.param("iris", (150, 4), 3, id="iris"),
        pytest.param("wine", (178, 13), 3, id="wine"),
    ],
)
def test_arrays_of(name: str, shape: tuple[int, ...], num_classes: int) -> None:
    arrays = SklearnDataset(name).load()
    assert (arrays.inputs.shape, arrays.targets.shape) == (shape, shape[:1])
    assert len(arrays.classes) == arrays.num_classes == num_classes
    assert len(arrays.columns) == (shape[1] if arrays.is_table else 0)


def test_digits_are_grey_values_of_ten_classes() -> None:
    arrays = SklearnDataset("digits").load()
    assert (arrays.inputs.min(), arrays.inputs.max()) == (0, 16)
    assert set(arrays.targets) == set(range(10))


def test_digits_are_those_of_scikit_learn() -> None:
    arrays, expected = SklearnDataset("digits").load(), load_digits()
    assert np.array_equal(arrays.inputs[:, 0], expected.images)
    assert np.array_equal(arrays.targets, expected.target)
    assert arrays.classes == tuple(map(str, expected.target_names))


def test_digits_stand_upright() -> None:
    arrays = SklearnDataset("digits").load()
    ones = arrays.inputs[arrays.targets == 1, 0].mean(axis=0)
    assert np.ptp(ones.mean(axis=0)) > 2 * np.ptp(ones.mean(axis=1))  # a stroke from top to bottom


def test_diabetes_is_as_it_was_measured() -> None:
    arrays = SklearnDataset("diabetes").load()
    age = arrays.inputs[:, arrays.columns.index("age")]
    assert 18 <= age.min() < age.max() <= 80


def test_names_are_those_of_scikit_learn() -> None:
    arrays = SklearnDataset("iris").load()
    assert arrays.classes == ("setosa", "versicolor", "virginica")
    assert arrays.columns[0] == "sepal length (cm)"


def test_another_name_is_refused() -> None:
    with pytest.raises(UserError, match=r"^data\.name must be one of .*iris.*; got 'irises'"):
        SklearnDataset("irises").load()
