"""Pictures: how many panels, what is marked, which scale an axis has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
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
Picture = NDArray[np.float32]  # (height, width, 4), values in 0..1
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


def columns(picture: Picture, color: Any) -> NDArray[np.int64]:
    """Return the columns in which a picture has pixels of a colour."""
    return np.flatnonzero(has_color(picture, color).any(axis=0))


def has_color(picture: Picture, color: Any) -> NDArray[np.bool_]:
    is_close: NDArray[np.bool_] = np.abs(picture[:, :, :3] - np.array(to_rgb(color), np.float32)) < 0.01
    return is_close.all(axis=2)


def size_in_panels(picture: Picture) -> tuple[float, float]:
    height, width, _ = picture.shape
    return width / WIDTH, height / HEIGHT


# range tests


@pytest.mark.parametrize(("suggestion", "is_marked"), [(1e-3, True), (None, False)], ids=str)
def test_a_suggestion_is_marked(tmp_path: Path, suggestion: float | None, is_marked: bool) -> None:
    save_lr_curve(tmp_path / "a.png", LR, 1 - LR, 1 - LR, suggestion)
    assert (len(columns(imread(tmp_path / "a.png"), ACCENT)) > 0) is is_marked


# runs


@pytest.mark.parametrize(
    ("runs", "panels"),
    [
        pytest.param({"a": rows("train/loss", "val/loss", "lr")}, (2, 1), id="both splits share axes"),
        pytest.param({"a": rows("val/loss", "val/acc", "val/f1", "lr")}, (3, 2), id="three side by side at most"),
        pytest.param(
            {"a": [*rows("val/loss"), {"epoch": "4", "val/loss": ""}], "b": []},
            (1, 1),
            id="a gap, and a run that did not finish an epoch",
        ),
    ],
)
def test_a_panel_per_metric(
    tmp_path: Path, runs: Mapping[str, list[dict[str, str]]], panels: tuple[float, float]
) -> None:
    save_curves(tmp_path / "a.png", runs)
    assert size_in_panels(imread(tmp_path / "a.png")) == panels


def test_more_runs_have_a_colour_each_and_a_panel_per_metric_of_any_split(tmp_path: Path) -> None:
    runs = {str(number): [{**row, "lr": str(number)} for row in rows("train/loss", "val/loss")] for number in range(12)}
    save_curves(tmp_path / "a.png", runs)
    shades = [colormaps["viridis"](number / 11)[:3] for number in range(12)]
    picture = imread(tmp_path / "a.png")
    assert all(len(columns(picture, shade)) for shade in shades)
    assert size_in_panels(picture) == (3, 1)


# studies

Drawn = Callable[..., Picture]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    """Draws each study once, however many tests look at it."""
    folder = tmp_path_factory.mktemp("studies")

    @cache
    def draw(mode: str, *parameters: tuple[Any, ...]) -> Picture:
        """parameters: the values of x, y and z."""
        named = dict(zip("xyz", map(list, parameters), strict=False))
        save_study(folder / "a.png", trials(**named), list(named), mode)
        picture: Picture = imread(folder / "a.png")
        return picture

    return draw


CLOSE = (1, 2, 3)


@pytest.mark.parametrize(
    ("parameters", "panels"),
    [
        pytest.param([CLOSE], (2, 1), id="one parameter and the best so far"),
        pytest.param([(1, 2), ("a", "b"), (3, 3)], (3, 2), id="three"),
        pytest.param([(1, "")], (2, 1), id="one that a trial does not have"),
        pytest.param([(1,)], (2, 1), id="one trial"),
    ],
)
def test_a_panel_per_parameter(drawn: Drawn, parameters: list[Any], panels: tuple[float, float]) -> None:
    assert size_in_panels(drawn("min", *parameters)) == panels


@pytest.mark.parametrize(
    ("values", "middle"),
    [
        pytest.param((1e-3, 1e-2, 1e-1), 0.5, id="far apart: a log scale"),
        pytest.param(CLOSE, 0.5, id="close: a linear one"),
        pytest.param((1, 8, 29), 0.25, id="close enough"),
        pytest.param((0, 250, 1000), 0.25, id="zero has no logarithm"),
    ],
)
def test_scale_of_a_parameter(drawn: Drawn, values: tuple[float, ...], middle: float) -> None:
    shades = [colormaps["viridis"](rank) for rank in (0.0, 0.5, 1.0)]
    first, second, third = (columns(drawn("min", values), shade).mean() for shade in shades)
    assert (second - first) / (third - first) == pytest.approx(middle, abs=0.02)


def test_choices_are_named_on_their_axis(drawn: Drawn) -> None:
    is_same = np.array_equal(*(drawn("min", choices) for choices in (("relu", "tanh"), ("elu", "gelu"))))
    assert not is_same


@pytest.mark.parametrize(("mode", "falls"), [("min", True), ("max", False)])
def test_the_best_so_far_follows_the_mode(drawn: Drawn, mode: str, falls: bool) -> None:
    height = np.ptp(np.flatnonzero(has_color(drawn(mode, CLOSE), ACCENT).any(axis=1)))  # the values fall
    assert bool(height > 0.5 * HEIGHT) is falls
