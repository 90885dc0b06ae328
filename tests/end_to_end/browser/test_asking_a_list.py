"""Whichever answer comes first, the list that was asked for last is the one that is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl

import pytest
from playwright.sync_api import APIResponse, Page, Request, Route, expect

from tests.components.panel import PanelProcess
from tests.components.waiting import wait_until
from tests.end_to_end.browser.conftest import demo_panel
from tests.end_to_end.browser.visitor import Visitor

# How many requests the page has dealt with, answers that it drops too.
COUNT_ENDS = """
window.ended = 0;
const send = XMLHttpRequest.prototype.send;
XMLHttpRequest.prototype.send = function (...all) {
  this.addEventListener("loadend", () => { window.ended += 1; });
  return send.apply(this, all);
};
"""
TYPE_AND_CLICK = """(field, link) => {
  field.value = "gem";
  field.dispatchEvent(new Event("input", { bubbles: true }));
  link.click();
}"""
LIVE = "document.getElementById('oc-list').dispatchEvent(new CustomEvent('live:refresh'))"


class Held:
    """Holds back answers, which the panel has given at once, to addresses that fit."""

    def __init__(self, page: Page, wanted: str) -> None:
        self.page = page
        self.answers: list[tuple[Route, APIResponse]] = []
        self.is_over = False
        page.route(re.compile(wanted), self._hold)

    def _hold(self, route: Route) -> None:
        if self.is_over:
            route.continue_()
        else:
            self.answers.append((route, route.fetch()))

    def come(self, count: int = 1) -> None:
        """Wait until so many are held, and hold no more."""
        wait_until(lambda: self.page.evaluate("1") and len(self.answers) >= count, "it is asked")
        self.is_over = True

    def let_go(self) -> None:
        """Hand them over, and wait until the page has dealt with them."""
        until = self.page.evaluate("ended") + len(self.answers)
        for route, answer in self.answers:
            route.fulfill(response=answer)
        self.page.wait_for_function("until => ended >= until", arg=until)


@pytest.fixture(scope="module")
def panel() -> Iterator[PanelProcess]:
    with demo_panel() as running:
        yield running


@pytest.fixture
def models(visitor: Visitor) -> Page:
    """The page of models, live, with its rows."""
    visitor.page.add_init_script(COUNT_ENDS)
    visitor.open("models/")
    visitor.is_live()
    visitor.status("gemma3:latest", "stopped")
    return visitor.page


Query = dict[str, str]


def asked(page: Page) -> list[Query]:
    """What is asked of the list from now on, in its order."""
    sent: list[Query] = []

    def note(request: Request) -> None:
        address, _, query = request.url.partition("?")
        if address.endswith("/models/"):
            sent.append(dict(parse_qsl(query)))

    page.on("request", note)
    return sent


def shows(page: Page, rows: int, **query: str) -> None:
    """Wait until the list that the address asks for is there, with so many rows."""

    def is_there() -> bool:
        return dict(parse_qsl(page.evaluate("location.search.slice(1)"))) == query

    wait_until(is_there, f"the address asks for {query}")
    expect(page.locator("#oc-list tbody .oc-name")).to_have_count(rows)


def is_by_size(page: Page) -> None:
    expect(page.locator("th[aria-sort=ascending]")).to_have_text(re.compile("Size"))


def test_the_answer_to_the_form_comes_after_the_order(models: Page) -> None:
    form = Held(models, r"/models/\?search=gem")
    models.get_by_label("Name").fill("gem")
    form.come()
    models.get_by_role("link", name="Size").click()
    shows(models, 1, search="gem", ordering="size")
    form.let_go()
    shows(models, 1, search="gem", ordering="size")
    is_by_size(models)
    models.go_back()
    expect(models).to_have_url(re.compile(r"/models/$"))


def test_the_answer_to_the_order_comes_after_the_form(models: Page) -> None:
    every = models.locator("#oc-list tbody tr").count()
    order = Held(models, r"/models/\?ordering=size")
    models.get_by_role("link", name="Size").click()
    order.come()
    models.get_by_label("Name").fill("gem")
    shows(models, 1, search="gem", ordering="size")
    order.let_go()
    shows(models, 1, search="gem", ordering="size")
    is_by_size(models)
    models.get_by_label("Name").fill("")
    shows(models, every, ordering="size")


def test_an_order_right_after_typing_has_what_was_typed(models: Page) -> None:
    sent = asked(models)
    wanted = {"search": "gem", "ordering": "size"}
    order = Held(models, r"/models/\?.*ordering=size")
    # In one go, so that the form has not asked yet.
    models.get_by_label("Name").evaluate(
        TYPE_AND_CLICK, models.get_by_role("link", name="Size").element_handle()
    )
    order.come(2)  # the form's, a moment after the last letter, asks for the same
    assert [{**query, **wanted} == query for query in sent] == [True, True]
    order.let_go()
    shows(models, 1, **wanted)
    is_by_size(models)
    models.go_back()  # it was one step
    expect(models).to_have_url(re.compile(r"/models/$"))


def test_leaving_the_field_asks_no_second_time(models: Page) -> None:
    sent = asked(models)
    name = models.get_by_label("Name")
    name.fill("gem")
    shows(models, 1, search="gem")
    name.press("Tab")
    name.fill("gemma")
    shows(models, 1, search="gemma")
    models.locator("#quick-status-stopped").click()
    shows(models, 1, search="gemma", status="stopped")
    assert [(query.get("search"), query.get("status")) for query in sent] == [
        ("gem", None), ("gemma", None), ("gemma", "stopped"),
    ]  # fmt: skip


def test_an_old_list_that_came_live_replaces_none(models: Page) -> None:
    live = Held(models, r"/models/$")
    models.evaluate(LIVE)
    live.come()
    stopped = models.locator("#quick-status-stopped")
    stopped.click()
    expect(stopped).to_have_attribute("aria-current", "true")
    rows = models.locator("#oc-list tbody .oc-name").count()
    live.let_go()
    shows(models, rows, status="stopped")
    expect(stopped).to_have_attribute("aria-current", "true")


def test_what_came_live_keeps_no_answer_away(models: Page) -> None:
    form = Held(models, r"/models/\?search=gem")
    models.get_by_label("Name").fill("gem")
    form.come()
    before = models.locator("#oc-list").element_handle()
    models.evaluate(LIVE)
    models.wait_for_function("list => !list.isConnected", arg=before)  # another has its place
    form.let_go()
    shows(models, 1, search="gem")
