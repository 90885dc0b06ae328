"""Tasks in the API: list, filters, detail, words, log."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from rest_framework.test import APIClient

from models_app.models import OllamaModel
from tasks_app.choices import State, Unit
from tasks_app.logs import relative_path
from tasks_app.models import Task
from tests.api.queries import count_queries
from tests.factories import OllamaModelFactory, TaskFactory

TASKS = "/api/v1/tasks/"


def write_log(task: Task, text: str) -> Path:
    """Put a log file where the task's row says it is."""
    task.log_path = relative_path(task.pk)
    task.save(update_fields=["log_path"])
    path = Path(settings.TASK_LOGS) / task.log_path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_task_has_the_contracts_fields(administrator: APIClient) -> None:
    task = TaskFactory(priority=3, attempt=2)
    data = administrator.get(f"{TASKS}{task.pk}/").data
    assert data == {
        "id": task.pk,
        "parent": None,
        "type": "model.pull",
        "resource_type": "model",
        "resource_id": task.resource_id,
        "resource_name": "llama3.2:latest",
        "state": "queued",
        "progress": {
            "done": None,
            "total": None,
            "unit": None,
            "rate": None,
            "eta_seconds": None,
            "phase": None,
        },
        "priority": 3,
        "attempt": 2,
        "error": None,
        "result": None,
        "log_file_exist": False,
        "created_by": None,
        "created_at": task.created_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "started_at": None,
        "finished_at": None,
    }


@pytest.fixture
def rows(db: None) -> dict[str, Task]:
    parent = TaskFactory(
        type="servers.sync", resource_type="", resource_id=None, resource_name="", priority=5
    )
    child = TaskFactory(
        type="server.sync",
        resource_type="server",
        resource_id=1,
        resource_name="Lab",
        parent=parent,
        state=State.SUCCEEDED,
        attempt=1,
        unit=Unit.ITEMS,
        phase="writing",
    )
    failed = TaskFactory(
        state=State.FAILED,
        resource_id=2,
        attempt=2,
        unit=Unit.BYTES,
        error={"code": "timeout", "detail": "No answer.", "retryable": True},
    )
    rows = {"parent": parent, "child": child, "failed": failed}
    for day, task in enumerate(rows.values(), start=1):
        moment = datetime(2025, 1, day, tzinfo=UTC)
        Task.objects.filter(pk=task.pk).update(
            created_at=moment, started_at=moment, finished_at=moment if day > 1 else None
        )
    write_log(failed, "text")
    return rows


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["failed", "child", "parent"]),
        ("search=lab", ["child"]),
        ("parent={parent}", ["child"]),
        ("id={parent},{child}", ["child", "parent"]),
        ("top=true", ["failed", "parent"]),
        ("type=server.sync,servers.sync", ["child", "parent"]),
        ("type=model.pull", ["failed"]),
        ("resource_type=server", ["child"]),
        ("resource_type=model&resource_id=2", ["failed"]),
        ("resource_name=Lab", ["child"]),
        ("state=queued,failed", ["failed", "parent"]),
        ("state=running", []),
        ("phase=writing", ["child"]),
        ("unit=bytes", ["failed"]),
        ("priority=5", ["parent"]),
        ("priority=-1", []),
        ("attempt=1,2", ["failed", "child"]),
        ("error=timeout", ["failed"]),
        ("error=other", []),
        ("retryable=true", ["failed"]),
        ("log_file_exist=true", ["failed"]),
        ("log_file_exist=false", ["child", "parent"]),
        ("created_by=1", []),
        ("created_after=2025-01-02", ["failed", "child"]),
        ("created_before=2025-01-01T00:00:00Z", ["parent"]),
        ("started_after=2025-01-03", ["failed"]),
        ("started_before=2025-01-02T00:00:00Z", ["child", "parent"]),
        ("finished_after=2025-01-01", ["failed", "child"]),
        ("finished_before=2025-01-02", ["child"]),
        ("ordering=created_at", ["parent", "child", "failed"]),
        ("ordering=-priority", ["parent", "child", "failed"]),
        ("ordering=finished_at", ["child", "failed", "parent"]),
    ],
)
def test_there_is_a_filter_for_each(
    administrator: APIClient, rows: dict[str, Task], query: str, found: list[str]
) -> None:
    ids = {name: row.pk for name, row in rows.items()}
    answer = administrator.get(f"{TASKS}?{query.format(**ids)}")
    assert answer.status_code == 200, answer.data
    assert [row["id"] for row in answer.data["results"]] == [ids[name] for name in found]


@pytest.mark.parametrize(
    "query",
    [
        "state=asleep",
        "parent=x",
        "priority=1e3",
        "retryable=maybe",
        "type=%00",
        "x=1",
        "unit=miles",
    ],
)
def test_a_bad_parameter_is_400(administrator: APIClient, query: str) -> None:
    answer = administrator.get(f"{TASKS}?{query}")
    assert answer.status_code == 400
    assert answer.data["errors"][0]["attr"] == query.partition("=")[0]


