"""Many models at once in a browser, on a real Ollama and a real registry."""

from __future__ import annotations

import re
import uuid

import httpx
from playwright.sync_api import Locator, expect

from tests.components.loopback import PLAIN
from tests.components.ollama_server import OllamaProcess
from tests.components.panel import PanelProcess
from tests.components.registry import RegistryProcess
from tests.components.waiting import wait_until
from tests.end_to_end.api import Api
from tests.end_to_end.browser.conftest import NewVisitor
from tests.end_to_end.browser.visitor import Visitor

MB = 1_000_000


def installed(ollama: OllamaProcess) -> set[str]:
    tags = httpx.get(f"{ollama.url}/api/tags", verify=PLAIN, trust_env=False).json()["models"]
    return {row["name"] for row in tags}


def badge(visitor: Visitor) -> Locator:
    """The state of the task whose page is open."""
    return visitor.page.locator("#task-panel .oc-badge").first


def part(visitor: Visitor, name: str) -> Locator:
    return visitor.page.locator("#task-parts tbody tr").filter(has_text=name)


def begins_at_its_top(visitor: Visitor) -> None:
    """A plan that is longer than its window opens with its first line, and Cancel in sight."""
    page, dialog = visitor.page, visitor.page.get_by_role("dialog")
    before = page.viewport_size
    page.set_viewport_size({"width": 390, "height": 420})
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.locator("#batch").get_by_role("button", name="Delete").click()
    cancel = dialog.get_by_role("button", name="Cancel")
    expect(cancel).to_be_focused()
    expect(cancel).to_be_in_viewport()
    expect(dialog.locator(".oc-outcome")).to_be_in_viewport(ratio=1)
    assert dialog.evaluate("box => [box.scrollTop, box.scrollHeight > box.clientHeight]") == [
        0,
        True,
    ]
    visitor.picture("batch-plan-phone")
    assert before is not None
    page.set_viewport_size(before)


def test_three_models_are_chosen_planned_confirmed_and_deleted(
    visitor: Visitor,
    new_visitor: NewVisitor,
    panel: PanelProcess,
    admin: Api,
    server: int,
    ollama: OllamaProcess,
    real_registry: RegistryProcess,
) -> None:
    prefix = f"many-{uuid.uuid4().hex[:8]}"
    names = [real_registry.push_random_model(size=MB, name=f"{prefix}-{n}").name for n in range(4)]
    pulled = admin.post("models/batch/", {"operation": "pull", "names": names, "servers": [server]})
    admin.succeed(pulled)
    assert installed(ollama) >= set(names)

    page = visitor.page
    visitor.open(f"models/?search={prefix}")
    visitor.is_live()
    bar = page.locator("#batch")
    for name in names[:3]:
        page.get_by_role("checkbox", name=f"Select {name}").check()
    expect(bar).to_contain_text("3 selected")
    bar.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("3 models will be worked on.")
    expect(dialog).to_contain_text("3 can be rolled back.")
    for name in names[:3]:
        expect(dialog.get_by_role("row").filter(has_text=name)).to_contain_text("will be done")
    expect(dialog.get_by_role("link", name="Cancel")).to_have_count(0)  # it is a button here
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    visitor.picture("batch-plan")
    begins_at_its_top(visitor)
    confirm = dialog.get_by_label("Type 3, the number of models")
    confirm.fill("4")
    dialog.get_by_role("button", name="Delete").click()
    expect(dialog).to_contain_text("This is not the number of models. Type 3.")
    assert installed(ollama) >= set(names)
    visitor.forgive("422")

    watcher = new_visitor()
    watcher.log_in("admin", panel.password)
    watcher.open("tasks/")
    watcher.is_live()
    parent = watcher.page.locator("#oc-list tbody tr").filter(has_text="Delete: 3 models")
    expect(parent).to_have_count(0)
    confirm.fill("3")
    dialog.get_by_role("button", name="Delete").click()
    page.wait_for_url(re.compile(r"/tasks/\d+/"))
    # Without a reload: the row comes, and goes on to its end.
    expect(parent.locator(".oc-badge")).to_have_text("succeeded", timeout=60_000)
    visitor.is_live()
    expect(badge(visitor)).to_have_text("succeeded", timeout=60_000)
    expect(page.locator("#task-panel .oc-outcome")).to_contain_text("3 parts in all, 3 succeeded")
    for name in names[:3]:
        expect(part(visitor, name).locator(".oc-badge")).to_have_text("succeeded")
    visitor.picture("batch-done")
    assert installed(ollama) & set(names) == {names[3]}
    visitor.open(f"models/?search={prefix}")
    expect(page.locator("#oc-list tbody tr")).to_have_count(1)
    expect(visitor.row(names[3])).to_be_visible()


def test_a_pull_of_three_says_what_became_of_each_and_retries_what_failed(
    visitor: Visitor,
    admin: Api,
    server: int,
    ollama: OllamaProcess,
    real_registry: RegistryProcess,
) -> None:
    prefix = f"some-{uuid.uuid4().hex[:8]}"
    there = [
        real_registry.push_random_model(size=8 * MB, name=f"{prefix}-{n}").name for n in range(2)
    ]
    late = real_registry.push_random_model(size=MB, name=f"{prefix}-late")
    never = f"{real_registry.host}/library/{prefix}-never:latest"
    real_registry.blobs.rate = 4 * MB
    asked = {"operation": "pull", "names": [*there, late.name, never], "servers": [server]}
    plan = admin.post("models/batch/plan/", asked, status=200)
    assert [item["code"] for item in plan["items"]] == ["", "", "", "missing"]
    assert plan["bytes"]["exact"]
    assert plan["servers"][0]["answers"] is True
    admin.post("downloads/pause/")
    begun = admin.post("models/batch/", asked)
    parent = begun["task"]["id"]
    wait_until(lambda: len(admin.all("tasks/", parent=parent)) == 3, "its parts wait")
    real_registry.withdraw(late)  # what the plan could not know
    admin.post("downloads/resume/")

    page = visitor.page
    visitor.open(f"tasks/{begun['task']['id']}/")
    visitor.is_live()
    expect(part(visitor, there[0])).to_be_visible(timeout=20_000)
    expect(badge(visitor)).to_have_text("failed", timeout=60_000)
    expect(page.locator("#task-panel .oc-note")).to_contain_text("1 of 3 steps did not succeed.")
    expect(page.locator("#task-panel .oc-outcome")).to_contain_text(
        "1 left out, 3 parts in all, 2 succeeded, 1 failed"
    )
    for name in there:
        expect(part(visitor, name).locator(".oc-badge")).to_have_text("succeeded")
    expect(part(visitor, late.name).locator(".oc-badge")).to_have_text("failed")
    expect(part(visitor, late.name).locator(".oc-message")).not_to_be_empty()
    visitor.picture("batch-failed")
    assert installed(ollama) >= set(there)

    real_registry.blobs.rate = None
    real_registry.push_random_model(size=MB, name=f"{prefix}-late")
    page.locator("#task-panel").get_by_role("button", name="Retry").click()
    expect(badge(visitor)).to_have_text("succeeded", timeout=60_000)
    expect(page.locator("#task-panel .oc-outcome")).to_contain_text(
        "1 left out, 3 parts in all, 3 succeeded"
    )
    expect(part(visitor, late.name).locator(".oc-badge")).to_have_text("succeeded")
    wait_until(lambda: late.name in installed(ollama), "it is there")
