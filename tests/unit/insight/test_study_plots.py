"""Pictures of studies: how many panels, what is marked, which scale an axis has."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.image import imread
from pictures import HEIGHT, Picture, columns, has_color, size_in_panels

from tunesmith.insight.comparison.members import Curve
from tunesmith.insight.comparison.seed_groups import SeedGroup
from tunesmith.insight.pages.study_facts import ParamFacts, StudyFacts, TrialFacts
from tunesmith.insight.plots import ACCENT
from tunesmith.insight.study_plots import mean_curve, save_best_so_far, save_study

Drawn = Callable[..., Picture]
CLOSE = (1, 2, 3)


def study(mode: str, *parameters: tuple[Any, ...]) -> StudyFacts:
    """A study whose values fall; parameters: the values of x, y and z, None: the trial does not have it."""
    named = dict(zip("xyz", parameters, strict=False))
    trials = [
        TrialFacts(
            number,
            "complete",
            1 - 0.1 * number,
            params={name: values[number] for name, values in named.items() if values[number] is not None},
            epochs=3,
        )
        for number in range(max(map(len, parameters)))
    ]
    return StudyFacts("s", "val/loss", modes=[mode], trials=trials, params=[ParamFacts(name) for name in named])


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    """Draws each study once, however many tests look at it."""
    folder = tmp_path_factory.mktemp("studies")

    @cache
    def draw(mode: str, *parameters: tuple[Any, ...]) -> Picture:
        save_study(folder / "a.png", study(mode, *parameters))
        picture: Picture = imread(folder / "a.png")
        return picture

    return draw


@pytest.mark.parametrize(
    ("parameters", "panels"),
    [
        pytest.param([CLOSE], (3, 1), id="one parameter, and the best so far over trials and epochs"),
        pytest.param([(1, 2), ("a", "b")], (3, 2), id="two"),
        pytest.param([(1, None)], (3, 1), id="one that a trial does not have"),
        pytest.param([(1,)], (3, 1), id="one trial"),
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


def test_a_failed_trial_and_an_infinite_value_are_marked_at_the_edge(tmp_path: Path) -> None:
    of_three = study("min", CLOSE)
    broken = [TrialFacts(3, "failed", params={"x": 2}), TrialFacts(4, "pruned", math.inf, params={"x": 2})]
    save_study(tmp_path / "a.png", StudyFacts("s", trials=[*of_three.trials, *broken], params=of_three.params))
    first_panel = imread(tmp_path / "a.png")[:, :600]
    assert len(columns(first_panel, ACCENT)) > 0


@pytest.mark.parametrize(
    ("trials", "panels"),
    [
        ([], (2, 1)),
        ([TrialFacts(0, "failed", params={"x": 1})], (3, 1)),
        ([TrialFacts(0, "complete", 1.0, is_repeat=True)], (2, 1)),
    ],
    ids=["none", "a failed one", "a repeat"],
)
def test_a_study_without_a_value_is_drawn(tmp_path: Path, trials: list[TrialFacts], panels: tuple[int, int]) -> None:
    save_study(tmp_path / "a.png", StudyFacts("s", trials=trials, params=[ParamFacts("x")]))
    assert size_in_panels(imread(tmp_path / "a.png")) == panels


def test_a_mean_begins_where_all_have_a_value_and_an_ended_one_keeps_its_last() -> None:
    epochs, mean, spread = mean_curve([Curve([1, 2], [8.0, 4.0]), Curve([2, 3], [2.0, 1.0])])
    assert (list(epochs), list(mean)) == ([2, 3], [3.0, 2.5])
    assert list(spread) == pytest.approx([math.sqrt(2), 1.5 * math.sqrt(2)])


def test_the_best_so_far_of_groups_has_a_panel_per_metric(tmp_path: Path) -> None:
    curves = [Curve([1, 2], [8.0, 4.0]), Curve([1, 2], [9.0, 3.0])]
    groups = [
        SeedGroup("a", "val/loss", "min", {}, curves),
        SeedGroup("$b$", "val/loss", "min", {}, curves[:1]),
        SeedGroup("c", "val/acc", "max", {}, []),
    ]
    save_best_so_far(tmp_path / "a.png", groups)
    assert size_in_panels(imread(tmp_path / "a.png")) == (2, 1)
