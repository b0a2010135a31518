"""The page of a study in a browser: offline, without an error, each figure drawn, light, dark and on paper."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from study_pages import study_of, trial

from tunesmith.insight.pages.study_facts import ParamFacts, StudyFacts
from tunesmith.insight.pages.study_page import study_page

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

LR, ACT = FloatDistribution(1e-4, 1e-1, log=True), CategoricalDistribution(["relu", "<b>tanh</b>"])
UNDRAWN = (
    "[...document.querySelectorAll('.plot')].filter(plot => !plot.querySelector('.main-svg')).map(plot => plot.id)"
)
IS_DRAWN = "document.querySelector('#curves-all .main-svg') !== null"


def clock(number: int) -> dict[str, Any]:
    """When a trial of 50 epochs ran."""
    began = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number)
    return {"epochs": 50, "seconds": 50.0, "started": began, "ended": began + timedelta(seconds=50), "worker": "here 0"}


def large_study() -> StudyFacts:
    """200 trials of 50 epochs."""
    draw = random.Random(0)
    params = [{"lr": 10 ** draw.uniform(-4, -1), "act": draw.choice(ACT.choices)} for _ in range(200)]
    curves = [{step: (1 + 50 * each["lr"]) / step + draw.random() / 50 for step in range(1, 51)} for each in params]
    trials = [
        trial(
            number,
            min(curve.values()),
            "pruned" if number % 3 else "complete",
            params=each,
            curve=curve,
            **clock(number),
        )
        for number, (each, curve) in enumerate(zip(params, curves, strict=True))
    ]
    spaces = [
        ParamFacts("lr", is_log=True, low=1e-4, high=1e-1, distribution=LR),
        ParamFacts("act", choices=ACT.choices, distribution=ACT),
    ]
    return study_of(*trials, params=spaces, best_se=0.01, resume_command="python train.py -m")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("page") / "report.html"
    made.write_text(study_page(large_study(), "of a test"))
    return made


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_figure_is_drawn(page: Page, path: Path, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(path.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(each => (each.open = true))")
    page.wait_for_function(f"{UNDRAWN}.length === 0")
    sections = "[...document.querySelectorAll('section')].filter(each => each.querySelector('.main-svg'))"
    drawn = page.evaluate(f"{sections}.map(each => each.id)")
    assert drawn == ["search", "curves", "parameters", "top"]
    ink = page.evaluate("getComputedStyle(document.querySelector('#curves-all .xtick text')).fill")
    assert ink == {"light": "rgb(27, 31, 36)", "dark": "rgb(228, 231, 235)"}[scheme]


def test_markup_in_a_name_is_shown_as_it_is(page: Page, path: Path) -> None:
    page.goto(path.as_uri())
    page.wait_for_function(f"{UNDRAWN}.length === 0")
    assert page.locator("text=<b>tanh</b>").count() > 0


def test_the_pointer_shows_the_parameters_of_a_trial(page: Page, path: Path) -> None:
    page.goto(path.as_uri())
    page.wait_for_function(IS_DRAWN)
    plot = page.locator("#curves-all")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    for share in (0.4, 0.6, 0.7):
        page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + share * box["height"])
    page.wait_for_function("document.querySelector('#curves-all .hoverlayer').textContent.includes('lr =')")


def test_a_switch_changes_the_axis(page: Page, path: Path) -> None:
    page.goto(path.as_uri())
    page.wait_for_function(IS_DRAWN)
    figure = page.locator(".figure", has=page.locator("#curves-all"))
    before = page.evaluate("document.getElementById('curves-all').layout.yaxis.type ?? 'linear'")
    figure.locator("button[aria-pressed=false]").click()
    after = page.evaluate("document.getElementById('curves-all').layout.yaxis.type")
    assert {before, after} == {"linear", "log"}


def test_all_figures_are_drawn_light_and_narrow_before_printing(page: Page, path: Path) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto(path.as_uri())
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.wait_for_function(f"{UNDRAWN}.length === 0")
    page.wait_for_function("document.querySelector('#curves-all .main-svg').getAttribute('width') === '690'")
    assert page.evaluate("document.getElementById('curves-all').layout.font.color") == "#000000"
    assert page.evaluate("document.querySelectorAll('details:not([open])').length") == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.wait_for_function("document.querySelector('#curves-all .main-svg').getAttribute('width') > 1000")


def test_a_figure_that_cannot_be_drawn_says_so_and_the_others_stand(page: Page, tmp_path: Path) -> None:
    values = (1e308, -1e308, 1.0)  # further apart than a number can say
    trials = [trial(number, value, params={"lr": number / 2}, **clock(number)) for number, value in enumerate(values)]
    made = tmp_path / "report.html"
    made.write_text(study_page(study_of(*trials, params=[ParamFacts("lr", low=0.0, high=1.0)])))
    errors: list[object] = []
    page.on("pageerror", lambda error: errors.append(error))
    page.goto(made.as_uri())
    page.wait_for_function("document.querySelector('#timeline .main-svg') !== null")
    assert "This figure cannot be drawn" in page.locator("#parallel").inner_text()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert errors == []
