"""Finding lines in a task's log, on its page, on its model's page and in the API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from tasks_app.log_search import MOST_HITS, marked, search_log
from tasks_app.logs import LogWriter, log_file_exist, relative_path
from tasks_app.models import Task
from tests.factories import OllamaModelFactory, TaskFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_logs(settings: Any, tmp_path: Path) -> None:
    settings.TASK_LOGS = tmp_path


def logged(*lines: str) -> Task:
    """A task with these lines in its log."""
    task = TaskFactory(state="failed", log_path="")
    task.log_path = relative_path(task.pk)
    task.save(update_fields=["log_path"])
    LogWriter(task).write("\n".join(lines))
    return task


def test_lines_are_found_in_any_case_and_marked(viewer: Client) -> None:
    task = logged("pulling manifest", "Verifying <b>sha256</b>", "done")
    address = reverse("admin:task-log", args=[task.pk])
    shown = viewer.get(address, {"search": " VERIFYING <B> "}).content.decode()
    assert "<mark>Verifying &lt;b&gt;</mark>sha256&lt;/b&gt;" in shown
    assert "manifest" not in shown
    assert "1 line found." in shown
    assert "data-live-log" not in shown

    none = viewer.get(address, {"search": "nowhere"}).content.decode()
    assert "0 lines found." in none
    whole = viewer.get(address, {"search": ""}).content.decode()
    assert "manifest" in whole
    assert "data-live-log" in whole


def test_of_very_many_lines_the_newest_are_shown() -> None:
    task = logged(*(f"line {number}" for number in range(3 * MOST_HITS)))
    hits = search_log(task, "line")
    assert hits is not None
    assert hits.total == 3 * MOST_HITS
    assert len(hits.lines) == MOST_HITS
    assert hits.are_cut
    assert hits.lines[-1].endswith(f"line {3 * MOST_HITS - 1}")


def test_a_log_that_is_gone_has_no_lines() -> None:
    task = TaskFactory(log_path="")
    assert not log_file_exist(task)
    assert search_log(task, "x") is None


def test_only_a_sure_place_is_marked() -> None:
    assert marked("aXbxc", "x") == [
        ("a", False),
        ("X", True),
        ("b", False),
        ("x", True),
        ("c", False),
    ]
    assert marked("straße x", "x") == [("straße x", False)]
    assert marked("abc", "") == [("abc", False)]


def test_the_models_page_shows_its_last_tasks_log(viewer: Client) -> None:
    task = logged("pulling manifest", "no such model")
    model = OllamaModelFactory(last_task=task)
    page = viewer.get(reverse("admin:model", args=[model.pk])).content.decode()
    assert "pulling manifest" in page
    assert "Download the log" in page
    address = reverse("admin:model-log", args=[model.pk])
    again = viewer.get(address, {"search": "such"}).content.decode()
    assert "no <mark>such</mark> model" in again
    assert "pulling manifest" not in again
    assert 'value="such"' in again


def test_a_model_of_which_nothing_is_logged_shows_no_log(viewer: Client) -> None:
    model = OllamaModelFactory()
    assert (
        "Search the log" not in viewer.get(reverse("admin:model", args=[model.pk])).content.decode()
    )


def test_a_program_gets_the_lines_alone(administrator: APIClient) -> None:
    task = logged("pulling manifest", "done")
    answer = administrator.get(f"/api/v1/tasks/{task.pk}/log/?contains=MANIFEST")
    assert answer.status_code == 200, answer.content
    assert answer["X-Log-Hits"] == "1"
    assert answer.content.decode().endswith(" pulling manifest\n")
    assert (
        administrator.get(f"/api/v1/tasks/{task.pk}/log/?contains={'x' * 201}").status_code == 400
    )


def test_the_log_of_a_model_that_is_gone_leaves_its_page(viewer: Client) -> None:
    """Its page stays open, and asks for it at the last event of the model."""
    answer = viewer.get(reverse("admin:model-log", args=[99]))
    assert (answer.status_code, answer.content) == (200, b"")
