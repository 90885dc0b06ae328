"""What people rely on without thinking of it: the focus, the back button, their own clock."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.components.panel import PanelProcess
from tests.end_to_end.browser.conftest import NewVisitor, demo_panel
from tests.end_to_end.browser.visitor import Visitor

KEPT = "gemma3:latest"
DELETED = "all-minilm:latest"


@pytest.fixture(scope="module")
def panel() -> Iterator[PanelProcess]:
    with demo_panel() as running:
        yield running


@pytest.fixture
def models(visitor: Visitor) -> Page:
    """The page of models, live, with its rows."""
    visitor.open("models/")
    visitor.is_live()
    visitor.status(KEPT, "stopped")
    return visitor.page


def _dialog(page: Page) -> Locator:
    return page.get_by_role("dialog")


def test_a_dialog_takes_the_focus_keeps_it_and_gives_it_back(models: Page) -> None:
    opener = models.get_by_role("link", name="Add a model").first
    opener.press("Enter")
    name = _dialog(models).get_by_label("Name")
    expect(name).to_be_focused()
    inside = "document.getElementById('oc-dialog').contains(document.activeElement)"
    for key in ("Tab", "Shift+Tab"):
        for _press in range(6):
            models.keyboard.press(key)
            assert models.evaluate(inside), key
    models.keyboard.press("Escape")
    expect(_dialog(models)).to_be_hidden()
    expect(opener).to_be_focused()


def test_what_is_wrong_takes_the_focus(models: Page, visitor: Visitor) -> None:
    models.get_by_role("link", name="Add a model").first.click()
    name = _dialog(models).get_by_label("Name")
    name.fill("no such name!")
    _dialog(models).get_by_role("button", name="Download").click()
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(name).to_be_focused()
    visitor.forgive("422")


def test_a_question_begins_at_the_harmless_answer(models: Page, visitor: Visitor) -> None:
    ask = visitor.row(KEPT).get_by_role("button", name="Delete")
    ask.press("Enter")
    keep = _dialog(models).get_by_role("button", name="Keep it")
    expect(keep).to_be_focused()
    models.keyboard.press("Enter")
    expect(_dialog(models)).to_be_hidden()
    expect(ask).to_be_focused()
    visitor.press(DELETED, "Delete")
    _dialog(models).get_by_role("button", name="Delete").click()
    expect(visitor.row(DELETED)).to_have_count(0)
    expect(models.locator("#content :focus")).to_have_count(1)


def test_a_row_is_worked_by_keyboard_alone(models: Page, visitor: Visitor) -> None:
    row = visitor.row(KEPT)
    start = row.get_by_role("button", name="Start")
    row.get_by_role("link").first.focus()
    for _press in range(5):
        models.keyboard.press("Tab")
        if start.evaluate("button => button === document.activeElement"):
            break
    expect(start).to_be_focused()
    expect(start).to_have_css("outline-style", "solid")
    models.keyboard.press("Enter")
    visitor.status(KEPT, "running")
    expect(row.locator(":focus")).to_have_count(1)
    visitor.press(KEPT, "Stop")
    visitor.status(KEPT, "stopped")


def test_back_and_forward_go_through_what_was_asked_of_a_list(models: Page) -> None:
    status = models.locator("#quick-status-stopped")
    status.click()
    expect(models).to_have_url(re.compile(r"\?status=stopped$"))
    models.get_by_label("Name").fill("gem")
    expect(models).to_have_url(re.compile(r"search=gem"))
    expect(models.locator("tbody tr")).to_have_count(1)  # the links carry what is asked for
    models.get_by_role("link", name="Size").click()
    expect(models).to_have_url(re.compile(r"ordering=size"))
    models.go_back()
    expect(models).to_have_url(re.compile(r"search=gem&status=stopped$"))
    expect(models.get_by_label("Name")).to_have_value("gem")
    expect(models.locator("tbody tr")).to_have_count(1)
    models.go_back()
    expect(models).to_have_url(re.compile(r"\?status=stopped$"))
    expect(status).to_have_attribute("aria-current", "true")
    models.go_back()
    expect(models).to_have_url(re.compile(r"/models/$"))
    expect(status).not_to_have_attribute("aria-current", "true")
    models.go_forward()
    expect(status).to_have_attribute("aria-current", "true")


def test_a_filtered_list_lets_go_of_a_row_that_fits_no_more(models: Page, visitor: Visitor) -> None:
    models.locator("#quick-status-stopped").click()
    expect(models).to_have_url(re.compile(r"\?status=stopped$"))
    visitor.press(KEPT, "Start")
    expect(visitor.row(KEPT)).to_have_count(0)
    models.locator("#quick-status-stopped").click()
    expect(models).to_have_url(re.compile(r"/models/$"))
    models.locator("#quick-status-running").click()
    visitor.status(KEPT, "running")
    visitor.press(KEPT, "Stop")
    expect(visitor.row(KEPT)).to_have_count(0)


@pytest.mark.parametrize(
    ("language", "words"), [("en", r"now|seconds? ago|minutes? ago"), ("zh", r"现在|秒钟前|分钟前")]
)
def test_times_are_the_readers_own(
    new_visitor: NewVisitor, panel: PanelProcess, language: str, words: str
) -> None:
    visitor = new_visitor(language, timezone_id="Asia/Shanghai")
    visitor.log_in("admin", panel.password)
    visitor.open("tasks/")
    begun = visitor.page.locator("tbody tr time").first
    expect(begun).to_have_text(re.compile(words))
    expect(begun).to_have_attribute("title", re.compile(r"GMT\+8|中国标准时间"))
    visitor.page.locator("#filter-state").select_option("succeeded")
    expect(visitor.page).to_have_url(re.compile("state=succeeded"))
    expect(begun).to_have_text(re.compile(words))
    assert "UTC" not in visitor.page.locator("tbody").inner_text()


def test_a_new_token_can_be_read_once(visitor: Visitor) -> None:
    page = visitor.page
    visitor.open("account/tokens/")
    page.locator("#token-add").click()
    _dialog(page).get_by_label("Name").fill("backup script")
    page.keyboard.press("Enter")
    secret = page.locator("#token-text")
    expect(secret).to_have_text(re.compile(r"^\w{40,}$"))
    expect(_dialog(page).get_by_role("button", name="Copy")).to_be_focused()
    _dialog(page).get_by_role("button", name="Done").click()
    expect(_dialog(page)).to_be_hidden()
    expect(secret).to_have_count(0)
    expect(page.locator("#token-add")).to_be_focused()
    row = page.locator("tbody tr").filter(has_text="backup script")
    row.get_by_role("button", name="Revoke").click()
    _dialog(page).get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("“backup script” is revoked")).to_be_visible()
    expect(row).to_have_count(0)
