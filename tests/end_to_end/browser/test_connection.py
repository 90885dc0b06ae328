"""Somebody connects a program to the real Ollama, and jumps to Open WebUI, in a browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.components.ollama_server import OllamaProcess
from tests.components.panel import PanelProcess
from tests.end_to_end.api import Api
from tests.end_to_end.browser.conftest import NewVisitor
from tests.end_to_end.browser.test_looks import PHONE, WIDE, too_wide, violations
from tests.end_to_end.browser.visitor import Visitor
from tests.helpers.open_webui import CONFIG, open_webui

# What a browser may copy, if a person lets it.
CLIPBOARD = ["clipboard-read", "clipboard-write"]


@pytest.mark.parametrize(
    ("size", "language", "theme"),
    [
        pytest.param(WIDE, "en", "light", id="wide-en-light"),
        pytest.param(PHONE, "zh", "dark", id="phone-zh-dark"),
    ],
)
def test_the_url_that_works_is_shown_and_copied(
    new_visitor: NewVisitor,
    panel: PanelProcess,
    ollama: OllamaProcess,
    server: int,
    size: dict[str, int],
    language: str,
    theme: str,
) -> None:
    visitor = new_visitor(language, viewport=size, color_scheme=theme, permissions=CLIPBOARD)
    visitor.log_in("admin", panel.password)
    visitor.open(f"servers/{server}/")
    page = visitor.page
    page.get_by_role("link", name=visitor.word("Connect"), exact=True).click()
    expect(page.locator("#connection-again")).to_be_visible()  # it has been tried out
    expect(page.locator("#url-this_machine")).to_have_text(ollama.url)
    first = page.locator(".oc-address").first
    expect(first).to_contain_text(visitor.word("It answers here."))

    page.locator("#program-langchain").press("Enter")
    expect(page.locator("#program-langchain")).to_have_attribute("aria-current", "true")
    expect(page.locator("#program-langchain")).to_be_focused()
    expect(page.locator(".oc-snippet pre").first).to_contain_text("ChatOllama(")
    page.get_by_label(visitor.word("Where it runs")).select_option("container")
    expect(page.locator(".oc-snippet pre").first).to_contain_text("host.docker.internal")
    page.locator(".oc-snippet button").first.click()
    copied = str(page.evaluate("navigator.clipboard.readText()"))
    assert f'base_url="http://host.docker.internal:{ollama.port}"' in copied
    page.go_back()
    expect(page.locator(".oc-snippet pre").first).to_contain_text(f'base_url="{ollama.url}"')
    expect(page.locator("#connection-again")).to_be_visible()
    expect(page.locator("#open-webui-again")).to_be_visible()

    visitor.picture(f"connect-{size['width']}-{theme}")
    assert violations(page) == []
    assert too_wide(page) == []
    with page.expect_download() as download:
        page.locator("#download-yaml").click()
    assert download.value.suggested_filename == "ollama-ollama.yaml"


def set_address(admin: Api, server: int, url: str) -> None:
    answer = admin.call("PATCH", f"servers/{server}/", json={"open_webui_url": url})
    assert answer.status_code == 200, answer.text


def test_the_jump_waits_until_open_webui_is_there(
    visitor: Visitor, admin: Api, server: int
) -> None:
    with open_webui({"status": "starting"}) as stand_in:
        stand_in.answer("/", b"<title>Open WebUI</title>", 200, **{"Content-Type": "text/html"})
        stand_in.answer("/favicon.ico", b"", 204)
        set_address(admin, server, stand_in.url)
        visitor.open(f"servers/{server}/")
        visitor.open(f"servers/{server}/open-webui/")
        page = visitor.page
        expect(page.locator("#open-webui")).to_contain_text("is not Open WebUI")
        assert violations(page) == []
        visitor.picture("open-webui-something-else")
        stand_in.answer("/api/config", CONFIG)
        page.get_by_role("button", name="Look again").click()
        page.wait_for_url(f"{stand_in.url}/")
        assert page.title() == "Open WebUI"
        page.go_back()  # to where one was before, and not into the jump again
        expect(page.get_by_role("link", name="Open WebUI")).to_be_visible()
        assert page.url.endswith(f"/servers/{server}/")
