"""Pictures of what a run predicts: which there are, and what is drawn in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from pictures import size_in_panels
from run_outputs import make_run, of_classes, of_labels, of_numbers

from tunesmith.insight.part_outputs import PartOutputs, write_part_outputs
from tunesmith.insight.run_plots import MANY_CLASSES, run_pictures

IMAGES = of_classes(
    0, 1, 1, true=(0, 1, 0), names=("$cat", "d$og"), pictures=np.random.default_rng(0).random((3, 3, 4, 4))
)
MANY = of_classes(0, 1, true=(0, 1), names=tuple(map(str, range(MANY_CLASSES + 1))))


@pytest.mark.parametrize(
    ("part", "panels"),
    [
        (IMAGES, {"curves": (2, 1), "confusion": (1, 1), "worst": (3, 1)}),
        (of_classes(0, 1, true=(0, 1)), {"curves": (2, 1), "confusion": (1, 1)}),
        (MANY, {"curves": (2, 1)}),
        (of_numbers([1, 2, 3], [1, 2, 4]), {"curves": (2, 1), "residuals": (2, 1)}),
        (of_labels([[0.5, 0.5]], [[0, 1]]), {"curves": (2, 1)}),
    ],
    ids=["images", "a table", "many classes", "numbers", "labels"],
)
def test_what_can_be_drawn_is(tmp_path: Path, part: PartOutputs, panels: dict[str, tuple[float, float]]) -> None:
    write_part_outputs(make_run(tmp_path / "run") / "val_outputs.npz", part)
    found = {}
    for name, draw in run_pictures(tmp_path / "run").items():
        draw(tmp_path / "a.png")
        found[name] = size_in_panels(imread(tmp_path / "a.png"))
    assert found == panels


def test_without_outputs_there_are_curves_and_without_epochs_nothing(tmp_path: Path) -> None:
    assert list(run_pictures(make_run(tmp_path / "run"))) == ["curves"]
    assert run_pictures(tmp_path) == {}
