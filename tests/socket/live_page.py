"""A small page of the panel's origin in a real browser, for tests of the pages' script."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.test import Client
from playwright.sync_api import BrowserContext, Page, Route, WebSocketRoute, expect

from tasks_app.live import publish
from tests.components.waiting import wait_until

BASE = (settings.BASE_DIR / "templates/admin/base_site.html").read_text()
# How the panel's own pages use htmx.
CONFIG = next(line for line in BASE.splitlines() if 'name="htmx-config"' in line)
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>live</title>{config}
<link rel="icon" href="data:,">
<script src="{static}unfold/js/htmx/htmx.js"></script><script src="{static}panel/live.js"></script>
</head><body>
<span data-live-pill data-text-connected="Live" data-text-reconnecting="Reconnecting"
 data-text-offline="Offline" data-text-login="Logged out"><b data-live-pill-text>Connecting</b>
 <a data-live-login href="/login/" hidden>Log in</a></span>
<main data-live-topics="{topics}">{body}</main></body></html>"""


def changed(subject: str, seq: int, type: str = "changed", **data: Any) -> None:
    """Tell all pages of a change of "model:7"."""
    kind, _, number = subject.partition(":")
    whole = {"id": int(number), **data}
    publish(f"{kind}.{type}", subject=subject, seq=seq, data=whole, topics=[f"{kind}s", subject])


class LivePage:
    """A page of the panel's origin, whose fragments the test writes and counts."""

    def __init__(self, context: BrowserContext, panel: str) -> None:
        self.panel = panel
        self.context = context
        self.page: Page = context.new_page()
        self.requests: list[str] = []
        self.fragments: dict[str, Callable[[], str]] = {}
        self.complaints: list[str] = []
        self.sockets: list[WebSocketRoute] = []
        self.sockets_are_relayed = False
        self.topics: set[str] = set()
        self.snapshots: set[str] = set()
        self.page.on("console", lambda message: self._note(message.type, message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("websocket", lambda opened: opened.on("framereceived", self._hear))

    def _note(self, kind: str, text: str) -> None:
        if kind == "error":
            self.complaints.append(text)

    def _hear(self, frame: str | bytes) -> None:
        message = json.loads(frame)
        if message["type"] == "snapshot":
            self.snapshots.add(message["subject"])

    def log_in(self, client: Client) -> None:
        name = settings.SESSION_COOKIE_NAME
        cookie = {"name": name, "value": client.cookies[name].value, "url": f"http://{self.panel}"}
        self.context.add_cookies([cookie])  # type: ignore[list-item]

    def relay_sockets(self) -> None:
        """Pass the socket through the test, which can then cut it."""

        self.sockets_are_relayed = True  # and `_hear` hears nothing

        def relay(route: WebSocketRoute) -> None:
            self.sockets.append(route)
            route.connect_to_server()

        self.page.route_web_socket(re.compile("/ws/v1/events/"), relay)

    def show(self, body: str, topics: str = "") -> None:
        self.topics = set() if self.sockets_are_relayed else set(topics.split())
        self.page.route("**/_fragment/*", self._answer)
        # Any answer of the panel gives the page its origin, its network and its policy.
        self.page.goto(f"http://{self.panel}/healthz")
        static = settings.STATIC_URL
        self.page.set_content(PAGE.format(body=body, topics=topics, static=static, config=CONFIG))

    def _answer(self, route: Route) -> None:
        name = route.request.url.rpartition("/")[2]
        if name in self.fragments:
            self.requests.append(name)
            route.fulfill(body=self.fragments[name](), content_type="text/html")
        else:
            route.fallback()  # the test answers itself

    def is_connected(self) -> None:
        expect(self.page.locator("[data-live-pill]")).to_have_attribute("data-state", "connected")
        self.waits_until(lambda: self.topics <= self.snapshots, "the page hears its topics")

    def has(self, selector: str, text: str) -> None:
        expect(self.page.locator(selector)).to_have_text(text)

    def waits_for(self, name: str, times: int = 1) -> None:
        self.waits_until(lambda: self.requests.count(name) >= times, f"the page asks for {name}")

    def waits_until(self, condition: Callable[[], object], what: str) -> None:
        # Each call lets playwright hand over what the browser has done.
        wait_until(lambda: self.page.evaluate("1") and condition(), what)
