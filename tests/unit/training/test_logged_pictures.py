"""Loggers get pictures of a plain run: TensorBoard's as summaries, others by their log_image."""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from engines import by_engine
from engines import train as train_as_run
from listener import Listener
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny import small

from tunesmith.reporting import hand_over
from tunesmith.training.logged_pictures import log_pictures

TENSORBOARD = ("report=true", "logger=tensorboard", "trainer.max_epochs=2")


def pictures(folder: Path) -> dict[str, tuple[int, tuple[int, int]]]:
    """Return what TensorBoard finds: tag -> step and size, which is that of the PNG."""
    events = EventAccumulator(str(folder), size_guidance={"images": 0}).Reload()
    found = {}
    for tag in events.Tags()["images"]:
        (each,) = events.Images(tag)
        assert Image.open(BytesIO(each.encoded_image_string)).size == (each.width, each.height)
        found[tag] = (each.step, (each.width, each.height))
    return found


@pytest.mark.parametrize(
    ("engine", "data", "tags"),
    [("lightning", "iris", {"curves", "confusion"}), ("lean", "diabetes", {"curves", "residuals"})],
    ids=["classes, lightning", "numbers, lean"],
)
def test_tensorboard_gets_them_at_the_last_epoch(tmp_path: Path, engine: str, data: str, tags: set[str]) -> None:
    train_as_run(tmp_path, by_engine(engine, small(f"data={data}", *TENSORBOARD)))
    found = pictures(tmp_path)
    assert set(found) == tags
    assert {step for step, _ in found.values()} == {2}


@pytest.mark.parametrize(("typed", "folders"), [("report=false", {"."}), ("data.folds=2", {".", "fold_0", "fold_1"})])
def test_other_runs_draw_none(tmp_path: Path, typed: str, folders: set[str]) -> None:
    train_as_run(tmp_path, small("data=iris", *TENSORBOARD, typed))
    found = {str(each.parent.relative_to(tmp_path)): pictures(each.parent) for each in tmp_path.rglob("events*")}
    assert found == {name: {} for name in folders}


def test_a_trial_draws_none(tmp_path: Path) -> None:
    with hand_over(reporter := Listener()):
        train_as_run(tmp_path, small("data=iris", *TENSORBOARD), reporter)
    assert pictures(tmp_path) == {}


class Album:
    """A logger of the user's own."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, int, tuple[int, int]]] = []

    def log_image(self, key: str, images: list[Any], step: int) -> None:
        self.taken += [(key, step, image.size) for image in images]


def test_a_logger_with_log_image_gets_images(tmp_path: Path) -> None:
    train_as_run(tmp_path, small("data=iris", "report=true", "trainer.max_epochs=2"))
    album = Album()
    log_pictures([album], tmp_path)  # type: ignore[list-item]
    assert [(key, step) for key, step, _ in album.taken] == [("curves", 2), ("confusion", 2)]


def test_a_logger_that_takes_no_pictures_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "metrics.csv").write_text("epoch,val/loss\n1,0.5\n")
    monkeypatch.delitem(sys.modules, "tunesmith.insight.run_plots", raising=False)
    log_pictures([object()], tmp_path)  # type: ignore[list-item]
    assert "tunesmith.insight.run_plots" not in sys.modules
