"""Pages stay true: closed tabs, reloads, other browsers, cut sockets, restarts, logouts."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.components.panel import PanelProcess
from tests.components.registry import PushedModel, RegistryProcess
from tests.components.waiting import wait_until
from tests.end_to_end.api import Api
from tests.end_to_end.browser.conftest import NewVisitor
from tests.end_to_end.browser.visitor import Visitor

SIZE = 20_000_000
# What the browser itself says of a socket that is cut: no script can keep it from that.
# Of the socket, and of a part of the page that was being asked for as the panel went.
CUT = (
    "WebSocket connection to .* failed|"
    "ERR_CONNECTION_(REFUSED|RESET)|ERR_EMPTY_RESPONSE|htmx:sendError"
)


class Download:
    """A pull whose speed a test sets; it stands still at first."""

    def __init__(self, api: Api, registry: RegistryProcess, server: int) -> None:
        self.api = api
        self.registry = registry
        self.pushed: PushedModel = registry.push_random_model(size=SIZE)
        self.name = self.pushed.name
        registry.blobs.sent = 0
        registry.blobs.rate = 2_000_000
        accepted = api.post("models/", {"name": self.name, "server": server})
        self.task, self.model = accepted["task"]["id"], accepted["model"]["id"]
        self.come(2_000_000)

    def come(self, more: int) -> None:
        """Let so many more bytes come, then stand still."""
        until = self.registry.blobs.sent + more
        self.registry.blobs.rate = 4_000_000
        wait_until(lambda: self.registry.blobs.sent >= until, "bytes came", 60)
        self.registry.blobs.stall()

    def finish(self) -> None:
        self.registry.blobs.resume()
        assert self.api.wait_for_task(self.task)["state"] == "succeeded"


@pytest.fixture
def download(admin: Api, server: int, real_registry: RegistryProcess) -> Iterator[Download]:
    download = Download(admin, real_registry, server)
    yield download
    real_registry.blobs.resume()
    admin.wait_for_task(download.task)
    admin.delete(f"models/{download.model}/")
    wait_until(lambda: admin.model(download.name) is None, "it is gone")


def shows_as_much_as_came(visitor: Visitor, download: Download, *others: Visitor) -> float:
    """Wait until the bar on each page is where the download stands; returns that, in bytes.

    What came may be said a moment after it was sent, so a later look may find more.
    """

    def stands_there() -> tuple[float, float] | None:
        progress = download.api.get(f"tasks/{download.task}/")["progress"]
        bar = (progress["done"], progress["total"])
        agree = all(each.bar(download.name) == bar for each in (visitor, *others))
        return bar if agree else None

    done, total = wait_until(stands_there, "the bar stands where the download does", 60)
    assert 0 < done < total == download.pushed.size
    return done


def mark(visitor: Visitor) -> None:
    """Leave a mark in the page, which a reload would wipe out."""
    visitor.page.evaluate("window.mark = 'here'")


def has_mark(visitor: Visitor) -> bool:
    return bool(visitor.page.evaluate("window.mark === 'here'"))


def test_a_closed_tab_a_reload_and_a_second_browser(
    visitor: Visitor, new_visitor: NewVisitor, passwords: dict[str, str], download: Download
) -> None:
    visitor.open("models/")
    visitor.is_live()
    first = shows_as_much_as_came(visitor, download)
    visitor.close_tab()
    download.come(3_000_000)
    visitor.new_tab("models/")
    second = shows_as_much_as_came(visitor, download)
    assert second > first
    visitor.page.reload()
    assert shows_as_much_as_came(visitor, download) >= second

    other = new_visitor("zh")
    other.log_in("operator", passwords["operator"])
    other.open("models/")
    second = shows_as_much_as_came(visitor, download, other)
    visitor.is_live()
    other.is_live()
    download.come(3_000_000)
    assert shows_as_much_as_came(visitor, download, other) > second
    download.finish()
    visitor.status(download.name, "stopped")
    other.status(download.name, "stopped")


def test_a_viewer_watches_and_has_no_buttons(
    new_visitor: NewVisitor, passwords: dict[str, str], download: Download
) -> None:
    viewer = new_visitor()
    viewer.log_in("viewer", passwords["viewer"])
    page = viewer.page
    for path in ("", "models/", f"models/{download.model}/", "servers/", f"tasks/{download.task}/"):
        viewer.open(path)
        viewer.is_live()
        content = page.locator("#content")
        expect(content).to_contain_text("Ollama" if path == "servers/" else download.name)
        # To look at a server anew is to look on.
        offered = content.locator(
            "[hx-post]:not([hx-post$='/check/']), form[method=post], a[href$='/add/']"
        )
        expect(offered).to_have_count(0)
    viewer.open("models/")
    before = shows_as_much_as_came(viewer, download)
    viewer.is_live()
    download.come(3_000_000)
    assert shows_as_much_as_came(viewer, download) > before
    download.finish()
    viewer.status(download.name, "stopped")
    expect(viewer.row(download.name).get_by_role("button")).to_have_count(0)
    answer = page.goto(f"{viewer.panel.url}/models/add/")
    assert answer is not None
    assert answer.status == 403
    expect(page.locator("body")).to_contain_text("models_app.pull_ollamamodel")
    viewer.forgive("status of 403")


def test_somebody_without_a_role_is_told_what_to_do(
    new_visitor: NewVisitor, passwords: dict[str, str], server: int
) -> None:
    nobody = new_visitor()
    nobody.log_in("nobody", passwords["nobody"])
    expect(nobody.page.locator("#content")).to_contain_text("You have no role yet")
    expect(nobody.page.locator("#content")).not_to_contain_text("Ollama server")
    for name in ("Models", "Servers", "Tasks"):
        expect(nobody.page.get_by_role("link", name=name, exact=True)).to_have_count(0)


def test_a_killed_web_process_is_said_and_got_over(
    visitor: Visitor, panel: PanelProcess, download: Download
) -> None:
    visitor.open("models/")
    visitor.is_live()
    shows_as_much_as_came(visitor, download)
    mark(visitor)
    panel.processes()["web"].kill()
    expect(visitor.pill).to_have_attribute("data-state", re.compile("reconnecting|offline"))
    expect(visitor.pill).to_contain_text(re.compile("Reconnecting…|Offline"))
    expect(visitor.page.locator("html")).to_have_attribute("data-stale", "")
    download.registry.blobs.resume()  # it ends while nobody hears of it
    visitor.is_live()
    visitor.status(download.name, "stopped")
    assert has_mark(visitor)
    visitor.forgive(CUT)


def test_a_killed_valkey_is_got_over(
    visitor: Visitor, panel: PanelProcess, download: Download
) -> None:
    visitor.open("models/")
    visitor.is_live()
    before = shows_as_much_as_came(visitor, download)
    mark(visitor)
    panel.processes()["valkey"].kill()
    download.come(3_000_000)
    assert shows_as_much_as_came(visitor, download) > before
    download.finish()
    visitor.status(download.name, "stopped")
    assert has_mark(visitor)


def test_a_panel_that_was_away_is_true_again_without_a_reload(
    visitor: Visitor, panel: PanelProcess, download: Download, real_registry: RegistryProcess
) -> None:
    visitor.open("models/")
    visitor.is_live()
    mark(visitor)
    assert panel.stop() == 0
    expect(visitor.pill).to_have_attribute("data-state", "offline")
    expect(visitor.page.locator("html")).to_have_attribute("data-stale", "")
    panel.start()
    visitor.is_live(40)  # a pause between two attempts is half a minute at most
    shows_as_much_as_came(visitor, download)
    download.finish()
    visitor.status(download.name, "stopped")
    assert has_mark(visitor)
    visitor.forgive(CUT)


def test_a_logout_elsewhere_is_said_and_a_new_login_brings_it_back(
    visitor: Visitor, panel: PanelProcess, download: Download
) -> None:
    visitor.open("models/")
    visitor.is_live()
    shows_as_much_as_came(visitor, download)
    mark(visitor)
    elsewhere = visitor.context.new_page()
    elsewhere.goto(f"{panel.url}/")
    elsewhere.evaluate(
        """() => fetch("/logout/", {method: "POST", headers: {"X-CSRFToken":
        document.cookie.split("; ").find((c) => c.startsWith("ollamactl_csrf=")).split("=")[1]}})"""
    )
    expect(visitor.pill).to_have_attribute("data-state", "login")
    expect(visitor.pill).to_contain_text("Logged out")
    login = visitor.pill.get_by_role("link", name="Log in")
    expect(login).to_be_visible()
    assert (login.get_attribute("href") or "").endswith("?next=%2Fmodels%2F")
    expect(visitor.page.locator("html")).to_have_attribute("data-stale", "")

    elsewhere.goto(f"{panel.url}/login/")
    elsewhere.locator("input[name=username]").fill("admin")
    elsewhere.locator("input[name=password]").fill(panel.password)
    elsewhere.get_by_role("button", name="Log in").click()
    visitor.is_live()
    expect(login).to_be_hidden()
    download.come(3_000_000)
    shows_as_much_as_came(visitor, download)
    assert has_mark(visitor)
