"""A person in front of a browser, at the panel's pages."""

from __future__ import annotations

import os
import re
from pathlib import Path

from django.utils.translation import gettext, override
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.components.panel import PanelProcess

# Set to keep pictures of the pages, to be looked at.
PICTURES = os.environ.get("OLLAMACTL_SCREENSHOTS", "")
CATALOGUES = {"en": "en", "zh": "zh-hans"}
BEGINS_WITH_HAN = re.compile(r"[“\W]*[\u4e00-\u9fff]")
# What htmx says of a request that gave way to a newer one of the same form; of one that failed it
# says more.
REPLACED = ("htmx:sendAbort", "htmx:afterRequest")
TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""


class Visitor:
    """One page in one window. `complaints` are the browser's errors, the content policy's too.

    `address`: where the panel is for this person, if that is not its own URL.
    """

    def __init__(
        self,
        context: BrowserContext,
        panel: PanelProcess,
        language: str = "en",
        *,
        address: str = "",
    ) -> None:
        self.context = context
        self.panel = panel
        self.address = address or panel.url
        self.language = language
        self.complaints: list[str] = []
        self.page = self._new_page()

    def _new_page(self) -> Page:
        page = self.context.new_page()
        page.add_init_script(TELL_VIOLATIONS)
        page.on("console", lambda said: self._note(said.type, said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and text not in REPLACED:
            self.complaints.append(text)

    def word(self, text: str) -> str:
        """One of the panel's texts in this person's language; it must have been translated."""
        with override(CATALOGUES[self.language]):
            word = gettext(text)
        assert self.language == "en" or BEGINS_WITH_HAN.match(word), f"not translated: {text}"
        return word

    def forgive(self, complaint: str) -> None:
        """Forget the errors that are expected. A cut that is over soon enough brings none."""
        kept = [text for text in self.complaints if not re.search(complaint, text)]
        self.complaints[:] = kept

    def open(self, path: str) -> None:
        self.page.goto(f"{self.address}/{path}")

    def log_in(self, user: str, password: str) -> None:
        """Go to the dashboard by the login page."""
        self.open("")
        self.page.locator("input[name=username]").fill(user)
        self.page.locator("input[name=password]").fill(password)
        self.page.get_by_role("button", name=self.word("Log in")).click()
        self.is_live()

    def close_tab(self) -> None:
        self.page.close()

    def new_tab(self, path: str) -> None:
        self.page = self._new_page()
        self.open(path)

    def is_live(self, timeout: float = 30) -> None:
        """Wait until the page hears what happens."""
        expect(self.pill).to_have_attribute("data-state", "connected", timeout=timeout * 1000)
        expect(self.pill).to_contain_text(self.word("Live"))
        expect(self.page.locator("html")).not_to_have_attribute("data-stale", re.compile(""))

    @property
    def pill(self) -> Locator:
        return self.page.locator("[data-live-pill]")

    def row(self, model: str) -> Locator:
        """The model's row in the list."""
        return self.page.locator("tbody tr").filter(has_text=model)

    def status(self, model: str, status: str, timeout: float = 30) -> None:
        """Wait until the model's row says this status (an English word of the panel's)."""
        badge = self.row(model).locator(".oc-badge").first
        expect(badge).to_have_text(self.word(status), timeout=timeout * 1000)

    def press(self, model: str, button: str) -> None:
        """Press a button in the model's row."""
        self.row(model).get_by_role("button", name=self.word(button)).click()

    def bar(self, model: str) -> tuple[float, float] | None:
        """Done and total of the bar in the model's row, in bytes; None where it has none."""
        bar = self.row(model).locator("progress[value]")
        if not bar.count():
            return None
        done, total = bar.first.evaluate("bar => [bar.value, bar.max]")
        return float(done), float(total)

    def picture(self, name: str) -> None:
        if PICTURES:
            folder = Path(PICTURES)
            folder.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=folder / f"{name}-{self.language}.png", full_page=True)