def test_a_task_is_cancelled_and_retried(administrator: APIClient) -> None:
    model = OllamaModelFactory()
    task = TaskFactory(resource_id=model.pk)
    OllamaModel.objects.filter(pk=model.pk).update(last_task=task)
    cancelled = administrator.post(f"{TASKS}{task.pk}/cancel/")
    assert cancelled.status_code == 202, cancelled.data
    assert cancelled.data["task"]["state"] == "cancelled"
    again = administrator.post(f"{TASKS}{task.pk}/cancel/")
    assert again.status_code == 409
    assert again.data["errors"][0]["code"] == "ended"
    retried = administrator.post(f"{TASKS}{task.pk}/retry/")
    assert retried.data["task"]["state"] == "queued"


def test_a_task_is_paused_and_resumed(administrator: APIClient) -> None:
    model = OllamaModelFactory()
    task = TaskFactory(resource_id=model.pk)
    OllamaModel.objects.filter(pk=model.pk).update(last_task=task)
    assert administrator.post(f"{TASKS}{task.pk}/resume/").status_code == 409
    paused = administrator.post(f"{TASKS}{task.pk}/pause/")
    assert paused.data["task"]["state"] == "paused"
    assert administrator.post(f"{TASKS}{task.pk}/resume/").data["task"]["state"] == "queued"


def test_a_kind_that_cannot_pause_says_so(administrator: APIClient) -> None:
    task = TaskFactory(type="server.sync", resource_type="server")
    answer = administrator.post(f"{TASKS}{task.pk}/pause/")
    assert answer.status_code == 409
    assert answer.data["errors"][0]["code"] == "no_pause"


def test_a_log_is_read_in_pieces(administrator: APIClient) -> None:
    text = "first\nsecond 行\nthird\n"
    task = TaskFactory()
    write_log(task, text)
    address = f"{TASKS}{task.pk}/log/"
    assert administrator.get(f"{TASKS}{task.pk}/").data["log_file_exist"] is True
    whole = administrator.get(address)
    assert whole["Content-Type"] == "text/plain; charset=utf-8"
    assert whole.content.decode() == text
    size = len(text.encode())
    assert (whole["X-Log-Next-Offset"], whole["X-Log-Size"]) == (str(size), str(size))
    read, offset = b"", 0
    while offset < size:
        piece = administrator.get(f"{address}?offset={offset}&limit=14")
        assert int(piece["X-Log-Offset"]) == offset
        read, offset = read + piece.content, int(piece["X-Log-Next-Offset"])
        piece.content.decode()
    assert read.decode() == text
    assert administrator.get(f"{address}?offset={size + 100}").content == b""


def test_a_log_is_downloaded_whole(administrator: APIClient) -> None:
    text = "line\n" * 500_000
    task = TaskFactory()
    write_log(task, text)
    answer: Any = administrator.get(f"{TASKS}{task.pk}/log/?download=1")
    assert answer["Content-Disposition"] == f'attachment; filename="task-{task.pk}.log"'
    assert b"".join(answer.streaming_content).decode() == text


@pytest.mark.parametrize(
    "query", ["offset=-1", "offset=x", "offset=" + "9" * 40, "limit=0", "limit=1000001", "tail=5"]
)
def test_a_bad_place_in_a_log_is_400(administrator: APIClient, query: str) -> None:
    task = TaskFactory()
    write_log(task, "x")
    answer = administrator.get(f"{TASKS}{task.pk}/log/?{query}")
    assert answer.status_code == 400
    assert answer.data["errors"][0]["attr"] == query.partition("=")[0]


def test_a_log_that_somebody_deleted_is_missing(administrator: APIClient) -> None:
    task = TaskFactory()
    write_log(task, "x").unlink()
    assert administrator.get(f"{TASKS}{task.pk}/").data["log_file_exist"] is False
    answer = administrator.get(f"{TASKS}{task.pk}/log/")
    assert answer.status_code == 404
    assert answer.data["errors"][0]["code"] == "log_missing"


def test_a_models_log_is_its_last_tasks(administrator: APIClient) -> None:
    model = OllamaModelFactory()
    address = f"/api/v1/models/{model.pk}/"
    missing = administrator.get(f"{address}log/")
    assert (missing.status_code, missing.data["errors"][0]["code"]) == (404, "log_missing")
    task = TaskFactory(resource_id=model.pk, state=State.SUCCEEDED)
    write_log(task, "pulling manifest\n")
    OllamaModel.objects.filter(pk=model.pk).update(last_task=task)
    assert administrator.get(address).data["log_file_exist"] is True
    assert administrator.get(f"{address}log/").content == b"pulling manifest\n"
    assert administrator.get(f"{address}log/?limit=7").content == b"pulling"


def test_hundred_tasks_cost_as_many_queries_as_ten(administrator: APIClient) -> None:
    parent = TaskFactory()

    def add(count: int) -> None:
        for task in TaskFactory.create_batch(count, parent=parent):
            write_log(task, "x")

    def ask() -> Any:
        return administrator.get(f"{TASKS}?page_size=200&parent={parent.pk}")

    add(10)
    few = count_queries(ask)
    add(90)
    assert ask().data["count"] == 100
    assert count_queries(ask) == few
