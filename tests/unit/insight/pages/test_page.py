"""A page is one file that opens offline; what comes from a user is shown as it is."""

from __future__ import annotations

import math
import re

import pytest
from study_pages import specs

from tunesmith.insight.pages.page import Figure, Section, command, missing, sentence, table, text, to_html, to_json

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)> \x1b[2J"
SPEC = {"data": [{"y": [1.0, math.nan, math.inf], "name": HOSTILE}], "layout": {}}


@pytest.fixture(scope="module")
def page() -> str:
    folded = Section("b", HOSTILE, table([HOSTILE], [[HOSTILE], [1.5]], ["best", ""]), is_folded=True)
    switches = [{"linear": {"yaxis.type": "linear"}, HOSTILE: {"yaxis.type": "log"}}]
    figure = Figure("one", SPEC, switches=switches, label=HOSTILE)
    first = Section("a", "First", sentence(HOSTILE) + missing(HOSTILE) + command(HOSTILE), [figure])
    return to_html(HOSTILE, [first, folded], HOSTILE)


def test_markup_of_a_user_is_no_markup(page: str) -> None:
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert(1)") >= 8
    assert r"\u003cscript>alert(1)" in page
    assert "<img" not in re.sub(r"<script>.*?</script>", "", page, flags=re.S)


def test_a_character_that_steers_a_console_is_written_out(page: str) -> None:
    assert "\x1b" not in page.partition("<script>")[0]
    assert r"\x1b[2J" in page


def test_the_page_loads_nothing_and_says_so_to_the_browser(page: str) -> None:
    head, _, _ = page.partition("<script>")
    assert "default-src 'none'" in head
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", head)


def test_a_number_that_is_not_finite_is_null_in_a_figure(page: str) -> None:
    assert specs(page)["one"]["data"][0]["y"] == [1.0, None, None]


def test_sections_have_their_ids_in_their_order_and_links(page: str) -> None:
    assert re.findall(r'<section id="(\w+)">', page) == ["a", "b"]
    assert '<a href="#a">First</a>' in page
    assert re.search(r'<section id="b"><details><summary>', page)


def test_the_first_switch_is_pressed(page: str) -> None:
    assert re.findall(r'aria-pressed="(\w+)"', page.partition("<body>")[2]) == ["true", "false"]


def test_json_of_nested_values_is_finite_and_closes_no_script() -> None:
    assert to_json({"a": ({"b": [-math.inf]}, 1), "c": "</script>"}) == '{"a":[{"b":[null]},1],"c":"\\u003c/script>"}'


def test_numbers_stand_at_the_right_and_truths_do_not() -> None:
    assert '<td class="number">1.5</td><td>True</td>' in table(["a", "b"], [[1.5, True]])


def test_a_text_is_one_line_without_markup() -> None:
    assert text("a\n<b>") == "a &lt;b&gt;"
