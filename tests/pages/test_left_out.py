"""What a batch has left out, on the page of its task."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from models_app.models import Batch, OllamaServer
from tasks_app.models import Task
from tests.factories import OllamaModelFactory, OllamaServerFactory, TaskFactory
from tests.pages.conftest import HTMX

pytestmark = pytest.mark.django_db
RUNS = "It is running already."


def batch_of(count: int) -> Task:
    """A batch that has left out so many, of which the first is a row."""
    server = OllamaServerFactory(name="shop")
    task: Task = TaskFactory(type="model.batch", resource_type="", resource_id=None)
    row = OllamaModelFactory(server=server, name="m0:7b")
    word = {"server": server.pk, "code": "running", "detail": RUNS}
    skipped = [
        {**word, "model": None if number else row.pk, "name": f"m{number}:7b"}
        for number in range(count)
    ]
    Batch.objects.create(task=task, operation="start", skipped=skipped)
    return task


def page_of(client: Client, task: Task, query: str = "") -> str:
    return client.get(reverse("admin:task", args=[task.pk]) + query).content.decode()


def test_each_is_named_with_its_server_and_the_reason(viewer: Client) -> None:
    task = batch_of(2)
    page = page_of(viewer, task)
    assert page.count(RUNS) == 2
    assert page.count(">shop<") == 2
    row = Batch.objects.get(task=task).skipped[0]["model"]
    assert f'href="{reverse("admin:model", args=[row])}">m0:7b</a>' in page
    assert '<details class="oc-left-out" open>' in page


def test_many_are_folded_up_and_come_in_pages(viewer: Client) -> None:
    task = batch_of(10_000)
    page = page_of(viewer, task)
    assert '<details class="oc-left-out"><summary>' in page
    assert "10,000" in page
    assert page.count(RUNS) == 50
    part = reverse("admin:task-left-out", args=[task.pk])
    assert f'hx-get="{part}?left_out=2"' in page
    last = viewer.get(f"{part}?left_out=200", headers=HTMX).content.decode()
    assert '<details class="oc-left-out" open>' in last
    assert "m9999:7b" in last
    assert 'id="left-out-next"' not in last
    assert "m50:7b" in page_of(viewer, task, "?left_out=2")  # without a script
    odd = viewer.get(f"{part}?left_out=x", headers=HTMX).content.decode()
    assert odd.count(RUNS) == 50


def test_what_leaves_nothing_out_says_nothing_of_it(viewer: Client) -> None:
    for task in (batch_of(0), TaskFactory()):
        assert "task-left-out" not in page_of(viewer, task)
        alone = viewer.get(reverse("admin:task-left-out", args=[task.pk]), headers=HTMX)
        assert (alone.status_code, alone.content) == (200, b"")


def test_a_server_that_is_gone_is_named_as_it_was(viewer: Client) -> None:
    task = batch_of(2)
    batch = Batch.objects.get(task=task)
    batch.skipped[0]["place"] = "attic"
    batch.save()
    assert "attic" not in page_of(viewer, task)  # it is called otherwise now
    OllamaServer.objects.all().delete()
    page = page_of(viewer, task)
    assert (page.count(">attic<"), page.count(">shop<")) == (1, 0)


def test_names_are_text(viewer: Client) -> None:
    task = batch_of(1)
    batch = Batch.objects.get(task=task)
    batch.skipped[0] |= {"model": None, "name": "<b>x</b>"}
    batch.save()
    assert "&lt;b&gt;x&lt;/b&gt;" in page_of(viewer, task)


def test_it_is_said_in_chinese(viewer: Client) -> None:
    address = reverse("admin:task", args=[batch_of(60).pk])
    page = viewer.get(address, headers={"Accept-Language": "zh-hans"}).content.decode()
    assert "<h2>已略过</h2>" in page
    assert "它已在运行。" in page
    assert 'aria-label="已略过项的分页"' in page
