"""Conflicts of syncs by the API: the list and its filters, and each way to settle one."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from rest_framework.test import APIClient

from audit_app.actors import SYSTEM
from audit_app.models import AuditRecord
from models_app.models import OllamaModel, OllamaServer, SyncConflict
from models_app.resources.verdict import Preflight
from models_app.services import lifecycle
from tasks_app.models import Task
from tests.api.conftest import ClientOf
from tests.factories import OllamaModelFactory, OllamaServerFactory, UserFactory, token_of

pytestmark = pytest.mark.django_db
CONFLICTS = "/api/v1/sync-conflicts/"
OLD, NEW = "a" * 64, "b" * 64


@pytest.fixture
def operator(client_of: ClientOf) -> APIClient:
    return client_of("operator")


@pytest.fixture(autouse=True)
def _no_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "check_pull", lambda **kwargs: Preflight(verdict="ok"))


def conflict_of(kind: str, **fields: Any) -> SyncConflict:
    """An open conflict about a model that the panel has, with what its server has by now."""
    model = fields.pop("model", None) or OllamaModelFactory(digest=OLD, size=5)
    mine = {"digest": model.digest, "size": model.size, "modified_at": None}
    other = None if kind == "gone" else {"digest": NEW, "size": 7, "modified_at": None}
    row: SyncConflict = SyncConflict.objects.create(
        server=model.server,
        model=model,
        name=model.name,
        key=model.key,
        kind=kind,
        panel_side=mine if kind in ("changed", "gone") else None,
        server_side=other,
        **fields,
    )
    return row


def settle(client: APIClient, conflict: SyncConflict, how: str) -> Any:
    return client.post(f"{CONFLICTS}{conflict.pk}/settle/", {"how": how}, format="json")


def test_both_sides_are_shown(operator: APIClient) -> None:
    conflict = conflict_of("changed")
    shown = operator.get(f"{CONFLICTS}{conflict.pk}/").json()
    assert (shown["name"], shown["kind"], shown["state"]) == (conflict.name, "changed", "open")
    assert (shown["panel"]["digest"], shown["server_has"]["digest"]) == (OLD, NEW)
    assert (shown["how"], shown["task"], shown["settled_at"]) == ("", None, None)
    assert shown["server_name"] == conflict.server.name
    assert conflict_of("gone").server_side is None


def test_the_list_is_filtered_and_ordered(viewer: APIClient) -> None:
    other = OllamaServerFactory()
    named = [
        conflict_of(kind, model=OllamaModelFactory(name=f"{name}:latest", **place), state=state)
        for name, kind, state, place in (
            ("qwen", "changed", "open", {}),
            ("llama", "gone", "ignored", {}),
            ("llava", "foreign", "settled", {"server": other}),
        )
    ]
    qwen, llama, llava = (row.pk for row in named)

    def found(query: str) -> list[int]:
        answer = viewer.get(f"{CONFLICTS}?{query}")
        assert answer.status_code == 200, answer.json()
        return [row["id"] for row in answer.json()["results"]]

    assert set(found("")) == {qwen, llama, llava}
    assert found("search=LLA&ordering=name") == [llama, llava]
    assert found(f"server={other.pk}") == [llava]
    assert found("kind=changed") == [qwen]
    assert found("state=open,ignored&ordering=-name") == [qwen, llama]
    assert found("state=open&kind=gone") == []
    for wrong in ("kind=odd", "state=odd", "server=x", "ordering=digest"):
        assert viewer.get(f"{CONFLICTS}?{wrong}").status_code == 400


def test_the_servers_side_of_what_changed(operator: APIClient) -> None:
    conflict = conflict_of("changed")
    answer = settle(operator, conflict, "server")
    assert answer.status_code == 202, answer.json()
    shown = answer.json()
    assert (shown["conflict"]["state"], shown["conflict"]["how"]) == ("settled", "server")
    assert shown["task"]["type"] == "server.sync"  # for all else that has changed
    row = OllamaModel.objects.get()
    assert (row.digest, row.size) == (NEW, 7)
    record = AuditRecord.objects.get(verb="conflict.settle")
    assert record.data == {"name": conflict.name, "kind": "changed", "how": "server"}
    conflict.refresh_from_db()
    assert conflict.settled_by == record.user


def test_the_servers_side_of_what_is_gone(operator: APIClient) -> None:
    conflict = conflict_of("gone")
    answer = settle(operator, conflict, "server").json()
    assert answer["task"] is None
    assert not OllamaModel.objects.exists()
    assert SyncConflict.objects.get().state == "settled"  # the history stays


@pytest.mark.parametrize("kind", ["foreign", "twin"])
def test_what_somebody_else_has_brought_is_kept(operator: APIClient, kind: str) -> None:
    conflict = conflict_of(kind)
    assert settle(operator, conflict, "server").json()["task"] is None
    assert OllamaModel.objects.get() == conflict.model
    assert not Task.objects.exists()


@pytest.mark.parametrize("kind", ["changed", "gone"])
def test_the_panels_side_is_pulled(operator: APIClient, kind: str) -> None:
    conflict = conflict_of(kind)
    shown = settle(operator, conflict, "panel").json()
    task = Task.objects.get()
    assert (task.type, task.resource_id) == ("model.pull", conflict.model_id)
    assert shown["task"]["id"] == shown["conflict"]["task"] == task.pk
    assert (shown["conflict"]["state"], shown["conflict"]["how"]) == ("settled", "panel")


@pytest.mark.parametrize("kind", ["foreign", "twin"])
def test_the_panels_side_is_to_delete_what_others_brought(operator: APIClient, kind: str) -> None:
    conflict = conflict_of(kind)
    shown = settle(operator, conflict, "panel").json()
    task = Task.objects.get()
    assert (task.type, task.resource_id) == ("model.delete", conflict.model_id)
    assert shown["conflict"]["task"] == task.pk


def test_what_is_ignored_can_be_settled_later(operator: APIClient) -> None:
    conflict = conflict_of("gone")
    shown = settle(operator, conflict, "ignore").json()["conflict"]
    assert (shown["state"], shown["how"]) == ("ignored", "ignored")
    assert OllamaModel.objects.exists()
    assert settle(operator, conflict, "server").json()["conflict"]["state"] == "settled"


@pytest.mark.parametrize("how", ["server", "panel", "ignore"])
@pytest.mark.parametrize("kind", ["changed", "foreign"])
def test_what_somebody_has_settled_is_left_alone(operator: APIClient, kind: str, how: str) -> None:
    conflict = conflict_of(kind, state="settled", how="server")
    answer = settle(operator, conflict, how)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "settled")
    assert not Task.objects.exists()  # nothing is pulled or deleted for it
    assert not AuditRecord.objects.filter(verb="conflict.settle").exists()


def test_a_busy_model_leaves_its_conflict_open(operator: APIClient) -> None:
    conflict = conflict_of("foreign")
    assert conflict.model is not None
    lifecycle.start_model(actor=SYSTEM, model=conflict.model)
    assert settle(operator, conflict, "panel").status_code == 409
    conflict.refresh_from_db()
    assert (conflict.state, conflict.task) == ("open", None)
    assert Task.objects.count() == 1


def test_what_cannot_be_settled_is_said(operator: APIClient, viewer: APIClient) -> None:
    conflict = conflict_of("changed")
    for body in ({}, {"how": "guess"}, {"how": "server", "more": 1}):
        answer = operator.post(f"{CONFLICTS}{conflict.pk}/settle/", body, format="json")
        assert answer.status_code == 400, answer.json()
    for client in (operator, viewer):
        assert client.get(f"{CONFLICTS}999/").status_code == 404
    assert operator.post(f"{CONFLICTS}999/settle/", {"how": "server"}).status_code == 404
    refused = settle(viewer, conflict, "ignore")
    assert (refused.status_code, refused.json()["permission"]) == (
        403,
        "models_app.sync_ollamaserver",
    )
    assert SyncConflict.objects.get().state == "open"


def test_who_may_sync_alone_pulls_and_deletes_nothing() -> None:
    user = UserFactory(role="viewer")
    user.user_permissions.add(Permission.objects.get(codename="sync_ollamaserver"))
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token_of(user)}")
    for kind in ("changed", "foreign"):
        conflict = conflict_of(kind)
        assert settle(client, conflict, "panel").status_code == 403
        conflict.refresh_from_db()
        assert conflict.state == "open"
        assert settle(client, conflict, "ignore").status_code == 202
    assert not Task.objects.exists()


def test_a_conflict_of_a_model_that_is_gone(operator: APIClient) -> None:
    conflict = conflict_of("foreign")
    OllamaModel.objects.all().delete()
    assert settle(operator, conflict, "panel").status_code == 409
    assert settle(operator, conflict, "ignore").status_code == 202
    assert OllamaServer.objects.count() == 1
