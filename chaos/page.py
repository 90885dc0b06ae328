"""A person who looks at the list of models all the time, and never loads the page again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, sync_playwright

from tests.components.fixtures import BROWSER_ARGUMENTS
from tests.components.inventory import CHROMIUM
from tests.components.panel import PanelProcess

BADGES = """() => Object.fromEntries([...document.querySelectorAll("tr[id^=model-]")].map(
  (row) => [row.id.slice(6), row.querySelector(".oc-badge").textContent.trim()]))"""


class WatchedPage:
    """The list of models in Chromium."""

    def __init__(self, page: Page) -> None:
        self._page = page
        page.evaluate("window.neverReloaded = true")

    def badges(self) -> dict[int, str]:
        """What the page says of each model, by id."""
        shown: dict[str, str] = self._page.evaluate(BADGES)
        return {int(number): text for number, text in shown.items()}

    def was_reloaded(self) -> bool:
        """Whether this is another document than at first."""
        return not self._page.evaluate("window.neverReloaded === true")


@contextmanager
def watched_page(panel: PanelProcess) -> Iterator[WatchedPage]:
    """Logged in and connected. Raises `MissingComponent` where there is no Chromium."""
    binary = CHROMIUM.locate()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(binary), args=list(BROWSER_ARGUMENTS)
        )
        page = browser.new_page(locale="en-US")
        page.set_default_timeout(60_000)
        page.goto(f"{panel.url}/login/?next=/models/")
        page.fill("[name=username]", "admin")
        page.fill("[name=password]", panel.password)
        page.press("[name=password]", "Enter")
        page.wait_for_selector("html[data-live=connected]")
        yield WatchedPage(page)
        browser.close()
