"""README and docs/: links lead somewhere, code is what the project has, and each page says what it is for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import ROOT
from pages import PAGES, files_to_add

ALL = (*(ROOT / "README.md", ROOT / "CONTRIBUTING.md"), *sorted((ROOT / "docs").glob("*.md")))
NAMES = [str(page.relative_to(ROOT)) for page in ALL]
OF_PAGES = [(page, name) for page in PAGES for name in files_to_add(page)]


@pytest.mark.parametrize("page", ALL, ids=NAMES)
def test_its_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://)([^)#\s]*)(?:#([\w-]+))?\)", page.read_text())
    targets = [(page.parent / path if path else page, anchor) for path, anchor in links]
    assert [str(target) for target, _ in targets if not target.exists()] == []
    assert [(str(target), anchor) for target, anchor in targets if anchor and anchor not in anchors(target)] == []


def anchors(page: Path) -> set[str]:
    """Return the names that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", ALL[2:], ids=NAMES[2:])
def test_a_page_of_docs_says_what_it_is_for(page: Path) -> None:
    first = page.read_text().split("\n\n")[1]
    assert page.name == "log.md" or first.startswith("This page is for "), first


def test_readme_names_every_page_of_docs() -> None:
    readme = (ROOT / "README.md").read_text()
    assert [name for name in NAMES[1:] if f"({name})" not in readme] == []


@pytest.mark.parametrize(("page", "name"), OF_PAGES, ids=[f"{page.name} {name}" for page, name in OF_PAGES])
def test_code_of_a_file_that_ships_is_that_file(page: Path, name: str) -> None:
    """A page may also ask for a file that is not there yet; if pages ask for it twice, they ask for the same."""
    path = ROOT / name
    told = {files_to_add(other)[name] for other in PAGES if name in files_to_add(other)}
    assert told == {path.read_text() if path.exists() else files_to_add(page)[name]}


@pytest.mark.parametrize("page", ALL, ids=NAMES)
def test_no_code_is_left_out(page: Path) -> None:
    assert re.findall(r"<!-- code: .*? -->", page.read_text()) == []
