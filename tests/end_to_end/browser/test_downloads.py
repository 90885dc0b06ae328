"""The queue of downloads in a browser: bars that move, an order that is changed, all paused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.components.panel import PanelProcess
from tests.components.registry import RegistryProcess
from tests.components.waiting import wait_until
from tests.end_to_end.api import Api
from tests.end_to_end.browser.conftest import NewVisitor
from tests.end_to_end.browser.test_looks import PHONE, WIDE, too_wide, violations
from tests.end_to_end.browser.visitor import Visitor

MB = 1_000_000


@pytest.fixture
def queue(admin: Api, server: int, real_registry: RegistryProcess) -> Iterator[list[str]]:
    """Downloads of a slow registry: one runs, the others wait in this order."""
    admin.call("PATCH", "settings/", json={"downloads_per_server": 1}).raise_for_status()
    real_registry.blobs.rate = MB // 2  # the first one must outlast a test
    models = [real_registry.push_random_model(size=60 * MB, name=f"queued-{n}") for n in range(4)]
    for model in models:
        admin.post("models/", {"name": model.name, "server": server})
    yield [model.name for model in models]
    admin.post("downloads/resume/")
    for task in admin.all("downloads/"):
        admin.call("POST", f"tasks/{task['id']}/cancel/")  # or it has just ended
    wait_until(lambda: not admin.all("downloads/"), "nothing is downloaded")
    admin.call("PATCH", "settings/", json={"downloads_per_server": 3}).raise_for_status()


def waiting(visitor: Visitor) -> list[str]:
    table = visitor.page.get_by_role("table", name="Downloads that wait")
    return [text.split("\n")[0] for text in table.locator("tbody .oc-name").all_inner_texts()]


def test_the_queue(visitor: Visitor, queue: list[str]) -> None:
    page = visitor.page
    visitor.open("downloads/")
    visitor.is_live()
    running = page.get_by_role("table", name="Downloads that run")
    expect(running).to_contain_text(queue[0])
    expect(running.locator("[data-field=rate]")).to_contain_text("/s")
    assert waiting(visitor) == queue[1:]
    page.get_by_role("button", name=f"{queue[3]}: to the first place").click()
    table = page.get_by_role("table", name="Downloads that wait")
    expect(table.locator("tbody .oc-name").first).to_have_text(queue[3])
    assert waiting(visitor) == [queue[3], queue[1], queue[2]]
    expect(page.locator("[data-rate-text]")).not_to_contain_text("Now 0 B/s")
    page.get_by_role("button", name="Pause all").click()
    expect(page.get_by_role("table", name="Paused downloads")).to_contain_text(queue[0])
    expect(page.locator("#oc-list")).to_contain_text("All downloads are paused")
    page.get_by_role("button", name="Resume all").click()
    expect(running).to_contain_text(queue[0])


@pytest.mark.parametrize(
    ("size", "language", "theme"),
    [
        pytest.param(WIDE, "en", "light", id="wide-en-light"),
        pytest.param(WIDE, "zh", "dark", id="wide-zh-dark"),
        pytest.param(PHONE, "zh", "light", id="phone-zh-light"),
    ],
)
def test_the_pages_look_well(
    new_visitor: NewVisitor,
    queue: list[str],
    panel: PanelProcess,
    size: dict[str, int],
    language: str,
    theme: str,
) -> None:
    visitor = new_visitor(language, viewport=size, color_scheme=theme)
    visitor.log_in("admin", panel.password)
    page, wrong = visitor.page, []
    for path in ("downloads/", "settings/", "models/add/?name=llama3.2:3b"):
        visitor.open(path)
        visitor.is_live()
        page.wait_for_load_state("networkidle")  # each part that is fetched by itself is there
        visitor.picture(f"queue-{path.split('/')[0]}-{size['width']}-{theme}")
        wrong += [f"{path} {text}" for text in (*violations(page), *too_wide(page))]
    assert not wrong, "\n".join(wrong)
