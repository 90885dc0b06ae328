"""The page of the download queue: what it shows, what is said to it, what a restart has resumed."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from models_app.models import PanelSettings
from tasks_app.models import Task
from tests.factories import OllamaModelFactory, OllamaServerFactory, TaskFactory
from tests.pages.conftest import HTMX

pytestmark = pytest.mark.django_db
URL = "/downloads/"


def download(name: str, **fields: Any) -> Task:
    server = fields.pop("server", None) or OllamaServerFactory()
    model = OllamaModelFactory(server=server, name=name)
    values = {"resource_name": name, "resource_id": model.pk, "queue": "pulls"}
    limit_key = f"server.pulls:{server.pk}"
    task: Task = TaskFactory(**{**values, "limit_key": limit_key, **fields})
    return task


def page(client: Client, **query: str) -> str:
    answer = client.get(URL, query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_nothing_is_downloaded(viewer: Client) -> None:
    shown = page(viewer)
    assert "Nothing is being downloaded." in shown
    assert "Now 0 B/s; the highest of the last ten minutes 0 B/s." in shown
    assert "Pause all" not in shown


def test_what_runs_waits_and_is_paused(operator: Client) -> None:
    download("runs:latest", state="running", done=10, total=100, unit="bytes")
    download("waits:latest", rank=2)
    download("first:latest", rank=1)
    error = {"code": "disk_filling", "detail": "Paused before the disk is full."}
    download("pauses:latest", state="paused", error=error)
    download("done:latest", state="succeeded", finished_at=timezone.now())
    shown = page(operator)
    places = [shown.index(name) for name in ("runs:", "first:", "waits:", "pauses:", "done:")]
    assert places == sorted(places)
    assert "Running: 1 · waiting: 2 · paused: 1" in shown
    assert "It begins as soon as a worker is free." in shown
    assert "Paused before the disk is full." in shown


def test_who_may_not_move_sees_no_buttons(viewer: Client) -> None:
    download("waits:latest")
    download("waits2:latest")
    assert "hx-post" not in page(viewer).partition('id="oc-list"')[2]


def test_many_wait(operator: Client) -> None:
    server = OllamaServerFactory()
    Task.objects.bulk_create(
        Task(
            type="model.pull",
            queue="pulls",
            rank=number,
            resource_name=f"m{number}:latest",
            limit_key=f"server.pulls:{server.pk}",
        )
        for number in range(10_000)
    )
    shown = page(operator, page="100")
    assert "m4950:latest" in shown
    assert ">4951<" in shown
    assert "4,951–5,000 of 10,000" in shown


def test_one_is_moved(operator: Client) -> None:
    first, second = download("a:latest", rank=1), download("b:latest", rank=2)
    answer = operator.post(reverse("admin:download-act", args=[second.pk, "first"]), headers=HTMX)
    assert answer.status_code == 204
    assert "live:refresh" in answer["HX-Trigger"]
    assert list(Task.objects.waiting()) == [second, first]
    gone = operator.post(reverse("admin:download-act", args=[second.pk, "sideways"]), headers=HTMX)
    assert gone.status_code == 404
    Task.objects.update(state="running")
    refused = operator.post(reverse("admin:download-act", args=[second.pk, "first"]), headers=HTMX)
    assert "Only a task that waits" in refused["HX-Trigger"]


def test_all_are_paused_and_go_on(operator: Client) -> None:
    download("a:latest")
    operator.post(reverse("admin:downloads-pause"))
    assert PanelSettings.objects.current().downloads_held
    shown = page(operator)
    assert "nothing begins until they are resumed" in shown
    # The event of the hold asks for the list, in every browser.
    assert re.search(r'id="oc-list"[^>]*data-live-refresh="downloads"', shown)
    operator.post(reverse("admin:downloads-resume"))
    assert not PanelSettings.objects.current().downloads_held


def test_a_restart_is_told_once(operator: Client) -> None:
    for name in ("a:latest", "b:latest"):
        download(name, resumed_at=timezone.now())
    download("old:latest", resumed_at=timezone.now() - timedelta(hours=2))
    for url in (URL, "/"):
        shown = operator.get(url).content.decode()
        assert "Resumed 2 downloads after a restart:" in shown, url
    operator.post(reverse("admin:downloads-resumed"), headers=HTMX)
    assert "after a restart" not in page(operator)


def test_the_settings_are_changed(administrator: Client) -> None:
    url = reverse("admin:settings")
    fields = {
        "downloads_per_server": "5",
        "downloads_overall": "",
        "keep_free_disk": "1.5 GB",
        "keep_free_memory": "0",
        "retry_on": ["network"],
        "retry_attempts": "3",
        "retry_backoff": "2",
        "retry_longest": "60",
    }
    assert administrator.post(url, fields).status_code == 302
    panel = PanelSettings.objects.get()
    assert (panel.downloads_per_server, panel.keep_free_disk) == (5, 1_500_000_000)
    assert panel.retry_on == ["network"]
    assert 'value="1.5 GB"' in administrator.get(url).content.decode()
    wrong = administrator.post(url, {**fields, "keep_free_disk": "much", "retry_longest": "1"})
    assert wrong.status_code == 422
    assert "This is not a size." in wrong.content.decode()
    short = administrator.post(url, {**fields, "retry_longest": "1"})
    assert "cannot be shorter" in short.content.decode()


def test_each_server_says_what_holds_for_it(administrator: Client, viewer: Client) -> None:
    plain = OllamaServerFactory(name="a plain one")
    own = OllamaServerFactory(name="one with its own", max_downloads=7, keep_free_disk=5_000_000)
    shown = administrator.get(reverse("admin:settings")).content.decode()
    assert shown.index(own.name) < shown.index(plain.name) < shown.index("as set on this page")
    assert reverse("admin:server-edit", args=[plain.pk]) in shown

    def limits(pk: int) -> list[str]:
        answer = viewer.get(reverse("admin:server", args=[pk])).content.decode()
        text = re.sub(r"<[^>]*>", "", answer.replace("</dt>", "|"))
        labels = ("Downloads at once", "Keep free on the disk", "Keep free in memory")
        return [found.strip() for label in labels for found in re.findall(rf"{label}\|(.*)", text)]

    assert limits(own.pk) == ["7", "5 MB", "0 B the panel's default"]
    default = "the panel's default"
    assert limits(plain.pk) == [f"3 {default}", f"1 GB {default}", f"0 B {default}"]


def test_what_has_ended_says_on_which_server(viewer: Client) -> None:
    model = OllamaModelFactory(server=OllamaServerFactory(name="far away"))
    pull: dict[str, Any] = {"type": "model.pull", "state": "succeeded"}
    pull |= {"resource_name": model.name, "finished_at": timezone.now()}
    TaskFactory(resource_type="model", resource_id=model.pk, **pull)
    TaskFactory(resource_type="model", resource_id=None, **pull)
    for name in ("downloads", "index"):
        page = viewer.get(reverse(f"admin:{name}")).content.decode()
        assert page.count(f'<span class="oc-break">{model.name}</span>') == 2
        assert page.count('· <span class="oc-subtle">far away</span>') == 1
