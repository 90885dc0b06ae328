"""The pages of tasks: the list, a task with its log, and what people say to one."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from audit_app.actors import SYSTEM, Actor
from audit_app.choices import Origin
from tasks_app.choices import State
from tasks_app.logs import LogWriter, relative_path
from tasks_app.models import Task
from tasks_app.services import create_task
from tests.factories import OllamaModelFactory, TaskFactory, UserFactory
from tests.pages.conftest import HTMX

pytestmark = pytest.mark.django_db


def _shown(client: Client, **query: str) -> list[int]:
    page = client.get(reverse("admin:tasks"), query).content.decode()
    return [int(pk) for pk in re.findall(r'<tr id="task-(\d+)"', page)]


def test_the_newest_is_first_and_filters_hold(viewer: Client) -> None:
    pull = TaskFactory(state="failed", resource_name="alpha:latest")
    sync = TaskFactory(type="server.sync", state="succeeded", resource_name="workshop")
    assert _shown(viewer) == [sync.pk, pull.pk]
    assert _shown(viewer, state="failed") == [pull.pk]
    assert _shown(viewer, type="server.sync") == [sync.pk]
    assert _shown(viewer, search="ALPHA") == [pull.pk]
    assert _shown(viewer, state="queued,running,paused") == []


def test_the_list_can_be_asked_for_tasks_with_a_log(viewer: Client) -> None:
    logged, silent = TaskFactory.create_batch(2)
    Task.objects.filter(pk=logged.pk).update(log_path=relative_path(logged.pk))
    LogWriter(logged).write("pulling manifest")
    assert _shown(viewer, log_file_exist="true") == [logged.pk]
    assert _shown(viewer, log_file_exist="false") == [silent.pk]


def test_a_row_is_the_same_at_first_load_and_in_a_swap(operator: Client) -> None:
    task = TaskFactory(state="running", done=1, total=4, unit="bytes", phase="verifying")
    row = operator.get(reverse("admin:task-row", args=[task.pk]), headers=HTMX).content.decode()
    page = operator.get(reverse("admin:tasks")).content.decode()
    assert row.strip() in page
    assert "25%" in row
    assert "verifying" in row


def test_a_failure_says_why_in_its_own_page(viewer: Client) -> None:
    model = OllamaModelFactory()
    detail = '{"sentence": "“{name}” is not there.", "values": {"name": "lama"}}'
    task = TaskFactory(
        state="failed",
        resource_id=model.pk,
        error={"code": "model_missing", "detail": detail, "retryable": False},
    )
    page = viewer.get(reverse("admin:task", args=[task.pk])).content.decode()
    assert "“lama” is not there." in page
    assert reverse("admin:model", args=[model.pk]) in page


def test_the_log_is_shown_with_the_byte_at_which_the_live_part_goes_on(viewer: Client) -> None:
    task = TaskFactory(state="running")
    writer = LogWriter(task)
    writer.write("pulling <manifest> 多")
    Task.objects.filter(pk=task.pk).update(log_path=relative_path(task.pk))
    page = viewer.get(reverse("admin:task", args=[task.pk])).content.decode()
    assert "pulling &lt;manifest&gt; 多" in page
    task.refresh_from_db()
    size = len(re.findall(r"data-offset=\"(\d+)\"", page))
    assert size == 1
    offset = int(re.findall(r"data-offset=\"(\d+)\"", page)[0])
    url = re.findall(r'data-log-url="([^"]+)"', page)[0]
    assert viewer.get(url, {"offset": offset}).content == b""
    writer.write("success")
    assert b"success" in viewer.get(url, {"offset": offset}).content


def test_of_a_long_log_the_end_is_shown(viewer: Client) -> None:
    task = TaskFactory(state="running")
    writer = LogWriter(task)
    for number in range(1500):
        writer.write(f"line {number} " + "x" * 60)
    Task.objects.filter(pk=task.pk).update(log_path=relative_path(task.pk))
    page = viewer.get(reverse("admin:task", args=[task.pk])).content.decode()
    assert "line 1499 " in page
    assert "line 0 " not in page
    assert "The end of it" in page
    assert len(page) < 200_000


def test_a_task_without_a_log_has_nothing_to_download(viewer: Client) -> None:
    task = TaskFactory()
    assert (
        "Download the log" not in viewer.get(reverse("admin:task", args=[task.pk])).content.decode()
    )


def test_a_parent_shows_its_parts(viewer: Client) -> None:
    parent = TaskFactory(type="servers.sync", resource_type="", resource_id=None)
    child = TaskFactory(type="server.sync", parent=parent, resource_name="workshop")
    page = viewer.get(reverse("admin:task", args=[parent.pk])).content.decode()
    assert "workshop" in page
    assert reverse("admin:task", args=[child.pk]) in page
    assert (
        reverse("admin:task", args=[parent.pk])
        in viewer.get(reverse("admin:task", args=[child.pk])).content.decode()
    )


def test_what_is_said_to_a_task(operator: Client) -> None:
    task = TaskFactory(resource_type="", resource_id=None, type="server.sync")
    url = reverse("admin:task-act", args=[task.pk, "cancel"])
    answer = operator.post(url, headers=HTMX)
    assert answer.status_code == 200
    assert answer.content.decode().startswith(f'<tr id="task-{task.pk}"')
    task.refresh_from_db()
    assert task.state == State.CANCELLED
    again = operator.post(url, {"view": "panel"}, headers=HTMX)
    assert again.status_code == 409
    assert again.content.decode().startswith('<div id="task-panel"')
    assert 'role="alert"' in again.content.decode()


def test_only_buttons_that_can_work_are_there(operator: Client, viewer: Client) -> None:
    expected = {
        State.QUEUED: {"pause", "cancel"},
        State.RUNNING: {"pause", "cancel"},
        State.PAUSED: {"resume", "cancel"},
        State.SUCCEEDED: set(),
        State.FAILED: {"retry"},
        State.CANCELLED: {"retry"},
    }
    for state, names in expected.items():
        url = reverse("admin:task-row", args=[TaskFactory(state=state).pk])
        shown = re.findall(r'id="task-\d+-(\w+)" hx-post', operator.get(url).content.decode())
        assert set(shown) == names, state
        assert "hx-post" not in viewer.get(url).content.decode()


def test_the_end_of_a_task_is_told_in_the_reader_s_language(operator: Client) -> None:
    error = {"code": "unreachable", "detail": "Somewhere is gone.", "retryable": True}
    told = {
        TaskFactory(type="model.pull", resource_name="a", state=State.SUCCEEDED).pk: "success",
        TaskFactory(type="model.pull", resource_name="b", state=State.CANCELLED).pk: "info",
        TaskFactory(
            type="model.pull", resource_name="c", state=State.FAILED, error=error
        ).pk: "error",
    }
    for pk, level in told.items():
        answer = operator.get(reverse("admin:task-notice", args=[pk]), headers=HTMX)
        shown = json.loads(answer.headers["HX-Trigger"])["panel:toast"]
        assert shown["level"] == level
        assert shown["message"].startswith("Download ")
        assert (level == "error") == ("Somewhere is gone." in shown["message"])
    running = operator.get(
        reverse("admin:task-notice", args=[TaskFactory(state=State.RUNNING).pk]), headers=HTMX
    )
    assert "HX-Trigger" not in running.headers


@pytest.mark.parametrize(
    ("type", "result", "expected"),
    [
        ("model.pull", {"size": 1_200_000_000, "digest": "ab" * 32}, ["1.2 GB", "abababababab"]),
        (
            "model.start",
            {"load_seconds": 3.21, "loaded": {"size": 2_000_000_000, "processor": "100% GPU"}},
            ["loaded in 3.2s", "2 GB of memory", "100% GPU"],
        ),
        ("model.stop", {"loaded": None}, ["not in memory any more"]),
        ("model.delete", {"deleted": "x"}, ["gone from the server"]),
        (
            "server.sync",
            {"added": 6, "updated": 5, "deleted": 4, "unchanged": 3, "conflicts": []},
            ["6 added, 5 changed, 4 gone, 3 as before"],
        ),
        (
            "servers.sync",
            {"total": 3, "succeeded": 2, "failed": 1, "cancelled": 0},
            ["3 parts in all, 2 succeeded, 1 failed"],
        ),
        ("toy.unknown", {"total": 1, "succeeded": 1}, ["1 part in all, 1 succeeded"]),
    ],
)
def test_a_result_is_said_in_words(
    viewer: Client, type: str, result: dict[str, Any], expected: list[str]
) -> None:
    task = TaskFactory(type=type, state="succeeded", result=result)
    page = viewer.get(reverse("admin:task", args=[task.pk])).content.decode()
    for text in expected:
        assert text in page
    assert "cancelled" not in page


def test_conflicts_are_listed_with_what_is_wrong(viewer: Client) -> None:
    model = OllamaModelFactory(name="alpha:latest")
    conflicts = [
        {"model": model.pk, "name": "alpha:latest", "kind": "changed"},
        {"model": 9999, "name": "<b>beta</b>", "kind": "gone"},
    ]
    result = {"added": 0, "updated": 0, "deleted": 0, "unchanged": 1, "conflicts": conflicts}
    task = TaskFactory(type="server.sync", state="succeeded", result=result)
    page = viewer.get(reverse("admin:task", args=[task.pk])).content.decode()
    assert "2 conflicts" in page
    assert f'href="{reverse("admin:model", args=[model.pk])}">alpha:latest</a>' in page
    assert "another version" in page
    assert "&lt;b&gt;beta" in page


@pytest.mark.parametrize(
    "result",
    [
        {"size": "large", "digest": None},
        {"loaded": [1], "load_seconds": "long"},
        {"conflicts": {"a": 1}},
        {"conflicts": [None, 7]},
        [1, 2],
        "done",
    ],
)
def test_a_strange_result_breaks_no_page(viewer: Client, result: Any) -> None:
    for type in ("model.pull", "model.start", "server.sync", "servers.sync"):
        task = TaskFactory(type=type, state="succeeded", result=result)
        assert viewer.get(reverse("admin:task", args=[task.pk])).status_code == 200


@pytest.mark.parametrize(
    ("origin", "shown"), [("page", "(page)"), ("api", "(API)"), ("command", "(command line)")]
)
def test_a_task_says_who_asked_for_it_and_through_what(
    viewer: Client, origin: str, shown: str
) -> None:
    user = UserFactory(username="vera")
    actor = Actor(user=user, origin=Origin(origin))
    task = create_task(type="servers.sync", actor=actor)
    page = viewer.get(reverse("admin:task", args=[task.pk])).content.decode()
    assert re.search(rf"<dd>vera\s*<span[^>]*>{re.escape(shown)}</span></dd>", page)
    own = create_task(type="servers.sync", actor=SYSTEM)
    page = viewer.get(reverse("admin:task", args=[own.pk])).content.decode()
    assert "<dd>the panel</dd>" in page
