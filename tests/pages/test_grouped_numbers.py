"""Large numbers have their digits in groups where people read them, in both languages alike."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from models_app.batches import planning
from models_app.batches.asking import Heard
from models_app.models import OllamaModel
from ollamactl.lib.units import group_digits
from tests.factories import OllamaServerFactory, TaskFactory
from tests.pages.conftest import HTMX

pytestmark = pytest.mark.django_db
LANGUAGES = ("en", "zh-hans")


@pytest.mark.parametrize("language", LANGUAGES)
def test_groups_have_three_digits(language: str) -> None:
    with override(language):
        written = [group_digits(number) for number in (0, 999, 1000, 10_000, 1_234_567)]
    assert written == ["0", "999", "1,000", "10,000", "1,234,567"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_task_s_page_groups_its_counts(viewer: Client, language: str) -> None:
    """And no id, no address, and nothing that a script reads."""
    task = TaskFactory(
        pk=1_234_567,
        type="model.batch",
        state="failed",
        resource_type="",
        resource_id=None,
        payload={"operation": "start", "count": 10_000, "on_error": "continue"},
        result={"total": 9000, "succeeded": 7500, "failed": 1500, "skipped": 1000},
    )
    running = TaskFactory(
        type="model.batch", state="running", done=2500, total=10_000, unit="items"
    )
    address = reverse("admin:task", args=[task.pk])
    page = viewer.get(address, headers={"Accept-Language": language}).content.decode()
    for number in ("10,000", "9,000", "7,500", "1,500", "1,000"):
        assert number in page
    assert "1,234,567" not in page
    assert f'data-live-topics="task:{task.pk} tasks"' in page
    address = reverse("admin:task", args=[running.pk])
    page = viewer.get(address, headers={"Accept-Language": language}).content.decode()
    assert '<span data-field="done">2,500</span>' in page
    assert 'value="2500" max="10000"' in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_plan_groups_its_counts_and_its_form_does_not(
    operator: Client, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "ask_around", lambda wanted, **_: Heard())
    server = OllamaServerFactory(pk=5000)
    rows = [
        OllamaModel(pk=7000 + n, server=server, name=f"m{n}:7b", key=f"m{n}:7b", status="stopped")
        for n in range(1200)
    ]
    OllamaModel.objects.bulk_create(rows)
    asked = {"operation": "delete", "filter": ""}
    answer = operator.post(
        reverse("admin:batch"), asked, headers={**HTMX, "Accept-Language": language}
    )
    dialog = answer.content.decode()
    assert "1,200" in dialog
    assert "1,100" in dialog  # the others, which have no line
    ids = re.search(r'name="ids" value="([^"]*)"', dialog)
    assert ids is not None
    assert {int(word) for word in ids[1].split(",")} == {row.pk for row in rows}
    page = operator.get(reverse("admin:models"), headers={"Accept-Language": language})
    assert 'data-select-total="1200"' in page.content.decode()
    assert re.search(r'oc-chip-count">1,200<', page.content.decode())
