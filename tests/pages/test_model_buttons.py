"""Which buttons a model has: those that can work, for those who may press them."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from models_app.actions import ACTIONS, available_actions
from models_app.choices import ModelStatus, ServerStatus
from models_app.models import OllamaModel
from tests.factories import OllamaModelFactory, OllamaServerFactory, TaskFactory, UserFactory
from tests.pages.conftest import ClientOf

pytestmark = pytest.mark.django_db

AT_REST = {"benchmark", "start-options", "recreate", "copy", "rename", "pin", "delete"}

# status, task (type, state) or None, server, what can be done
TABLE: list[tuple[str, tuple[str, str] | None, str, set[str]]] = [
    ("stopped", None, "online", {"start", *AT_REST}),
    ("stopped", ("model.start", "failed"), "online", {"start", *AT_REST}),
    ("stopped", ("model.pull", "failed"), "online", {"start", "retry", *AT_REST}),
    ("stopped", ("model.pull", "succeeded"), "degraded", {"start", *AT_REST}),
    ("running", None, "online", {"stop", "stop-now", *AT_REST}),
    ("running", ("model.pull", "running"), "online", {"pause", "cancel", "pin"}),
    ("waiting", ("model.pull", "queued"), "online", {"pause", "cancel", "pin"}),
    ("downloading", ("model.pull", "running"), "online", {"pause", "cancel", "pin"}),
    ("downloading", ("model.pull", "running"), "offline", {"pause", "cancel", "pin"}),
    ("paused", ("model.pull", "paused"), "online", {"resume", "cancel", "pin"}),
    ("starting", ("model.start", "running"), "online", {"cancel", "pin"}),
    ("stopping", ("model.stop", "running"), "online", {"cancel", "pin"}),
    ("deleting", ("model.delete", "queued"), "online", {"cancel", "pin"}),
    ("deleting", ("model.delete", "running"), "online", {"pin"}),
    ("error", ("model.pull", "failed"), "online", {"retry", "delete"}),
    ("error", ("model.pull", "cancelled"), "online", {"retry", "delete"}),
    ("error", None, "online", {"delete"}),
    ("stopped", None, "offline", {"pin"}),
    ("running", None, "unauthorized", {"pin"}),
    ("error", ("model.pull", "failed"), "offline", {"delete"}),
    ("error", ("model.copy", "failed"), "online", {"retry", "delete"}),
    ("stopped", ("model.rename", "failed"), "online", {"start", "retry", *AT_REST}),
]


def _model(status: str, task: tuple[str, str] | None, server: str) -> OllamaModel:
    row = OllamaModelFactory(
        status=ModelStatus(status),
        digest="" if status == "error" else "1" * 64,
        server=OllamaServerFactory(status=ServerStatus(server)),
        last_task=TaskFactory(type=task[0], state=task[1]) if task else None,
    )
    return OllamaModel.objects.for_display().get(pk=row.pk)


@pytest.mark.parametrize(("status", "task", "server", "expected"), TABLE)
def test_what_can_be_done(
    status: str, task: tuple[str, str] | None, server: str, expected: set[str]
) -> None:
    model = _model(status, task, server)
    assert set(available_actions(model, UserFactory(role="administrator"))) == expected
    assert set(available_actions(model, UserFactory(role="operator"))) == expected
    assert available_actions(model, UserFactory(role="viewer")) == []


def test_each_permission_brings_its_button(user: User) -> None:
    model = _model("stopped", None, "online")
    user.user_permissions.add(Permission.objects.get(codename="start_ollamamodel"))
    assert available_actions(model, User.objects.get(pk=user.pk)) == ["start", "start-options"]


def test_a_pinned_one_can_be_unpinned() -> None:
    model = OllamaModelFactory(pinned=True)
    names = available_actions(model, UserFactory(role="operator"))
    assert "unpin" in names
    assert "pin" not in names


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_the_row_shows_exactly_these_buttons(client_of: ClientOf, role: str) -> None:
    model = _model("stopped", None, "online")
    shown = client_of(role).get(reverse("admin:model-row", args=[model.pk])).content.decode()
    expected = {"start", "delete"} if role == "operator" else set()
    assert {name for name in ACTIONS if f'id="model-{model.pk}-{name}"' in shown} == expected


def test_its_own_page_has_all_of_them(operator: Client) -> None:
    model = _model("stopped", None, "online")
    shown = operator.get(reverse("admin:model-panel", args=[model.pk])).content.decode()
    found = {name for name in ACTIONS if f'id="model-{model.pk}-{name}"' in shown}
    assert found == {"start", *AT_REST}
