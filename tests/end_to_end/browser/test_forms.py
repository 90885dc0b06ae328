"""The dialogs say what is wrong in the very sentences of the API, before and after the button."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.components.registry import RegistryProcess
from tests.end_to_end.api import Api
from tests.end_to_end.bad_servers import hanging_server, html_server, no_server
from tests.end_to_end.browser.visitor import Visitor

UNPROCESSABLE = "status of 422"  # the browser says so of each form that comes back


def open_dialog(visitor: Visitor, path: str, button: str) -> Locator:
    visitor.open(path)
    visitor.is_live()
    visitor.page.get_by_role("link", name=visitor.word(button)).first.click()
    dialog = visitor.page.get_by_role("dialog")
    expect(dialog.get_by_role("heading")).to_have_text(visitor.word(button))
    return dialog


@pytest.mark.parametrize("name", ["two words", "https://example.com/x", "x" * 300, "模型"])
def test_a_wrong_name_is_said_while_it_is_typed(
    visitor: Visitor, admin: Api, server: int, name: str
) -> None:
    wanted = {"name": name, "server": server}
    sentence = admin.refusal("POST", "models/preflight/", wanted)[2]
    dialog = open_dialog(visitor, "models/", "Add a model")
    dialog.get_by_role("combobox", name="Name").fill(name)
    expect(dialog.get_by_role("status")).to_have_text(sentence)
    dialog.get_by_role("button", name="Download").click()
    expect(dialog.get_by_role("alert")).to_have_text(sentence)
    expect(dialog.get_by_role("combobox", name="Name")).to_have_value(name)
    expect(dialog.get_by_role("combobox", name="Name")).to_be_focused()
    visitor.forgive(UNPROCESSABLE)
    assert admin.all("models/") == []


def test_a_missing_model_is_blocked_overridden_and_removed(
    visitor: Visitor, admin: Api, server: int, real_registry: RegistryProcess
) -> None:
    name = f"{real_registry.host}/library/no-such-model:7b"
    (reason,) = admin.post("models/preflight/", {"name": name, "server": server}, status=200)[
        "reasons"
    ]
    dialog = open_dialog(visitor, "models/", "Add a model")
    dialog.get_by_role("combobox", name="Name").fill(name)
    verdict = dialog.get_by_role("status")
    expect(verdict).to_contain_text("The resource check says no.")
    expect(verdict).to_contain_text(reason["detail"])
    dialog.get_by_role("button", name="Download").click()
    expect(dialog.get_by_role("alert")).to_contain_text(reason["detail"])
    visitor.forgive(UNPROCESSABLE)

    dialog.get_by_label("Continue against the resource check").check()
    dialog.get_by_role("button", name="Download").click()
    panel = visitor.page.locator("#model-panel")
    sentence = "The registry has no such model. Check the name and the tag."
    expect(panel.locator(".oc-message").first).to_have_text(sentence)
    expect(panel.locator(".oc-badge").first).to_have_text("error")
    expect(panel.get_by_role("button", name="Retry")).to_be_visible()
    panel.get_by_role("button", name="Delete").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(visitor.page.locator("#model-panel")).to_contain_text("This model is gone")
    assert admin.all("models/") == []


@pytest.mark.parametrize("serve", [html_server, hanging_server, no_server])
def test_a_server_that_is_no_ollama_is_said_on_its_card(
    visitor: Visitor, admin: Api, server: int, real_registry: RegistryProcess, serve: object
) -> None:
    assert callable(serve)
    pushed = real_registry.push_random_model()
    with serve() as url:
        dialog = open_dialog(visitor, "servers/", "Add a server")
        dialog.get_by_label("Name", exact=True).fill("another")
        dialog.get_by_label("Address", exact=True).fill(url.removeprefix("http://"))
        dialog.get_by_role("button", name="Add").click()
        visitor.page.get_by_role("link", name="Servers").first.click()
        card = visitor.page.locator("article").filter(has_text=url)
        expect(card.locator(".oc-badge").first).to_have_text("offline")
        (row,) = admin.all("servers/", name="another")
        expect(card.locator(".oc-message")).to_have_text(row["message"])

        dialog = open_dialog(visitor, "models/", "Add a model")
        dialog.get_by_label("Server", exact=True).select_option("another")
        dialog.get_by_label("Name", exact=True).fill(pushed.name)
        wanted = {"name": pushed.name, "server": row["id"]}
        reasons = admin.post("models/preflight/", wanted, status=200)["reasons"]
        for reason in reasons:
            expect(dialog.get_by_role("status")).to_contain_text(reason["detail"])

        visitor.open(f"servers/{row['id']}/")
        visitor.page.get_by_role("button", name="Remove").click()
        visitor.page.get_by_role("dialog").get_by_role("button", name="Remove").click()
        expect(visitor.page).to_have_url(f"{visitor.panel.url}/servers/")
        visitor.is_live()
        assert admin.all("servers/", name="another") == []


def test_a_wrong_address_is_said_at_its_field(visitor: Visitor, admin: Api, server: int) -> None:
    for url in ("ftp://example.com", "http://user:secret@example.com", "http://169.254.169.254"):
        body = {"name": "another", "base_url": url}
        sentence = admin.refusal("POST", "servers/", body)[2]
        dialog = open_dialog(visitor, "servers/", "Add a server")
        dialog.get_by_label("Name", exact=True).fill("another")
        dialog.get_by_label("Address", exact=True).fill(url)
        dialog.get_by_role("button", name="Add").click()
        expect(dialog.get_by_role("alert")).to_have_text(sentence)
        expect(dialog.get_by_label("Address", exact=True)).to_be_focused()
        visitor.forgive(UNPROCESSABLE)
    assert len(admin.all("servers/")) == 1
