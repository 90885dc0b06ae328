"""The online terminal on a real Ollama with a real model: streamed, cut, stopped, in two tabs."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Locator, Page, WebSocketRoute, expect

from tests.components.panel import PanelProcess
from tests.components.registry import PushedModel
from tests.components.waiting import wait_until
from tests.end_to_end.api import Api
from tests.end_to_end.browser.conftest import NewVisitor
from tests.end_to_end.browser.test_looks import look_at, too_wide, violations
from tests.end_to_end.browser.visitor import Visitor

ANSWERS = "article[data-role=assistant]"
QUESTION = "Write **one** short sentence about the sea."
PATIENCE = 200_000  # milliseconds: a model on two cores


@pytest.fixture
def model(admin: Api, server: int, pullable_model: PushedModel) -> int:
    """The tiny model, pulled by the panel."""
    row = admin.model(pullable_model.name)
    if row is None:
        admin.succeed(admin.post("models/", {"name": pullable_model.name, "server": server}))
        row = admin.model(pullable_model.name)
    assert row is not None
    return int(row["id"])


def chat_of(admin: Api, model: int, tokens: int) -> int:
    options = {"num_predict": tokens, "temperature": 0, "seed": 1}
    body = {"model": model, "options": options}
    return int(admin.post("chats/", body, status=201)["id"])


def ask(page: Page, text: str) -> None:
    field = page.locator("#chat-content")
    field.fill(text)
    field.press("Enter")


def answers_begin(page: Page) -> None:
    """Wait for the first word, which stands at the top of its answer."""
    text = page.locator(f"{ANSWERS} [data-chat-text]")
    expect(text).not_to_be_empty(timeout=PATIENCE)
    assert text.inner_text().splitlines()[0].strip()


def answer_ends(page: Page, state: str = "complete") -> Locator:
    """Wait for the end of the last answer."""
    answer = page.locator(ANSWERS).last
    expect(answer).to_have_attribute("data-state", state, timeout=PATIENCE)
    return answer


def open_chat(visitor: Visitor, chat: int) -> Page:
    visitor.open(f"chats/{chat}/")
    visitor.is_live()
    return visitor.page


PHONE = {"viewport": {"width": 390, "height": 800}, "color_scheme": "dark"}


@pytest.fixture
def at_the_phone(new_visitor: NewVisitor, panel: PanelProcess) -> Visitor:
    """The administrator at a dark phone, in Chinese."""
    visitor = new_visitor("zh", **PHONE)
    visitor.log_in("admin", panel.password)
    return visitor


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_answer_comes_and_is_kept(
    new_visitor: NewVisitor, panel: PanelProcess, admin: Api, model: int, language: str
) -> None:
    chat = chat_of(admin, model, 8)
    visitor = new_visitor(language)
    visitor.log_in("admin", panel.password)
    page = open_chat(visitor, chat)
    ask(page, QUESTION)
    answer_ends(page)
    row = admin.get(f"chats/{chat}/messages/")["results"][-1]
    assert (row["tokens"], row["done_reason"]) == (8, "length")
    assert row["content"]
    expect(page.locator("#chat-content")).to_have_value("")
    expect(page.locator("#chat-content")).to_be_focused()
    page.locator("#chat-content").press("ArrowUp")
    expect(page.locator("#chat-content")).to_have_value(QUESTION)
    assert violations(page) == []
    visitor.open(f"models/{model}/")
    expect(page.locator("#model-panel")).to_contain_text(visitor.word("Tokens written"))


class Line:
    """The socket of a page, which can be cut for a while."""

    def __init__(self, page: Page) -> None:
        self.is_cut = False
        self._sockets: list[WebSocketRoute] = []
        page.route_web_socket(re.compile("/ws/v1/events/"), self._open)

    def _open(self, socket: WebSocketRoute) -> None:
        if self.is_cut:
            socket.close(code=1013)
            return
        socket.connect_to_server()
        self._sockets.append(socket)

    def cut(self) -> None:
        self.is_cut = True
        for socket in self._sockets:
            socket.close(code=1013)
        self._sockets.clear()


def test_it_goes_on_after_a_cut_and_in_another_tab(
    at_the_phone: Visitor, admin: Api, model: int
) -> None:
    chat = chat_of(admin, model, 24)
    visitor = at_the_phone
    line = Line(visitor.page)
    page = open_chat(visitor, chat)
    other = visitor.context.new_page()
    other.goto(f"{visitor.panel.url}/chats/{chat}/")
    expect(other.locator("[data-live-pill]")).to_have_attribute("data-state", "connected")
    ask(page, "Tell a long story about a ship.")
    for tab in (page, other):
        answers_begin(tab)
    line.cut()
    notice = page.locator(".oc-chat-cut")
    expect(notice).to_be_visible()
    assert [*violations(page), *too_wide(page)] == []
    visitor.picture("chat-cut")
    line.is_cut = False
    expect(notice).to_be_hidden(timeout=40_000)
    answers = [answer_ends(tab) for tab in (page, other)]
    wait_until(  # the time in it becomes the reader's a moment after the answer is there
        lambda: answers[0].inner_text() == answers[1].inner_text(), "both tabs say the same"
    )
    visitor.forgive("WebSocket")


def test_escape_stops_and_another_answer_can_be_had(
    visitor: Visitor, admin: Api, model: int
) -> None:
    chat = chat_of(admin, model, 600)
    page = open_chat(visitor, chat)
    ask(page, "Count from one to a thousand in words.")
    answers_begin(page)
    visitor.picture("chat-begun")
    page.keyboard.press("Escape")
    answer_ends(page, "stopped")
    row = admin.get(f"chats/{chat}/messages/")["results"][-1]
    assert (row["state"], bool(row["content"])) == ("stopped", True)
    changed = admin.call("PATCH", f"chats/{chat}/", json={"options": {"num_predict": 8}})
    assert changed.status_code == 200
    page.get_by_role("button", name=visitor.word("Answer again")).click()
    answer_ends(page)
    ask(page, "/show info")
    expect(page.locator("#chat-said")).to_contain_text("gemma3")
    ask(page, "/nonsense")
    expect(page.get_by_role("alert")).to_contain_text("/nonsense")
    visitor.forgive("422")
    assert look_at(visitor, "chats/", "chats") == []


def test_commands_say_how_answers_come(at_the_phone: Visitor, admin: Api, model: int) -> None:
    visitor, chat = at_the_phone, chat_of(admin, model, 60)
    page = open_chat(visitor, chat)
    said, head = page.locator("#chat-said"), page.locator("#chat-head")
    ask(page, "/set format json")
    expect(said).to_contain_text("JSON")
    expect(head).to_contain_text("JSON")
    ask(page, 'Answer with this JSON: {"colour": "red"}')
    answer = answer_ends(page)
    assert isinstance(json.loads(answer.locator("pre code").inner_text()), dict)
    figures, more = answer.locator(".oc-took"), answer.locator(".oc-took-more")
    expect(figures).to_be_visible()
    expect(more).to_be_hidden()
    ask(page, "/set verbose")
    expect(more).to_be_visible()
    assert not too_wide(page)
    ask(page, "/set quiet")
    expect(figures).to_be_hidden()
    ask(page, "/? set")
    expect(said).to_contain_text("/set wordwrap, nowordwrap")
    assert not too_wide(page)
    assert violations(page) == []


def test_a_chat_is_saved_as_a_model_that_answers(visitor: Visitor, admin: Api, model: int) -> None:
    chat = chat_of(admin, model, 4)
    page = open_chat(visitor, chat)
    name = "sailor:latest"
    said = page.locator("#chat-said")
    ask(page, "/set system You are a sailor.")
    expect(said).to_contain_text(visitor.word("The system prompt is set."))
    ask(page, "/save sailor")
    expect(said).to_contain_text(name)
    made = wait_until(
        lambda: (row := admin.model(name)) and row["status"] == "stopped" and row, "it is made", 60
    )
    ask(page, "/save sailor")  # it never writes over a model that is there
    expect(page.get_by_role("alert")).to_contain_text(name)
    visitor.forgive("409")
    ask(page, "/load sailor")
    expect(said).to_contain_text(name)
    ask(page, "/set system")
    expect(said).to_contain_text(visitor.word("There is no system prompt now."))
    ask(page, "/show system")
    expect(said).to_contain_text("You are a sailor.")  # the model's own
    ask(page, QUESTION)
    expect(answer_ends(page)).to_contain_text(name)
    assert violations(page) == []
    admin.succeed(admin.delete(f"models/{made['id']}/"))


def test_one_turns_to_earlier_versions_while_late_news_comes(
    at_the_phone: Visitor, admin: Api, model: int
) -> None:
    chat = chat_of(admin, model, 4)
    visitor = at_the_phone
    page = open_chat(visitor, chat)
    ask(page, QUESTION)
    answer = answer_ends(page)
    answer.get_by_role("button", name=visitor.word("Answer again")).click()
    # As soon as it can be pressed: the last news of the answer are still on their way.
    answer.get_by_role("button", name=visitor.word("Previous answer")).click(timeout=PATIENCE)
    place = answer.locator(".oc-versions [role=status]")
    expect(place).to_have_text("1/2")
    with page.expect_response(lambda response: "/version/" in response.url):
        answer.evaluate("one => one.dispatchEvent(new CustomEvent('live:refresh'))")
    expect(place).to_have_text("1/2")
    assert violations(page) == []
    visitor.picture("chat-versions")
    answer.get_by_role("button", name=visitor.word("Next answer")).click()
    expect(place).to_have_text("2/2")
    last = admin.get(f"chats/{chat}/messages/")["results"]
    admin.call(
        "POST", f"chats/{chat}/messages/{last[0]['id']}/edit/", json={"content": "And the sky?"}
    ).raise_for_status()
    prompt = page.locator("article[data-role=user]")
    expect(prompt).to_contain_text("And the sky?")
    prompt.get_by_role("button", name=visitor.word("Previous text")).click()
    expect(prompt).to_contain_text(QUESTION)
    expect(prompt.locator(".oc-followed .oc-said-who").first).to_be_visible()
    expect(answer).to_have_attribute("data-state", "complete", timeout=PATIENCE)
    expect(prompt).to_contain_text(QUESTION)
    assert violations(page) == []
    visitor.picture("chat-texts")
