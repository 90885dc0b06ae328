"""The main job with a mouse, on a real Ollama, a real registry and a real model, in both
languages."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import expect

from tests.components.loopback import PLAIN
from tests.components.ollama_server import OllamaProcess
from tests.components.panel import PanelProcess
from tests.components.registry import PushedModel, RegistryProcess
from tests.components.waiting import wait_until
from tests.end_to_end.browser.conftest import NewVisitor
from tests.end_to_end.browser.visitor import Visitor

RATE = 50e6  # bytes a second: the model takes five seconds


def add_model(visitor: Visitor, name: str) -> None:
    """Open the dialog, type the name, wait for the verdict, download."""
    page = visitor.page
    page.get_by_role("link", name=visitor.word("Add a model")).first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading")).to_have_text(visitor.word("Add a model"))
    field = dialog.get_by_role("combobox")
    expect(field).to_be_focused()
    field.press_sequentially(name)
    verdict = dialog.get_by_role("status")
    expect(verdict).to_contain_text(visitor.word("Nothing speaks against it."))
    visitor.picture("add")
    dialog.get_by_role("button", name=visitor.word("Download")).click()


def watch_the_bar(visitor: Visitor, name: str) -> None:
    """The bar moves, forwards only, with its figures, until the model is there."""
    seen: list[float] = []

    def has_moved_four_times() -> bool:
        bar = visitor.bar(name)
        if bar is not None and (not seen or bar[0] != seen[-1]):
            seen.append(bar[0])
        return len(seen) > 4

    wait_until(has_moved_four_times, "the bar has moved", 60)
    assert seen == sorted(seen)
    row = visitor.row(name)
    expect(row.locator("[data-field=total]")).to_have_text("253 MB")
    assert row.locator("[data-field=percent]").inner_text().endswith("%")
    expect(row.locator("[data-field=rate]")).to_contain_text("MB/s")
    expect(row.locator("[data-field=eta]")).not_to_be_empty()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_pull_start_stop_delete(
    new_visitor: NewVisitor,
    panel: PanelProcess,
    server: int,
    ollama: OllamaProcess,
    real_registry: RegistryProcess,
    pullable_model: PushedModel,
    language: str,
) -> None:
    visitor = new_visitor(language)
    page = visitor.page
    visitor.open("")
    visitor.picture("login")
    visitor.log_in("admin", panel.password)
    expect(page.locator("#dashboard")).to_contain_text("Ollama")
    expect(page.locator("#dashboard .oc-badge").first).to_have_text(visitor.word("online"))
    visitor.picture("dashboard")
    page.get_by_role("link", name=visitor.word("Models")).first.click()
    expect(page.locator("#oc-list")).to_contain_text(visitor.word("There are no models yet"))

    name = pullable_model.name
    real_registry.blobs.rate = RATE
    add_model(visitor, name)
    expect(page.locator("#model-panel h2").first).to_have_text(name)
    expect(page.locator("#model-panel progress[value]")).to_be_visible()
    visitor.picture("model-downloading")
    page.get_by_role("link", name=visitor.word("Models")).first.click()
    visitor.is_live()
    visitor.status(name, "downloading")
    watch_the_bar(visitor, name)
    visitor.picture("models-downloading")
    visitor.status(name, "stopped", 40)
    assert visitor.bar(name) is None

    visitor.press(name, "Start")
    visitor.status(name, "running", 60)
    expect(visitor.row(name)).to_contain_text("100% CPU")
    visitor.picture("models-running")
    loaded = httpx.get(f"{ollama.url}/api/ps", verify=PLAIN, trust_env=False).json()["models"]
    assert [row["name"] for row in loaded] == [name]
    visitor.press(name, "Stop")
    visitor.status(name, "stopped", 30)
    assert httpx.get(f"{ollama.url}/api/ps", verify=PLAIN, trust_env=False).json()["models"] == []

    visitor.press(name, "Delete")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(name)
    expect(dialog.get_by_role("button", name=visitor.word("Keep it"))).to_be_focused()
    visitor.picture("delete")
    dialog.get_by_role("button", name=visitor.word("Delete")).click()
    expect(visitor.row(name)).to_have_count(0)
    expect(page.locator("#oc-list")).to_contain_text(visitor.word("There are no models yet"))
    assert httpx.get(f"{ollama.url}/api/tags", verify=PLAIN, trust_env=False).json()["models"] == []

    page.get_by_role("link", name=visitor.word("Tasks")).first.click()
    rows = page.locator("#oc-list tbody tr").filter(has_text=name)
    expect(rows).to_have_count(4 if language == "en" else 8)
    expect(rows.locator(".oc-badge")).to_have_text([visitor.word("succeeded")] * rows.count())
    visitor.picture("tasks")


def test_the_language_is_chosen_before_the_login_and_stays(
    new_visitor: NewVisitor, panel: PanelProcess, server: int
) -> None:
    visitor = new_visitor("en")
    visitor.open("")
    visitor.page.get_by_role("button", name="简体中文").click()
    expect(visitor.page.locator("html")).to_have_attribute("lang", "zh-hans")
    visitor.language = "zh"
    visitor.log_in("admin", panel.password)
    expect(visitor.page.locator("html")).to_have_attribute("lang", "zh-hans")
