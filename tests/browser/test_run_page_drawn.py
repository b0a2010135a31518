"""The page of a run in a browser: offline, each figure drawn, light and dark."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from run_outputs import RESULT, make_run, of_classes, of_numbers

from tunesmith.insight.diagnosis.finding import Finding
from tunesmith.insight.pages.run_page import write_run_page
from tunesmith.insight.part_outputs import PartOutputs, write_part_outputs

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

LAYERS = "epoch,layer,grad_norm,weight_norm,update_ratio,dead_share\n1,<b>,1,1,0.001,0\n2,<b>,1,1,0.01,0.5\n"
IMAGES = of_classes(0, 1, true=(0, 0), names=("<i>cat", "dog"), pictures=np.random.default_rng(0).random((2, 1, 8, 8)))


@pytest.mark.parametrize(
    ("part", "figures"),
    [(IMAGES, ["confusion-val"]), (of_numbers([1, 2, 3], [1, 3, 3]), ["predicted-val", "residuals-val"])],
    ids=["classes", "numbers"],
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_figure_is_drawn(page: Page, tmp_path: Path, scheme: str, part: PartOutputs, figures: list[str]) -> None:
    folder = make_run(tmp_path / "run")
    (folder / "layers.csv").write_text(LAYERS)
    write_part_outputs(folder / "val_outputs.npz", part)
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(write_run_page(folder).as_uri())
    plots = page.locator(".plot")
    assert [plot.get_attribute("id") for plot in plots.all()] == ["curve-0", "update-ratio", "dead-share", *figures]
    for plot in plots.all():
        plot.scroll_into_view_if_needed()
        plot.locator(".main-svg").first.wait_for()
    assert page.locator("#worst img").count() == len(part.pictures)
    page.wait_for_function("[...document.images].every((each) => each.naturalWidth === 8)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1200])
def test_a_finding_fits_and_each_of_its_commands_can_be_copied(
    page: Page, tmp_path: Path, scheme: str, width: int
) -> None:
    name, remedies = "column_" + 20 * "wide_", (("optimizer.lr=0.01",), ("model.name='<i>'", 30 * "long."))
    finding = Finding("shift", f"parts differ in <b>{name}</b>", {"ratio": 6.6}, "> 3", "measured", remedies=remedies)
    folder = make_run(tmp_path / "run", result={**RESULT, "findings": [finding.to_plain()]})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(write_run_page(folder).as_uri())
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    section = page.locator("#findings")
    assert f"parts differ in <b>{name}</b>" in section.inner_text()
    for place, button in enumerate(section.locator("li button").all()):
        button.click()
        section.locator("li .command").nth(place).get_by_text("copied").wait_for()
    assert section.locator("li .command").count() == len(remedies)
