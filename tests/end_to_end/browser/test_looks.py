"""Every page in both languages, light and dark, wide and on a phone, empty and full: accessible,
within the screen, without an error of the browser's."""

from __future__ import annotations

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.components.loopback import PLAIN
from tests.components.ollama_server import OllamaProcess
from tests.components.panel import PanelProcess
from tests.components.registry import RegistryProcess
from tests.components.waiting import wait_until
from tests.end_to_end.api import Api
from tests.end_to_end.browser.conftest import NewVisitor
from tests.end_to_end.browser.visitor import Visitor

PHONE = {"width": 360, "height": 740}
WIDE = {"width": 1280, "height": 800}
MANY = 120
PAGES = (
    *("", "models/", "chats/", "servers/", "tasks/", "models/add/", "servers/add/"),
    "catalogue/",
)


def violations(page: Page) -> list[str]:
    """What axe finds wrong, as lines."""
    found = Axe().run(page).response["violations"]
    return [
        f"{rule['id']}: {node['target']} {node['html'][:120]}"
        for rule in found
        for node in rule["nodes"][:3]
    ]


def too_wide(page: Page) -> list[str]:
    """What sticks out of the window to the right, and makes it scroll."""
    return list(
        page.evaluate(
            """() => document.documentElement.scrollWidth <= innerWidth ? [] :
            [...document.querySelectorAll("body *")]
                .filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
                .map((e) => e.outerHTML.slice(0, 120)).slice(0, 5)"""
        )
    )


def look_at(visitor: Visitor, path: str, name: str) -> list[str]:
    visitor.open(path)
    visitor.is_live()
    visitor.picture(name)
    page = visitor.page
    return [f"{path} {text}" for text in (*violations(page), *too_wide(page))]


@pytest.mark.parametrize(
    ("size", "language", "theme"),
    [
        pytest.param(WIDE, "en", "light", id="wide-en-light"),
        pytest.param(WIDE, "zh", "dark", id="wide-zh-dark"),
        pytest.param(PHONE, "en", "dark", id="phone-en-dark"),
        pytest.param(PHONE, "zh", "light", id="phone-zh-light"),
    ],
)
def test_pages_with_nothing_to_show(
    new_visitor: NewVisitor,
    panel: PanelProcess,
    admin: Api,
    server: int,
    size: dict[str, int],
    language: str,
    theme: str,
) -> None:
    assert admin.all("models/") == []
    visitor = new_visitor(language, viewport=size, color_scheme=theme)
    visitor.open("")
    wrong = [*violations(visitor.page), *too_wide(visitor.page)]
    visitor.log_in("admin", panel.password)
    for path in PAGES:
        wrong += look_at(visitor, path, f"empty-{path.replace('/', '-')}{size['width']}-{theme}")
    assert not wrong, "\n".join(sorted(set(wrong)))


@pytest.fixture(scope="module")
def many(
    panel: PanelProcess, admin: Api, module_ollama: OllamaProcess, session_registry: RegistryProcess
) -> int:
    """A hundred and twenty models on the Ollama, which are copies of one."""
    pushed = session_registry.push_random_model()
    server = admin.all("servers/", search="Ollama")[0]["id"]
    admin.succeed(admin.post("models/", {"name": pushed.name, "server": server}))
    with httpx.Client(
        base_url=module_ollama.url, timeout=60, verify=PLAIN, trust_env=False
    ) as client:
        for number in range(1, MANY):
            copy = {"source": pushed.name, "destination": f"team/copy-{number:03}:7b-q4_K_M"}
            client.post("/api/copy", json=copy).raise_for_status()
    admin.succeed(admin.post("models/sync/", {"server": server}))
    wait_until(lambda: admin.get("models/")["count"] == MANY, "all are known")
    return int(server)


@pytest.mark.parametrize(
    ("size", "theme"),
    [pytest.param(WIDE, "light", id="wide-light"), pytest.param(PHONE, "dark", id="phone-dark")],
)
def test_pages_with_many_rows(
    new_visitor: NewVisitor,
    panel: PanelProcess,
    admin: Api,
    server: int,
    many: int,
    real_registry: RegistryProcess,
    size: dict[str, int],
    theme: str,
) -> None:
    pushed = real_registry.push_random_model(size=40_000_000)
    real_registry.blobs.rate = 40_000  # it must outlast the looks at all pages
    accepted = admin.post("models/", {"name": pushed.name, "server": server})
    visitor = new_visitor(viewport=size, color_scheme=theme)
    visitor.log_in("admin", panel.password)
    model, task = accepted["model"]["id"], accepted["task"]["id"]
    paths = ("", "models/", f"models/{model}/", f"tasks/{task}/", f"servers/{server}/", "tasks/")
    wrong: list[str] = []
    for path in paths:
        wrong += look_at(visitor, path, f"many-{path.replace('/', '-')}{size['width']}-{theme}")
    assert not wrong, "\n".join(sorted(set(wrong)))

    visitor.open("models/")
    rows = visitor.page.locator("#oc-list tbody tr")
    expect(rows.first).to_be_visible()
    assert 20 <= rows.count() < MANY
    visitor.page.get_by_role("searchbox").fill("copy-042")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("team/copy-042:7b-q4_K_M")
    visitor.page.get_by_role("searchbox").fill(pushed.name)
    expect(rows).to_have_count(1)
    expect(rows.locator("progress[value]")).to_be_in_viewport()
    real_registry.blobs.rate = None
    visitor.status(pushed.name, "stopped")
    admin.succeed(admin.delete(f"models/{model}/"))
    expect(rows).to_have_count(0)
    expect(visitor.page.locator("#oc-list")).to_contain_text("No model fits these filters")
