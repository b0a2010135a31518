"""A page of sections with figures as one HTML file: it opens offline, light and dark, and prints."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from tunesmith.errors import printable, text_of

T = TypeVar("T")
# Id -> title and what makes a section of facts.
Sections = Mapping[str, tuple[str, Callable[[T], "Section"]]]

_HERE = Path(__file__).parent
# Nothing may be loaded from anywhere. Plotly makes functions of texts (its WebGL), hence unsafe-eval.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:; "
    "worker-src blob:; base-uri 'none'; form-action 'none'"
)


@dataclass(frozen=True)
class Figure:
    """A figure of plotly.

    id: unique on the page, of letters, digits and hyphens.
    spec: `data` and `layout` as plain values. A trace may have `texts`, a list, and `text_index`, for each point a
        place in it: the page makes plotly's `text` of them, so that a text of many points is there once.
    height: pixels.
    switches: groups of buttons above the figure; of each, label -> what it changes of the layout, the first as drawn.
    label: what the figure shows, for those who cannot see it.
    is_half: whether two of them stand side by side, if there is room.
    min_width: pixels; a narrower window scrolls the figure.
    """

    id: str
    spec: Mapping[str, Any]
    height: int = 360
    switches: Sequence[Mapping[str, Mapping[str, Any]]] = ()
    label: str = ""
    is_half: bool = False
    min_width: int = 0


@dataclass(frozen=True)
class Section:
    """A part of a page; body: HTML, whose every text has gone through `text`; figures stand below it.

    tail: HTML below the figures.
    """

    id: str
    title: str
    body: str
    figures: Sequence[Figure] = ()
    is_folded: bool = False
    tail: str = ""


def make_sections(sections: Sections[T], facts: T) -> list[Section]:
    """Return the sections; one that cannot be made says so in its place."""
    return [_made(name, title, make, facts) for name, (title, make) in sections.items()]


def _made(name: str, title: str, make: Callable[[T], Section], facts: T) -> Section:
    try:
        return make(facts)
    except Exception as error:  # whatever a folder may hold, the other sections stand
        words = f"This part could not be made ({type(error).__name__}: {text_of(error)}): please report it."
        return Section(name, title, missing(words))


def to_html(title: str, sections: Sequence[Section], subtitle: str = "") -> str:
    """Return the page; title and subtitle are texts, which are escaped here."""
    links = "".join(f'<a href="#{section.id}">{text(section.title)}</a>' for section in sections)
    head = (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{text(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f'<link rel="icon" href="data:,">\n<style>\n{_read("page.css")}</style></head>\n'
    )
    body = (
        f'<body>\n<header><h1>{text(title)}</h1><p class="subtitle">{text(subtitle)}</p><nav>{links}</nav></header>\n'
        f"<main>\n{''.join(map(_section, sections))}</main>\n"
    )
    return f"{head}{body}<script>{_plotly()}</script>\n<script>\n{_read('page.js')}</script>\n</body></html>\n"


def text(value: object) -> str:
    """Return a value as text of HTML: names and values are a user's, and markup in them is shown as it is."""
    return escape(printable(str(value)))


def sentence(words: str) -> str:
    """Return a paragraph of a text."""
    return f"<p>{text(words)}</p>\n"


def missing(words: str) -> str:
    """Return a paragraph that says what cannot be shown, and why."""
    return f'<p class="missing">{text(words)}</p>\n'


def command(line: str) -> str:
    """Return a command with a button that copies it."""
    return f'<div class="command"><code>{text(line)}</code><button type="button">copy</button></div>\n'


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], classes: Sequence[str] = ()) -> str:
    """Return a table of texts; numbers stand at the right.

    classes: a CSS class of each row, such as `best`, or "".
    """
    head = "".join(f"<th>{text(column)}</th>" for column in columns)
    kinds = classes or [""] * len(rows)
    body = "".join(
        f'<tr class="{text(kind)}">{"".join(map(_cell, row))}</tr>\n' for row, kind in zip(rows, kinds, strict=True)
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>\n'


def beside(*parts: str) -> str:
    """Return parts of HTML that stand side by side, if there is room."""
    return f'<div class="beside">{"".join(f"<div>{part}</div>" for part in parts)}</div>\n'


def folded(title: str, body: str) -> str:
    """Return HTML that is shown after a click, and in print."""
    return f"<details><summary>{text(title)}</summary>\n{body}</details>\n"


def to_json(value: Any) -> str:
    """Return a value as JSON that may stand in a script element; a number that is not finite becomes null."""
    try:
        written = json.dumps(value, allow_nan=False, separators=(",", ":"))
    except ValueError:
        written = json.dumps(_finite(value), allow_nan=False, separators=(",", ":"))
    return written.replace("<", "\\u003c")


def _section(section: Section) -> str:
    figures = f'<div class="figures">{"".join(map(_figure, section.figures))}</div>\n' if section.figures else ""
    inside = f"{section.body}{figures}{section.tail}"
    if section.is_folded:
        inside = f"<details><summary><h2>{text(section.title)}</h2></summary>\n{inside}</details>"
    else:
        inside = f"<h2>{text(section.title)}</h2>\n{inside}"
    return f'<section id="{text(section.id)}">{inside}</section>\n'


def _figure(figure: Figure) -> str:
    name, label = text(figure.id), text(figure.label)
    size = f"height:{figure.height}px;min-width:{figure.min_width}px"
    kind = "figure half" if figure.is_half else "figure"
    return (
        f'<div class="{kind}">{"".join(map(_switch, figure.switches))}'
        f'<div class="plot" id="{name}" role="img" aria-label="{label}" style="{size}"></div>'
        f'<script type="application/json" id="{name}-spec">{to_json(figure.spec)}</script></div>\n'
    )


def _switch(choices: Mapping[str, Mapping[str, Any]]) -> str:
    buttons = "".join(
        f'<button type="button" aria-pressed="{str(not place).lower()}" data-layout="{escape(to_json(change))}">'
        f"{text(label)}</button>"
        for place, (label, change) in enumerate(choices.items())
    )
    return f'<span class="switch">{buttons}</span>'


def _cell(value: object) -> str:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return f'<td class="number">{text(value)}</td>' if is_number else f"<td>{text(value)}</td>"


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list | tuple) else value


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _plotly() -> str:
    """Return plotly.js as pip's plotly brings it: 4.8 MB, whole and offline."""
    found = find_spec("plotly")
    assert found is not None
    assert found.origin is not None
    return (Path(found.origin).parent / "package_data" / "plotly.min.js").read_text(encoding="utf-8")
