"""Which buttons a model has: those that can work, for those who may press them."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from models_app.actions import ACTIONS, available_actions
from models_app.choices import ModelStatus, ServerStatus
from models_app.models import OllamaModel
from tests.factories import OllamaModelFactory, OllamaServerFactory, TaskFactory, UserFactory
from tests.pages.conftest import ClientOf

pytestmark = pytest.mark.django_db

# status, task (type, state) or None, server, what can be done
TABLE: list[tuple[str, tuple[str, str] | None, str, set[str]]] = [
    ("stopped", None, "online", {"start", "delete"}),
    ("stopped", ("model.start", "failed"), "online", {"start", "delete"}),
    ("stopped", ("model.pull", "failed"), "online", {"start", "delete", "retry"}),
    ("stopped", ("model.pull", "succeeded"), "degraded", {"start", "delete"}),
    ("running", None, "online", {"stop", "delete"}),
    ("running", ("model.pull", "running"), "online", {"pause", "cancel"}),
    ("waiting", ("model.pull", "queued"), "online", {"pause", "cancel"}),
    ("downloading", ("model.pull", "running"), "online", {"pause", "cancel"}),
    ("downloading", ("model.pull", "running"), "offline", {"pause", "cancel"}),
    ("paused", ("model.pull", "paused"), "online", {"resume", "cancel"}),
    ("starting", ("model.start", "running"), "online", {"cancel"}),
    ("stopping", ("model.stop", "running"), "online", {"cancel"}),
    ("deleting", ("model.delete", "queued"), "online", {"cancel"}),
    ("deleting", ("model.delete", "running"), "online", set()),
    ("error", ("model.pull", "failed"), "online", {"retry", "delete"}),
    ("error", ("model.pull", "cancelled"), "online", {"retry", "delete"}),
    ("error", None, "online", {"delete"}),
    ("stopped", None, "offline", set()),
    ("running", None, "unauthorized", set()),
    ("error", ("model.pull", "failed"), "offline", set()),
]


def _model(status: str, task: tuple[str, str] | None, server: str) -> OllamaModel:
    row = OllamaModelFactory(
        status=ModelStatus(status),
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
    assert available_actions(model, User.objects.get(pk=user.pk)) == ["start"]


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_the_row_shows_exactly_these_buttons(client_of: ClientOf, role: str) -> None:
    model = _model("stopped", None, "online")
    shown = client_of(role).get(reverse("admin:model-row", args=[model.pk])).content.decode()
    expected = {"start", "delete"} if role == "operator" else set()
    assert {name for name in ACTIONS if f'id="model-{model.pk}-{name}"' in shown} == expected
