"""The pages' script in a real browser, on a small page of its own over the real socket."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Route, expect

from models_app.events import announce_model
from models_app.models import OllamaModel, OllamaServer
from ollamactl.lib.formats import format_duration, format_rate, format_size
from tasks_app.live import publish
from tasks_app.sequence import next_seq
from tests.components.waiting import wait_until
from tests.helpers.valkey import ValkeyProcess
from tests.socket.conftest import NewUser
from tests.socket.live_page import LivePage, changed

PROGRESS = """<div id="p" data-live="task:9"><progress data-field="bar"></progress>
<i data-field="percent"></i><i data-field="done"></i><i data-field="total"></i>
<i data-field="rate"></i><i data-field="eta"></i>
<i data-field="phase" data-text-verifying="wird geprüft"></i>
<div data-live="task:1"><i id="other" data-field="percent">own</i></div></div>"""


def progress(seq: int, **data: Any) -> None:
    whole = {"id": 9, "state": "running", "resource_type": "model", "resource_id": 7, **data}
    topics = ["tasks", "task:9"]
    publish("task.progress", subject="task:9", seq=seq, data=whole, topics=topics)


def test_numbers_are_patched_and_the_highest_version_wins(live: LivePage) -> None:
    live.show(PROGRESS, "task:9")
    live.is_connected()
    half = {"done": 150_000_000, "total": 292_000_000, "unit": "bytes", "rate": 12_345_678.0}
    progress(20, **half, eta_seconds=11.5, phase="verifying")
    live.has("#p > [data-field=percent]", "51%")
    live.has("#p [data-field=done]", "150 MB")
    live.has("#p [data-field=total]", "292 MB")
    live.has("#p [data-field=rate]", "12 MB/s")
    live.has("#p [data-field=eta]", "12s")
    live.has("#p [data-field=phase]", "wird geprüft")
    live.has("#other", "own")
    assert live.page.eval_on_selector("progress", "p => [p.value, p.max]") == [15e7, 292e6]
    progress(10, done=1, total=292_000_000, unit="bytes", rate=None, eta_seconds=None, phase=None)
    progress(21, done=5, total=None, unit="items", rate=2.0, eta_seconds=None, phase="copying")
    live.has("#p [data-field=done]", "5")
    live.has("#p [data-field=phase]", "copying")
    for field in ("percent", "total", "rate", "eta"):
        live.has(f"#p > [data-field={field}]", "")
    assert not live.page.eval_on_selector("progress", "p => p.hasAttribute('value')")


def test_numbers_are_written_as_the_server_writes_them(live: LivePage) -> None:
    live.show(PROGRESS, "task:9")
    live.is_connected()
    sizes = [0, 1, 17, 999, 1000, 1049, 1050, 1250, 1750, 9949, 9950, 9999, 10_000, 99_999]
    sizes += [999_999, 1_250_000, 1_350_000_000, 2_250_000_000, 9_960_000_000, 7_000_000_000_000]
    seconds = [0, 0.4, 0.5, 1.5, 2.5, 59.4, 59.5, 60, 61.5, 133, 3599.4, 3599.5, 3600, 3900.5]
    seconds += [359_999, 360_000, 1e9]
    for seq, size in enumerate(sizes, 1):
        left = seconds[seq % len(seconds)]
        progress(seq, done=size, total=10**15, unit="bytes", rate=size + 0.7, eta_seconds=left)
        live.has("#p [data-field=done]", format_size(size))
        live.has("#p [data-field=rate]", format_rate(size + 0.7))
        live.has("#p [data-field=eta]", format_duration(left))
        written = live.page.evaluate("rate => ollamactl.formatRate(rate)", size + 0.7)
        assert written == format_rate(size + 0.7)  # for the other scripts


ROW = (
    '<p id="row" data-live-refresh="model:7" hx-get="/_fragment/row" hx-trigger="live:refresh"'
    ' hx-swap="outerHTML">{}</p>'
)
LIST = (
    '<div id="list" data-live-list="models" hx-get="/_fragment/list" hx-trigger="live:refresh"'
    ' hx-swap="outerHTML">{}</div>'
)


def test_a_change_asks_for_the_row_and_an_unknown_one_for_the_list(live: LivePage) -> None:
    live.fragments = {"row": lambda: ROW.format("new row"), "list": lambda: LIST.format("new list")}
    live.show(LIST.format(ROW.format("old")), "models")
    live.is_connected()
    for seq in range(1, 6):  # together they are one request
        changed("model:7", seq, status="starting")
    live.has("#row", "new row")
    assert live.requests == ["row"]
    changed("model:8", 1, status="stopped")
    live.has("#list", "new list")
    assert live.requests == ["row", "list"]


def test_what_is_removed_asks_for_the_list(live: LivePage) -> None:
    live.fragments = {"list": lambda: LIST.format("empty")}
    live.show(LIST.format(ROW.format("old")), "models")
    live.is_connected()
    changed("model:7", 2, type="removed")
    live.has("#list", "empty")
    assert live.requests == ["list"]


@pytest.mark.parametrize("chance", [0, 0.999], ids=["at once", "a little later"])
def test_a_change_during_a_request_is_asked_for_again(live: LivePage, chance: float) -> None:
    held: list[Route] = []
    live.show(ROW.format("old"), "models")
    live.page.evaluate(f"Math.random = () => {chance}")

    def hold(route: Route) -> None:
        held.append(route)

    live.page.route("**/_fragment/row", hold)
    live.is_connected()
    changed("model:7", 1, status="starting")
    live.waits_until(lambda: held, "the row is asked for")
    live.page.evaluate(
        """() => { window.heard = new Promise((done) =>
        document.addEventListener('panel:event', done, {once: true})).then(() => 1); }"""
    )
    changed("model:7", 2, status="running")
    live.page.evaluate("heard")
    held[0].fulfill(body=ROW.format("starting"), content_type="text/html")
    live.has("#row", "starting")
    live.waits_until(lambda: len(held) > 1, "the row is asked for again")
    held[1].fulfill(body=ROW.format("running"), content_type="text/html")
    live.has("#row", "running")


def test_what_has_come_can_be_clicked_at_once(live: LivePage) -> None:
    button = '<button hx-get="/_fragment/list" hx-target="#row" hx-swap="innerHTML">go</button>'
    live.fragments = {"row": lambda: ROW.format(button), "list": lambda: "clicked"}
    live.show(ROW.format("old"), "models")
    live.is_connected()
    live.page.evaluate(
        """() => document.addEventListener('htmx:afterSwap', () =>
        setTimeout(() => document.querySelector('#row button')?.click()), {once: true})"""
    )
    changed("model:7", 1, status="running")
    live.has("#row", "clicked")


def test_many_rows_are_asked_for_as_one_list(live: LivePage) -> None:
    rows = "".join(ROW.replace("model:7", f"model:{n} server:1").format(n) for n in range(20))
    live.fragments = {"list": lambda: LIST.format("whole"), "row": lambda: ""}
    live.show(LIST.format(rows), "servers")
    live.is_connected()
    changed("server:1", 1, status="offline")
    live.has("#list", "whole")
    assert live.requests == ["list"]


def test_topics_follow_what_is_on_the_page(live: LivePage) -> None:
    live.show('<div id="slot"></div>')
    live.is_connected()
    live.page.evaluate(
        """() => { document.getElementById('slot').innerHTML =
        '<p data-live-topics="task:9" data-live="task:9"><i data-field="done"></i></p>'; }"""
    )
    numbers = iter(range(1, 1000))

    def is_heard() -> bool:
        number = next(numbers)
        progress(number, done=number, total=None, unit="items", rate=None, phase=None)
        return live.page.text_content("[data-field=done]") != ""

    wait_until(is_heard, "the new topic is heard")
    live.page.evaluate(
        """() => { const p = document.querySelector('p'); p.removeAttribute('data-live-topics');
        window.heard = 0;
        document.addEventListener('panel:event', () => { window.heard += 1; }); }"""
    )

    def is_silent() -> bool:
        before = live.page.evaluate("heard")
        progress(next(numbers), done=1, total=None, unit="items", rate=None, phase=None)
        live.page.evaluate("new Promise(done => setTimeout(done, 200))")
        return bool(live.page.evaluate("heard") == before)

    wait_until(is_silent, "the topic is heard no more")


def test_after_a_cut_the_page_is_stale_and_then_true_again(live: LivePage) -> None:
    server = OllamaServer.objects.create(name="Local", base_url="http://127.0.0.1:9")
    OllamaModel.objects.create(server=server, name="m:latest", key="m", status="stopped")
    live.fragments = {"row": lambda: ROW.format("true"), "list": lambda: LIST.format("true")}
    live.relay_sockets()
    live.show(LIST.format(ROW.format("old")) + ROW.format("alone"), "models")
    live.is_connected()
    live.page.evaluate(
        """() => { window.states = []; const page = document.documentElement;
        const note = () => states.push([page.dataset.live, page.hasAttribute('data-stale')]);
        new MutationObserver(note).observe(page, {attributeFilter: ['data-live']}); }"""
    )
    OllamaModel.objects.update(status="running", seq=next_seq(0))
    live.requests.clear()
    live.sockets[-1].close(code=1012)
    live.page.wait_for_function("states.length === 2")
    assert live.page.evaluate("states") == [["reconnecting", True], ["connected", False]]
    live.waits_for("list")
    live.waits_for("row")
    assert sorted(live.requests) == ["list", "row"]


def test_a_loss_of_valkey_refreshes_what_is_shown(live: LivePage, valkey: ValkeyProcess) -> None:
    live.fragments = {"list": lambda: LIST.format("true")}
    live.show(LIST.format("old"), "models")
    live.is_connected()
    live.requests.clear()
    valkey.stop()
    valkey.start()
    live.waits_for("list")
    live.is_connected()


def test_a_logout_says_so_and_a_new_login_recovers(
    live: LivePage, user: User, browser_of: Callable[[User], Client]
) -> None:
    live.fragments = {"list": lambda: LIST.format("fresh")}
    live.show(LIST.format("old"), "models")
    live.is_connected()
    first = Client()
    first.cookies[settings.SESSION_COOKIE_NAME] = live.context.cookies()[0]["value"]
    first.logout()
    pill = live.page.locator("[data-live-pill]")
    expect(pill).to_have_attribute("data-state", "login")
    live.has("[data-live-pill-text]", "Logged out")
    link = live.page.locator("[data-live-login]")
    expect(link).to_be_visible()
    assert link.get_attribute("href") == f"http://{live.panel}/login/?next=%2Fhealthz"
    assert live.page.evaluate("document.documentElement.hasAttribute('data-stale')")
    live.requests.clear()
    live.page.evaluate("window.kept = true")
    live.log_in(browser_of(user))
    other_tab = LivePage(live.context, live.panel)  # logged in, it tells the others
    other_tab.show("")
    other_tab.is_connected()
    live.is_connected()
    expect(link).to_be_hidden()
    live.waits_for("list")
    assert live.page.evaluate("window.kept")


def test_another_persons_login_loads_the_page_anew(
    live: LivePage, new_user: NewUser, browser_of: Callable[[User], Client]
) -> None:
    live.relay_sockets()
    live.show("", "models")
    live.is_connected()
    live.page.evaluate("window.kept = true")
    live.log_in(browser_of(new_user("other")))
    with live.page.expect_navigation():
        live.sockets[-1].close(code=1012)
    assert live.page.evaluate("window.kept") is None


def test_without_a_panel_the_page_says_offline_and_comes_back(live: LivePage) -> None:
    live.relay_sockets()
    live.show("")
    live.is_connected()
    live.page.route_web_socket(re.compile("/ws/v1/events/"), lambda route: route.close(code=1013))
    live.sockets[-1].close(code=1012)
    pill = live.page.locator("[data-live-pill]")
    expect(pill).to_have_attribute("data-state", "reconnecting")
    expect(pill).to_have_attribute("data-state", "offline", timeout=20_000)
    live.relay_sockets()
    live.page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(pill).to_have_attribute("data-state", "connected", timeout=1000)


def test_a_log_grows_and_gaps_are_fetched(live: LivePage) -> None:
    whole = "one\nzwei ü\nthree\nfour\n".encode()
    asked: list[int] = []

    def answer(route: Route) -> None:
        offset = int(route.request.url.rpartition("=")[2])
        asked.append(offset)
        headers = {"X-Log-Next-Offset": str(len(whole)), "X-Log-Size": str(len(whole))}
        route.fulfill(
            body=whole[offset:], content_type="text/plain; charset=utf-8", headers=headers
        )

    live.page.route("**/_log?*", answer)
    log = '<pre data-live-log="task:9" data-offset="4" data-log-url="/_log" data-follow>one\n</pre>'
    live.show(log, "task:9")
    live.is_connected()

    def line(seq: int, offset: int, text: str) -> None:
        data = {"id": 9, "offset": offset, "text": text}
        publish("task.log", subject="task:9", seq=seq, data=data, topics=["task:9"])

    line(5, 4, "zwei ü\n")
    live.has("pre", "one\nzwei ü\n")
    line(4, 4, "zwei ü\n")  # heard already
    line(6, 18, "four\n")  # what is between was missed
    live.has("pre", whole.decode())
    assert asked == [12]
    whole += b"five\n"
    line(3, 23, "five\n")  # a lower version: lines have none
    live.has("pre", whole.decode())
    assert asked == [12]


def test_a_notice_is_handed_to_the_page(live: LivePage, user: User) -> None:
    live.show("<p id=said></p>", "models")
    live.is_connected()
    live.page.evaluate(
        """() => document.addEventListener('panel:notice',
        (event) => { document.getElementById('said').textContent = event.detail.message; })"""
    )
    topic = f"user:{user.pk}"
    publish("notice", subject=topic, seq=1, data={"message": "Done."}, topics=[topic])
    live.has("#said", "Done.")


def test_a_snapshot_newer_than_the_page_refreshes_it(live: LivePage) -> None:
    server = OllamaServer.objects.create(name="Local", base_url="http://127.0.0.1:9")
    model = OllamaModel.objects.create(server=server, name="m:latest", key="m", seq=next_seq(0))
    row = ROW.replace("model:7", f"model:{model.pk}")
    live.fragments = {"row": lambda: row.format("new")}

    def change_late(route: Route) -> None:
        model.seq = next_seq(model.seq)  # after the page was made, before its socket is open
        model.save(update_fields=["seq"])
        announce_model(model)
        route.continue_()

    live.page.route("**/live.js", change_late)
    live.show(row.format("old"), "models")
    live.has("#row", "new")
    assert json.dumps(live.requests) == '["row"]'
