"""Debian's Chromium without a window, and what a page in it asks of a network or complains of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.daemon import find_program

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Route

# root has no sandbox; a container's /dev/shm may be too small for a page with many pictures.
FLAGS = ("--no-sandbox", "--disable-dev-shm-usage")
SIZE = {"width": 1280, "height": 900}
_OWN = ("file:", "data:", "blob:", "about:")


@dataclass
class Watched:
    """A page, the addresses that it was refused, and its errors: of the console and of scripts."""

    page: Page
    refused: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Start Chromium; it ends with the block, and with this process.

    Raises:
        ServiceError: it is not installed.
    """
    program = find_program("chromium", "chromium")
    from playwright.sync_api import sync_playwright  # an extra: all other tests are collected without it

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def watched_page(browser: Browser, allowed: str = "file:") -> Iterator[Watched]:
    """Open a page in a browser state of its own; refuse and record every request but those for files.

    allowed: the beginning of further addresses, such as http://127.0.0.1:8080/, that a page may ask for.
    """
    context = browser.new_context(viewport=SIZE)
    watched = Watched(context.new_page())

    def route(request: Route) -> None:
        if request.request.url.startswith((*_OWN, allowed)):
            return request.continue_()
        watched.refused.append(request.request.url)
        return request.abort()

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error":
            watched.errors.append(message.text)

    context.route("**/*", route)
    watched.page.on("console", hear)
    watched.page.on("pageerror", lambda error: watched.errors.append(str(error)))
    try:
        yield watched
    finally:
        context.close()
