"""Finding models in a browser, over a simulated Ollama: typing, counts, searches, live rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from playwright.sync_api import Locator, ViewportSize, expect

from ollamactl.simulator.running import RunningSimulator, running_simulator
from tests.components.panel import PanelProcess
from tests.components.waiting import wait_until
from tests.end_to_end.api import Api
from tests.end_to_end.browser.test_looks import PHONE, too_wide, violations
from tests.end_to_end.browser.visitor import Visitor

KB = 1_000
# A colour on its way to another one has the contrast of neither.
TRANSITIONS = """() => Promise.all(document.getAnimations()
    .filter((one) => one instanceof CSSTransition).map((one) => one.finished)).then(() => null)"""
NAMES = ("llama3.2:3b", "mistral:7b", "phi4:14b", "qwen3:4b", "qwen3:8b")


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    """A simulated Ollama with five models, which it has again after a stop."""
    state = tmp_path_factory.mktemp("simulator")
    with running_simulator(max_loaded=len(NAMES), vram=0, state=state) as running:
        for name in NAMES:
            running.control.publish(name, 100 * KB)
        running.control.install(*NAMES)
        yield running


@pytest.fixture(scope="module")
def panel(simulator: RunningSimulator) -> Iterator[PanelProcess]:
    """A panel that finds it."""
    with TemporaryDirectory(prefix="octl-") as folder:
        home = Path(folder) / "h"
        found = {"OLLAMACTL_OLLAMA_URL": simulator.url, "OLLAMACTL_LANGUAGE": "en"}
        with PanelProcess(home, prepared=True, **found) as running:
            running.start()
            yield running


@pytest.fixture
def ids(admin: Api) -> dict[str, int]:
    """The ids of the models by their names, none of which runs."""

    def there() -> dict[str, int]:
        found = {row["name"]: row for row in admin.all("models/")}
        return {name: found[name]["id"] for name in NAMES} if set(NAMES) <= set(found) else {}

    models = wait_until(there, "the panel has found the models", 30)
    for row in admin.all("models/", loaded="true"):
        admin.succeed(admin.post(f"models/{row['id']}/stop/"))
    return models


def bar_looks_wrong(visitor: Visitor) -> list[str]:
    """What is wrong with the bar over the selection while some of it is not in sight, in a wide
    window and on a phone, light and dark."""
    page, wide = visitor.page, visitor.page.viewport_size
    assert wide is not None
    wrong = []
    for size in (wide, ViewportSize(width=PHONE["width"], height=PHONE["height"])):
        page.set_viewport_size(size)
        for theme in ("light", "dark"):
            dark = f"document.documentElement.classList.toggle('dark', {int(theme == 'dark')})"
            page.evaluate(dark)  # as the shell does; its own switch would load the page anew
            page.evaluate(TRANSITIONS)
            expect(page.get_by_role("button", name="Drop those not in sight")).to_be_visible()
            visitor.picture(f"selection-not-in-sight-{size['width']}-{theme}")
            wrong += [f"{size['width']} {theme} {text}" for text in violations(page)]
            wrong += too_wide(page)
    page.evaluate("document.documentElement.classList.remove('dark')")
    page.set_viewport_size(wide)
    return wrong


def names(visitor: Visitor) -> Locator:
    return visitor.page.locator("#oc-list tbody .oc-name")


def chip(visitor: Visitor, name: str) -> Locator:
    return visitor.page.locator(f"#quick-{name}")


def box(visitor: Visitor, name: str) -> Locator:
    return visitor.page.get_by_role("checkbox", name=f"Select {name}")


@pytest.mark.usefixtures("ids")
def test_what_is_wrong_with_a_size_is_said_at_its_field(visitor: Visitor) -> None:
    page = visitor.page
    page.set_viewport_size(ViewportSize(width=PHONE["width"], height=PHONE["height"]))
    visitor.open("models/")
    visitor.is_live()
    page.get_by_text("More filters").click()
    field = page.get_by_label("at least")
    field.fill("huge")
    field.press("Tab")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile("This is not a size"))
    visitor.picture("size-that-is-none")
    typed, error = field.bounding_box(), page.locator("#filter-min-size-error").bounding_box()
    assert typed is not None
    assert error is not None
    assert 0 <= error["y"] - (typed["y"] + typed["height"]) < 24
    assert violations(page) == []
    field.fill("1MB")
    field.press("Tab")
    expect(field).not_to_have_attribute("aria-invalid", "true")
    expect(page.locator("#filter-min-size-error")).to_be_empty()


@pytest.mark.usefixtures("ids")
def test_results_come_as_one_types_with_marks(visitor: Visitor) -> None:
    page = visitor.page
    visitor.open("models/")
    visitor.is_live()
    expect(names(visitor)).to_have_count(len(NAMES))
    search = page.get_by_label("Name", exact=True)
    search.press_sequentially("qwen")
    expect(names(visitor)).to_have_text(["qwen3:4b", "qwen3:8b"])
    expect(page.locator("#oc-list mark")).to_have_text(["qwen", "qwen"])
    expect(search).to_be_focused()
    expect(page).to_have_url(re.compile(r"search=qwen"))
    expect(chip(visitor, "status-stopped")).to_contain_text("2")
    search.fill("mistrel")  # one letter is wrong
    expect(names(visitor)).to_have_text(["mistral:7b"])
    search.fill("nobody has this")
    expect(page.locator("#oc-list")).to_contain_text("No model fits these filters")
    page.go_back()
    expect(names(visitor).first).to_be_visible()


def test_quick_filters_count_and_filter(visitor: Visitor, admin: Api, ids: dict[str, int]) -> None:
    page = visitor.page
    visitor.open("models/")
    visitor.is_live()
    expect(chip(visitor, "status-stopped")).to_have_text("stopped 5")
    for name in ("qwen3:4b", "qwen3:8b", "phi4:14b"):  # three rows, and many events, at once
        admin.post(f"models/{ids[name]}/start/")
    # The last count comes, whatever was counted in between.
    expect(chip(visitor, "status-running")).to_have_text("running 3")
    expect(chip(visitor, "status-stopped")).to_have_text("stopped 2")
    expect(chip(visitor, "status-starting")).to_have_count(0)
    chip(visitor, "status-running").click()
    expect(names(visitor)).to_have_text(["phi4:14b", "qwen3:4b", "qwen3:8b"])
    expect(chip(visitor, "status-running")).to_have_attribute("aria-current", "true")
    expect(page).to_have_url(re.compile(r"status=running"))
    visitor.picture("quick-filters")
    chip(visitor, "status-running").click()
    expect(names(visitor)).to_have_count(len(NAMES))


def test_a_server_that_goes_off_is_counted(
    visitor: Visitor, simulator: RunningSimulator, ids: dict[str, int]
) -> None:
    visitor.open("models/?status=stopped")
    visitor.is_live()
    expect(names(visitor)).to_have_count(len(NAMES))
    simulator.stop()
    try:
        expect(chip(visitor, "status-unavailable")).to_have_text("unavailable 5")
        expect(names(visitor)).to_have_count(0)
    finally:
        simulator.start()
    expect(chip(visitor, "status-stopped")).to_have_text("stopped 5")
    expect(names(visitor)).to_have_count(len(NAMES))


def opened_searches(visitor: Visitor) -> Locator:
    """The saved searches of a page that was just loaded."""
    visitor.is_live()
    visitor.page.locator("summary").get_by_text("Saved and recent searches").click()
    return visitor.page.locator("#searches")


@pytest.mark.usefixtures("ids")
def test_a_search_is_saved_renamed_made_the_default_and_forgotten(visitor: Visitor) -> None:
    page = visitor.page
    visitor.open("models/?search=qwen")
    visitor.is_live()
    page.locator("#save-search").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Mine")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text("“Mine” is saved.")).to_be_visible()
    opened_searches(visitor).get_by_role("button", name="Change “Mine”").click()
    dialog.get_by_label("Name").fill("All Qwens")
    dialog.get_by_role("checkbox").check()
    visitor.picture("search-form")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text("“All Qwens” is saved.")).to_be_visible()
    visitor.open("models/")  # the default opens the list
    expect(page).to_have_url(re.compile(r"search=qwen"))
    expect(names(visitor)).to_have_text(["qwen3:4b", "qwen3:8b"])
    searches = opened_searches(visitor)
    expect(searches.get_by_role("list", name="Saved searches")).to_contain_text("Default")
    visitor.picture("saved-searches")
    searches.get_by_role("button", name="Forget “All Qwens”").click()
    expect(searches).to_contain_text("You have saved no search yet.")
    visitor.open("models/")
    expect(names(visitor)).to_have_count(len(NAMES))


@pytest.mark.usefixtures("ids")
def test_the_catalogue_suggests_names(visitor: Visitor) -> None:
    page = visitor.page
    visitor.open("models/")
    visitor.is_live()
    page.get_by_role("button", name="Add a model").or_(
        page.get_by_role("link", name="Add a model")
    ).click()
    dialog = page.get_by_role("dialog")
    name = dialog.get_by_label("Name", exact=True)
    expect(name).to_be_focused()
    suggested = dialog.locator("#known-names option[value^='gemma3:']")
    expect(suggested.first).to_be_attached()
    assert re.search(r"\d[.\d]* [MG]B", suggested.first.inner_text())
    name.press_sequentially("gemma3:4b")
    expect(dialog.get_by_role("status")).not_to_be_empty(timeout=20_000)
    visitor.picture("pull-suggestions")
    page.keyboard.press("Escape")
    visitor.open("catalogue/")
    page.get_by_role("searchbox").press_sequentially("coder")
    expect(page.locator("#oc-list, #catalogue-list").first).to_contain_text("coder")


def test_rows_come_and_leave_without_losing_choice_or_focus(
    visitor: Visitor, admin: Api, ids: dict[str, int]
) -> None:
    page = visitor.page
    for name in ("qwen3:4b", "qwen3:8b"):
        admin.succeed(admin.post(f"models/{ids[name]}/start/"))
    visitor.open("models/?status=running")
    visitor.is_live()
    expect(names(visitor)).to_have_text(["qwen3:4b", "qwen3:8b"])
    box(visitor, "qwen3:4b").check()
    box(visitor, "qwen3:8b").check()
    link = page.get_by_role("link", name="qwen3:8b", exact=True)
    link.focus()
    admin.succeed(admin.post(f"models/{ids['llama3.2:3b']}/start/"))
    expect(names(visitor)).to_have_text(["llama3.2:3b", "qwen3:4b", "qwen3:8b"])
    expect(box(visitor, "qwen3:4b")).to_be_checked()
    expect(box(visitor, "qwen3:8b")).to_be_checked()
    expect(box(visitor, "llama3.2:3b")).not_to_be_checked()
    expect(link).to_be_focused()
    admin.succeed(admin.post(f"models/{ids['qwen3:4b']}/stop/"))
    expect(names(visitor)).to_have_text(["llama3.2:3b", "qwen3:8b"])
    expect(link).to_be_focused()
    expect(box(visitor, "qwen3:8b")).to_be_checked()
    visitor.picture("live-rows")
    # What has left the list is still chosen, and said to be: it may come back, or be dropped.
    bar = page.locator("#batch")
    expect(bar).to_contain_text("2 selected · 1 of them not in sight")
    assert bar_looks_wrong(visitor) == []
    bar.get_by_role("button", name="Drop those not in sight").click()
    expect(bar).to_contain_text("1 selected")
    expect(bar.get_by_role("button", name="Drop those not in sight")).to_be_hidden()
    admin.succeed(admin.post(f"models/{ids['qwen3:4b']}/start/"))
    expect(names(visitor)).to_have_text(["llama3.2:3b", "qwen3:4b", "qwen3:8b"])
    expect(box(visitor, "qwen3:4b")).not_to_be_checked()
    expect(link).to_be_visible()
    link.focus()
    # The row under the focus leaves: the focus stays in the list.
    admin.succeed(admin.post(f"models/{ids['qwen3:8b']}/stop/"))
    expect(names(visitor)).to_have_text(["llama3.2:3b", "qwen3:4b"])
    inside = "document.getElementById('oc-list').contains(document.activeElement)"
    wait_until(lambda: page.evaluate(inside), "the focus is in the list")
