"""The browser that tests of pages use: it shows files, refuses every network, and tells of a page's errors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from services.chromium import watched_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


def test_a_file_is_shown(page: Page, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<title>here</title><script>document.title += ' and run'</script>")
    page.goto((tmp_path / "page.html").as_uri())
    assert page.title() == "here and run"


def test_what_a_page_asks_of_a_network_is_refused_and_known(chromium: Browser, tmp_path: Path) -> None:
    addresses = ["https://example.org/a.png", "http://127.0.0.1:9/b.js"]
    body = f'<img src="{addresses[0]}"><script src="{addresses[1]}"></script>'
    (tmp_path / "page.html").write_text(body)
    with watched_page(chromium) as watched:
        watched.page.goto((tmp_path / "page.html").as_uri())
        assert sorted(watched.refused) == sorted(addresses)


def test_errors_of_console_and_scripts_are_known(chromium: Browser, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<script>console.error('told'); throw new Error('thrown')</script>")
    with watched_page(chromium) as watched:
        watched.page.goto((tmp_path / "page.html").as_uri())
        assert sorted(watched.errors) == ["thrown", "told"]
