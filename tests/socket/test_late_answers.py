"""Answers that come after newer ones, on a small page over the real socket."""

from __future__ import annotations

from playwright.sync_api import Route

from tests.socket.live_page import LivePage, changed

LIST = (
    '<div id="list" data-live-list="models" hx-get="/_fragment/list" hx-trigger="live:refresh"'
    ' hx-target="#list" hx-swap="outerHTML">{}</div>'
)
ASK = '<button hx-get="/_fragment/asked" hx-target="#list" hx-swap="outerHTML">ask</button>'
COUNTS = (
    '<div id="counts" data-live-list="models" data-live-every hx-get="/_fragment/counts"'
    ' hx-trigger="live:refresh{}" hx-target="this" hx-swap="outerHTML"{}>{}</div>'
)
COUNT_ENDS = """window.ended = 0; const { send } = XMLHttpRequest.prototype;
XMLHttpRequest.prototype.send = function (...all) {
  this.addEventListener("loadend", () => { window.ended += 1; });
  return send.apply(this, all); };"""


def held(live: LivePage, name: str) -> list[Route]:
    """The requests for this name, which nothing answers but the test."""
    routes: list[Route] = []

    def hold(route: Route) -> None:
        routes.append(route)

    live.page.route(f"**/_fragment/{name}", hold)
    return routes


def come(live: LivePage, routes: list[Route], times: int = 1) -> Route:
    """The last of so many requests, once it is there."""
    live.waits_until(lambda: len(routes) >= times, "the page asks")
    return routes[-1]


def let_go(live: LivePage, route: Route, body: str, **headers: str) -> None:
    """Answer, and wait until the page has dealt with it."""
    before = live.page.evaluate("ended")
    route.fulfill(body=body, content_type="text/html", headers=headers)
    live.page.wait_for_function("before => ended > before", arg=before)


def test_what_was_asked_before_an_event_is_asked_again_after_it(live: LivePage) -> None:
    live.fragments = {"list": lambda: LIST.format("new")}
    live.page.add_init_script(COUNT_ENDS)
    live.show(LIST.format("old") + ASK, "models")
    asked = held(live, "asked")
    live.is_connected()
    live.page.click("button")
    route = come(live, asked)
    changed("model:8", 1)
    live.has("#list", "new")
    let_go(live, route, LIST.format("asked before"))
    live.waits_for("list", times=2)
    live.has("#list", "new")


def test_an_older_list_replaces_neither_the_list_nor_the_address(live: LivePage) -> None:
    counts = COUNTS.format("", "", "new counts")
    live.fragments = {"asked": lambda: LIST.format("asked"), "counts": lambda: counts}
    live.page.add_init_script(COUNT_ENDS)
    live.show(LIST.format("old") + counts + ASK, "models")
    listed = held(live, "list")
    live.is_connected()
    changed("model:8", 1)
    route = come(live, listed)
    live.page.click("button")
    live.has("#list", "asked")
    aside = COUNTS.format("", ' hx-swap-oob="true"', "old counts")
    let_go(live, route, LIST.format("old") + aside, **{"HX-Replace-Url": "/old/"})
    live.has("#list", "asked")
    live.has("#counts", "new counts")
    assert "/old/" not in live.page.url


def test_counts_of_another_query_than_the_lists_are_dropped(live: LivePage) -> None:
    later = COUNTS.format(", load", ' hx-swap-oob="true"', "none yet")
    live.fragments = {"asked": lambda: LIST.format("asked") + later}
    counts = held(live, "counts")
    live.page.add_init_script(COUNT_ENDS)
    live.show(LIST.format("old") + COUNTS.format(", load", "", "none yet") + ASK, "models")
    older = come(live, counts)
    live.page.click("button")
    let_go(live, come(live, counts, times=2), COUNTS.format("", "", "new counts"))
    live.has("#counts", "new counts")
    let_go(live, older, COUNTS.format("", "", "old counts"))
    live.has("#counts", "new counts")
