"""The figures over a study's parameters, drawn by a browser: names and values of a study are shown as they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from shown import shown_study, shown_trial

from tunesmith.insight.pages.study_page import study_page

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

NAME = '<b>"key"</b> & $x$'
VALUES: list[Any] = ["</script><script>document.title = 'run'</script>", 'a "b"', "$y$", "d" * 90]


def drawn(page: Page, path: Path, num: int) -> list[str]:
    """Open the page of a study with so many trials; return the ids of its figures after each has been looked at."""
    trials = [
        shown_trial(n, 1 + (n - 20) ** 2 / 9, params={NAME: VALUES[n % 4], "lr": 10 ** -(n % 5), "layers": n % 3})
        for n in range(num)
    ]
    path.write_text(study_page(shown_study([*trials, shown_trial(num, None, "failed", params={"lr": 1.0})])))
    page.goto(path.as_uri())
    names = [str(plot.get_attribute("id")) for plot in page.locator(".plot").all()]
    for name in names:
        page.locator(f"#{name}").scroll_into_view_if_needed()
        page.wait_for_selector(f"#{name} .main-svg")
    return names


def test_the_figures_of_the_parameters_are_drawn_and_markup_is_text(page: Page, tmp_path: Path) -> None:
    names = drawn(page, tmp_path / "page.html", 40)
    assert {"importances", "contour", "value-0", "value-1", "value-2", "parallel"} <= set(names)
    assert page.locator("#parallel canvas").count() > 0
    assert page.locator("#importances").get_by_text(NAME, exact=True).count() == 1
    assert page.title() == "Study study"


def test_a_hover_shows_the_trial(page: Page, tmp_path: Path) -> None:
    drawn(page, tmp_path / "page.html", 40)
    page.evaluate("Plotly.Fx.hover('contour', [{curveNumber: 1, pointNumber: 0}])")
    shown = page.locator("#contour .hovertext").first.text_content() or ""
    assert shown.startswith("trial ")
