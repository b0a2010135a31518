"""Pictures: how many panels, what is marked, which scale an axis has."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.image import imread
from pictures import HEIGHT, Picture, columns, has_color, size_in_panels

from tunesmith.errors import MachineFault
from tunesmith.insight.plots import ACCENT, save_curves, save_lr_curve

LR = np.geomspace(1e-7, 1e-1, 100)


def rows(*names: str) -> list[dict[str, str]]:
    """Rows of metrics.csv."""
    return [{"epoch": str(epoch), **dict.fromkeys(names, str(1 / epoch))} for epoch in (1, 2, 3)]


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


def test_a_metric_that_spans_decades_has_a_log_scale_and_pruned_runs_are_dashed(tmp_path: Path) -> None:
    def draw(name: str, *values: float, dashed: tuple[str, ...] = ()) -> Picture:
        rows = [{"epoch": str(epoch), "val/loss": str(value)} for epoch, value in enumerate(values, 1)]
        save_curves(tmp_path / name, {"a": rows, "b": []}, dashed)
        picture: Picture = imread(tmp_path / name)
        return picture

    color = colormaps["viridis"](0.0)[:3]
    wide = draw("a.png", 1e-4, 1e-2, 1.0)  # a straight line on a log scale
    middle = np.flatnonzero(has_color(wide, color)[:, columns(wide, color)[len(columns(wide, color)) // 2]]).mean()
    rows = np.flatnonzero(has_color(wide, color).any(axis=1))
    assert middle == pytest.approx((rows[0] + rows[-1]) / 2, abs=0.1 * HEIGHT)
    full, dashed = (len(columns(draw("b.png", 1.0, 1.0, dashed=each), color)) for each in ((), ("a",)))
    assert dashed < 0.9 * full


def test_a_row_that_is_damaged_leaves_a_gap(tmp_path: Path) -> None:
    rows = [{"epoch": "1", "val/loss": "1"}, {"epoch": "x", "val/loss": "2"}, {"epoch": "3", "val/loss": "nothing"}]
    save_curves(tmp_path / "a.png", {"a": rows})
    assert size_in_panels(imread(tmp_path / "a.png")) == (1, 1)


def test_a_picture_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()
    with pytest.raises(MachineFault, match=r"a\.png"):
        save_curves(tmp_path / "a.png", {"a": rows("val/loss")})
    assert [each.name for each in tmp_path.iterdir()] == ["a.png"]
