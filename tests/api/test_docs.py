"""The documentation: in a browser, offline, under the panel's own content security policy."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import ConsoleMessage, Page, expect

from tests.factories import UserFactory


@pytest.mark.django_db(transaction=True)
def test_every_operation_can_be_read_and_tried(page: Page, live_server: Any) -> None:
    user = UserFactory(is_superuser=True)
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}]
    )
    problems: list[str] = []
    asked: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            problems.append(message.text)

    page.on("console", note)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{live_server.url}/api/docs/")
    me = page.locator("#operations-me-me")
    expect(me).to_be_visible(timeout=30_000)
    me.locator("button.opblock-summary-control").click()
    me.get_by_role("button", name="Try it out").click()
    me.get_by_role("button", name="Execute").click()
    expect(me.locator(".live-responses-table .response .highlight-code").first).to_contain_text(
        f'"username": "{user.username}"'
    )
    assert problems == []
    foreign = [url for url in asked if not url.startswith((live_server.url, "data:"))]
    assert foreign == []


@pytest.mark.django_db
def test_a_stranger_is_shown_the_way_in() -> None:
    answer = Client().get("/api/docs/", headers={"accept": "text/html"})
    assert answer.status_code == 401
    assert "?next=/api/docs/" in answer.content.decode()
    assert answer["WWW-Authenticate"] == "Token"


@pytest.mark.django_db
def test_there_is_no_inline_script() -> None:
    client = Client()
    client.force_login(UserFactory())
    page = client.get("/api/docs/")
    html = page.content.decode()
    assert html.count("<script") == html.count("<script src=")
    assert "script-src 'self' 'unsafe-eval';" in page["Content-Security-Policy"] + ";"
    script = client.get("/api/docs/?script=")
    assert script["Content-Type"].startswith("application/javascript")
    assert "SwaggerUIBundle(" in script.content.decode()
