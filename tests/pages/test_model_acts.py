"""What the buttons of a model do, and what is answered."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from django.urls import reverse

from audit_app.actors import Actor
from audit_app.models import AuditRecord
from models_app.models import OllamaModel
from models_app.views import model_actions
from tasks_app.choices import State
from tasks_app.models import Task
from tests.factories import OllamaModelFactory, TaskFactory
from tests.pages.conftest import HTMX

pytestmark = pytest.mark.django_db


def _act(client: Client, model: OllamaModel, action: str, **data: str) -> tuple[int, str, str]:
    """The status, the fragment and the toast."""
    url = reverse("admin:model-act", args=[model.pk, action])
    answer = client.post(url, data, headers=HTMX)
    events = json.loads(answer.headers.get("HX-Trigger", "{}"))
    return (
        answer.status_code,
        answer.content.decode(),
        events.get("panel:toast", {}).get("message", ""),
    )


def test_start_queues_the_work_and_answers_the_row(operator: Client) -> None:
    model = OllamaModelFactory(name="llama3.2:latest")
    status, row, said = _act(operator, model, "start")
    assert status == 200
    assert row.startswith(f'<tr id="model-{model.pk}"')
    assert "starting" in row
    assert f"model-{model.pk}-start" not in row
    assert "llama3.2:latest" in said
    assert Task.objects.get().type == "model.start"
    record = AuditRecord.objects.exclude(verb="user.login").get()
    assert (record.verb, record.origin) == ("model.start", "page")


def test_on_the_models_own_page_its_panel_is_answered(operator: Client) -> None:
    model = OllamaModelFactory()
    status, panel, _said = _act(operator, model, "start", view="panel")
    assert status == 200
    assert panel.startswith('<div id="model-panel"')


def test_what_cannot_be_done_is_said_in_the_row(operator: Client) -> None:
    model = OllamaModelFactory(status="stopped")
    status, row, said = _act(operator, model, "stop")
    assert (status, said) == (409, "")
    assert row.startswith(f'<tr id="model-{model.pk}"')
    assert "is not running" in row
    assert not Task.objects.exists()


@pytest.mark.parametrize("view", ["", "panel"])
def test_a_deletion_may_be_done_before_its_answer(
    operator: Client, monkeypatch: pytest.MonkeyPatch, view: str
) -> None:
    def delete_at_once(*, actor: Actor, model: OllamaModel) -> None:
        model.delete()

    monkeypatch.setitem(model_actions.SERVICES, "delete", delete_at_once)
    model = OllamaModelFactory(name="llama3.2:latest")
    status, shown, said = _act(operator, model, "delete", view=view)
    assert status == 200
    assert ("This model is gone" in shown) == bool(view)
    assert "<tr" not in shown
    assert "llama3.2:latest" in said


def test_two_clicks_start_one_work(operator: Client) -> None:
    model = OllamaModelFactory()
    assert _act(operator, model, "start")[0] == 200
    status, row, _said = _act(operator, model, "start")
    assert status == 409
    assert "being worked on already" in row
    assert Task.objects.count() == 1


def test_pause_resume_cancel_retry(operator: Client) -> None:
    model = OllamaModelFactory(status="waiting", digest="")
    task = TaskFactory(resource_id=model.pk)
    OllamaModel.objects.filter(pk=model.pk).update(last_task=task)
    for action, state in (
        ("pause", State.PAUSED),
        ("resume", State.QUEUED),
        ("cancel", State.CANCELLED),
        ("retry", State.QUEUED),
    ):
        status, row, said = _act(operator, model, action)
        assert (status, bool(said)) == (200, True), row
        task.refresh_from_db()
        assert task.state == state


def test_delete_asks_first(operator: Client) -> None:
    model = OllamaModelFactory(name="llama3.2:latest")
    url = reverse("admin:model-confirm", args=[model.pk, "delete"])
    question = operator.get(url, headers=HTMX).content.decode()
    assert "llama3.2:latest" in question
    assert model.server.name in question
    assert f'hx-target="#model-{model.pk}"' in question
    panel = operator.get(f"{url}?view=panel", headers=HTMX).content.decode()
    assert 'hx-target="#model-panel"' in panel
    assert _act(operator, model, "delete")[0] == 200
    assert Task.objects.get().type == "model.delete"


@pytest.mark.parametrize("name", ["model-confirm", "server-remove"])
def test_without_the_script_a_question_is_a_page_of_its_own(
    administrator: Client, name: str
) -> None:
    model = OllamaModelFactory()
    about: list[object] = [model.pk, "delete"] if name == "model-confirm" else [model.server_id]
    page = administrator.get(reverse(f"admin:{name}", args=about)).content.decode()
    assert "</html>" in page
    assert 'hx-target="#model-' not in page
    back = reverse("admin:model", args=[model.pk]) if name == "model-confirm" else None
    assert f'href="{back or reverse("admin:server", args=[model.server_id])}"' in page


def test_without_the_script_a_button_leads_to_the_models_page(operator: Client) -> None:
    model = OllamaModelFactory()
    answer = operator.post(reverse("admin:model-act", args=[model.pk, "start"]))
    assert (answer.status_code, answer.headers["Location"]) == (
        302,
        reverse("admin:model", args=[model.pk]),
    )
    refused = operator.post(reverse("admin:model-act", args=[model.pk, "start"]), follow=True)
    assert "being worked on already" in refused.content.decode()


def test_an_action_that_there_is_not_is_not_found(operator: Client) -> None:
    model = OllamaModelFactory()
    assert _act(operator, model, "explode")[0] == 404
    assert operator.get(reverse("admin:model-act", args=[model.pk, "start"])).status_code == 405


def test_a_refusal_is_a_toast_beside_the_row(viewer: Client) -> None:
    model = OllamaModelFactory()
    answer = viewer.post(reverse("admin:model-act", args=[model.pk, "start"]), headers=HTMX)
    assert answer.status_code == 403
    assert answer.headers["HX-Retarget"] == "#oc-toasts"
    assert "models_app.start_ollamamodel" in answer.content.decode()
