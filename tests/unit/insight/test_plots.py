"""Pictures: how many panels, what is marked, which scale an axis has."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.colors import to_rgb
from matplotlib.image import imread
from numpy.typing import NDArray

from tunesmith.insight.plots import ACCENT, save_curves, save_lr_curve, save_study

LR = np.geomspace(1e-7, 1e-1, 100)
# Pixels of one panel.
WIDTH, HEIGHT = 672, 504


def rows(*names: str) -> list[dict[str, str]]:
    """Rows of metrics.csv."""
    return [{"epoch": str(epoch), **dict.fromkeys(names, str(1 / epoch))} for epoch in (1, 2, 3)]


def trials(**values: list[Any]) -> list[dict[str, str]]:
    """Rows of trials.csv, whose values fall."""
    number = max(map(len, values.values()))
    drawn = [{name: str(value[index]) for name, value in values.items()} for index in range(number)]
    return [{"number": str(index), "value": str(1 - 0.1 * index), **row} for index, row in enumerate(drawn)]


def columns(path: Path, color: Any) -> NDArray[np.int64]:
    """Return the columns in which a picture has pixels of a colour."""
    return np.flatnonzero(has_color(path, color).any(axis=0))


def has_color(path: Path, color: Any) -> NDArray[np.bool_]:
    is_close: NDArray[np.bool_] = np.abs(imread(path)[:, :, :3] - np.array(to_rgb(color))) < 0.01
    return is_close.all(axis=2)


def size_in_panels(path: Path) -> tuple[float, float]:
    height, width, _ = imread(path).shape
    return width / WIDTH, height / HEIGHT


# range tests


@pytest.mark.parametrize(("suggestion", "is_marked"), [(1e-3, True), (None, False)], ids=str)
def test_a_suggestion_is_marked(tmp_path: Path, suggestion: float | None, is_marked: bool) -> None:
    save_lr_curve(tmp_path / "a.png", LR, 1 - LR, 1 - LR, suggestion)
    assert (len(columns(tmp_path / "a.png", ACCENT)) > 0) is is_marked


# runs


@pytest.mark.parametrize(
    ("runs", "panels"),
    [
        pytest.param({"a": rows("val/loss")}, (1, 1), id="one metric"),
        pytest.param({"a": rows("train/loss", "val/loss", "lr")}, (2, 1), id="both splits share axes"),
        pytest.param(
            {"a": rows("train/loss", "val/loss", "lr"), "b": rows("val/loss")}, (3, 1), id="a panel each for more runs"
        ),
        pytest.param({"a": rows("val/loss", "val/acc", "val/f1", "lr")}, (3, 2), id="three side by side at most"),
        pytest.param({"a": rows("val/loss"), "b": []}, (1, 1), id="a run that did not finish an epoch"),
        pytest.param({"a": [*rows("val/loss"), {"epoch": "4", "val/loss": ""}]}, (1, 1), id="a gap"),
    ],
)
def test_a_panel_per_metric(
    tmp_path: Path, runs: Mapping[str, list[dict[str, str]]], panels: tuple[float, float]
) -> None:
    save_curves(tmp_path / "a.png", runs)
    assert size_in_panels(tmp_path / "a.png") == panels


def test_each_run_has_a_colour_of_its_own(tmp_path: Path) -> None:
    runs = {str(number): [{"epoch": "1", "lr": str(number)}, {"epoch": "2", "lr": str(number)}] for number in range(12)}
    save_curves(tmp_path / "a.png", runs)
    shades = [colormaps["viridis"](number / 11)[:3] for number in range(12)]
    assert all(len(columns(tmp_path / "a.png", shade)) for shade in shades)


# studies


@pytest.mark.parametrize(
    ("drawn", "panels"),
    [
        pytest.param({"x": [1, 2]}, (2, 1), id="one parameter and the best so far"),
        pytest.param({"x": [1, 2], "y": ["a", "b"], "z": [3, 3]}, (3, 2), id="three"),
        pytest.param({"x": [1, ""]}, (2, 1), id="one that a trial does not have"),
        pytest.param({"x": [1]}, (2, 1), id="one trial"),
    ],
)
def test_a_panel_per_parameter(tmp_path: Path, drawn: dict[str, list[Any]], panels: tuple[float, float]) -> None:
    save_study(tmp_path / "a.png", trials(**drawn), list(drawn), "min")
    assert size_in_panels(tmp_path / "a.png") == panels


@pytest.mark.parametrize(
    ("values", "middle"),
    [
        pytest.param([1e-3, 1e-2, 1e-1], 0.5, id="far apart: a log scale"),
        pytest.param([1, 2, 3], 0.5, id="close: a linear one"),
        pytest.param([1, 8, 29], 0.25, id="close enough"),
        pytest.param([0, 250, 1000], 0.25, id="zero has no logarithm"),
    ],
)
def test_scale_of_a_parameter(tmp_path: Path, values: list[float], middle: float) -> None:
    save_study(tmp_path / "a.png", trials(x=values), ["x"], "min")
    first, second, third = (columns(tmp_path / "a.png", colormaps["viridis"](rank)).mean() for rank in (0.0, 0.5, 1.0))
    assert (second - first) / (third - first) == pytest.approx(middle, abs=0.02)


def test_choices_are_named_on_their_axis(tmp_path: Path) -> None:
    pictures = []
    for choices in (["relu", "tanh"], ["elu", "gelu"]):
        save_study(tmp_path / "a.png", trials(x=choices), ["x"], "min")
        pictures.append(imread(tmp_path / "a.png"))
    is_same = np.array_equal(*pictures)
    assert not is_same


@pytest.mark.parametrize(("mode", "falls"), [("min", True), ("max", False)])
def test_the_best_so_far_follows_the_mode(tmp_path: Path, mode: str, falls: bool) -> None:
    save_study(tmp_path / "a.png", trials(x=[1, 2, 3]), ["x"], mode)  # of values that fall the first is the largest
    height = np.ptp(np.flatnonzero(has_color(tmp_path / "a.png", ACCENT).any(axis=1)))
    assert bool(height > 0.5 * HEIGHT) is falls
