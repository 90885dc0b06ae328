"""A page of the panel in Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, sync_playwright

from tests.components.fixtures import BROWSER_ARGUMENTS
from tests.components.inventory import CHROMIUM
from tests.components.panel import PanelProcess


@contextmanager
def open_page(panel: PanelProcess, path: str) -> Iterator[Page]:
    """The page at a path, the administrator logged in and connected.

    Raises `MissingComponent` where there is no Chromium.
    """
    program = str(CHROMIUM.locate())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(BROWSER_ARGUMENTS))
        page = browser.new_page(locale="en-US")
        page.goto(f"{panel.url}/login/?next=/{path}")
        page.fill("[name=username]", "admin")
        page.fill("[name=password]", panel.password)
        page.press("[name=password]", "Enter")
        page.wait_for_selector("html[data-live=connected]")
        yield page
        browser.close()
