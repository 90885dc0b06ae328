"""What a batch has left out, as its page shows it: folded up, in pages, in both languages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.components.panel import PanelProcess
from tests.components.waiting import wait_until
from tests.end_to_end.api import Api
from tests.end_to_end.browser.conftest import NewVisitor, demo_panel
from tests.end_to_end.browser.test_looks import PHONE, WIDE, too_wide, violations

MANY = 1200


@pytest.fixture(scope="module")
def panel() -> Iterator[PanelProcess]:
    with demo_panel() as running:
        yield running


@pytest.fixture
def batch(admin: Api) -> int:
    """The task of a batch that has begun one model, and has left out very many."""
    there = wait_until(lambda: admin.all("models/"), "the panel has models", 30)[0]
    names = [there["name"], *(f"misspelt{number:04}" for number in range(MANY))]
    begun = admin.post("models/batch/", {"operation": "recreate", "names": names})
    admin.post(f"tasks/{begun['task']['id']}/cancel/")
    return int(begun["task"]["id"])


@pytest.mark.parametrize(
    ("size", "language", "theme"),
    [
        pytest.param(WIDE, "en", "light", id="wide-en-light"),
        pytest.param(PHONE, "zh", "dark", id="phone-zh-dark"),
    ],
)
def test_very_many_are_folded_up_until_somebody_asks(
    new_visitor: NewVisitor,
    panel: PanelProcess,
    batch: int,
    size: dict[str, int],
    language: str,
    theme: str,
) -> None:
    visitor = new_visitor(language, viewport=size, color_scheme=theme)
    visitor.log_in("admin", panel.password)
    page = visitor.page
    visitor.open(f"tasks/{batch}/")
    visitor.is_live()
    card = page.locator("#task-left-out")
    expect(card.locator("summary")).to_contain_text("1,200")
    expect(card.locator("tbody tr").first).to_be_hidden()
    visitor.picture("left-out-folded")
    card.locator("summary").click()
    expect(card.locator("tbody tr")).to_have_count(50)
    expect(card.locator("tbody tr").first).to_be_visible()
    visitor.picture("left-out")
    assert [*violations(page), *too_wide(page)] == []
    card.get_by_role("link", name=visitor.word("Next")).click()
    expect(card.locator("tbody tr").first).to_contain_text("misspelt0050:latest")
    expect(card.locator("tbody tr").first).to_be_visible()
    expect(card).to_contain_text("51–100")
