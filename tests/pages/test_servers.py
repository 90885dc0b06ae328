"""The pages of servers: add, change, check, sync, remove; secrets never come back."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from audit_app.models import AuditRecord
from models_app.models import OllamaServer
from tasks_app.models import Task
from tests.factories import OllamaModelFactory, OllamaServerFactory, TaskFactory
from tests.pages.conftest import HTMX

pytestmark = pytest.mark.django_db
ADD = reverse("admin:server-add")
PLAIN = {"name": "Attic", "base_url": "http://192.168.7.7:11434", "auth_kind": "none"}
SECRET = "s3cret-of-the-proxy"


def _post(client: Client, url: str, **data: str) -> Any:
    return client.post(url, data, headers=HTMX)


def _locked(**fields: Any) -> OllamaServer:
    server: OllamaServer = OllamaServerFactory(
        base_url="http://192.168.7.7:11434",
        auth_kind="basic",
        credentials={"username": "me", "password": SECRET},
        **fields,
    )
    return server


def test_a_server_is_added(administrator: Client) -> None:
    answer = _post(administrator, ADD, **PLAIN)
    server = OllamaServer.objects.get()
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (
        204,
        reverse("admin:server", args=[server.pk]),
    )
    assert (server.name, server.base_url) == ("Attic", "http://192.168.7.7:11434")
    assert AuditRecord.objects.filter(verb="server.add").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": ""}, "This field is required"),
        ({"base_url": "ftp://x"}, "http"),
        ({"base_url": "http://me:pw@x:1"}, "oc-errors"),
        ({"base_url": "http://169.254.169.254"}, "oc-errors"),
        ({"auth_kind": "bearer"}, "needed for this kind"),
        ({"max_downloads": "0"}, "oc-errors"),
        ({"ca_pem": "no certificate"}, "oc-"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    administrator: Client, change: dict[str, str], said: str
) -> None:
    answer = _post(administrator, ADD, **{**PLAIN, **change})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert 'role="alert"' in answer.content.decode()
    assert not OllamaServer.objects.exists()


def test_a_name_is_taken_once(administrator: Client) -> None:
    OllamaServerFactory(name="Attic")
    answer = _post(administrator, ADD, **PLAIN)
    assert answer.status_code == 422
    assert "already exists" in answer.content.decode()


def test_secrets_never_come_back_and_stay_when_left_empty(administrator: Client) -> None:
    server = _locked(name="Attic")
    url = reverse("admin:server-edit", args=[server.pk])
    form = administrator.get(url, headers=HTMX).content.decode()
    assert SECRET not in form
    assert 'value="me"' in form
    answer = _post(
        administrator, url, **{**PLAIN, "name": "Loft", "auth_kind": "basic", "username": "me"}
    )
    assert answer.status_code == 204, answer.content.decode()
    server.refresh_from_db()
    assert (server.name, server.credentials["password"]) == ("Loft", SECRET)


def test_what_the_api_has_set_can_be_saved_in_the_page(administrator: Client) -> None:
    server: OllamaServer = OllamaServerFactory(name="Attic", base_url=PLAIN["base_url"])
    api = f"/api/v1/servers/{server.pk}/"
    limits = {"max_downloads": 1000}
    answer = administrator.patch(api, {"limits": limits}, content_type="application/json")
    assert answer.status_code == 200
    edit = reverse("admin:server-edit", args=[server.pk])
    assert 'max="1000"' in administrator.get(edit, headers=HTMX).content.decode()
    changed = {**PLAIN, "name": "Cellar", "max_downloads": "1000"}
    assert _post(administrator, edit, **changed).status_code == 204
    server.refresh_from_db()
    assert (server.name, server.max_downloads) == ("Cellar", 1000)


def test_a_secret_does_not_follow_to_another_address(administrator: Client) -> None:
    server = _locked(name="Attic")
    moved = {
        **PLAIN,
        "auth_kind": "basic",
        "username": "me",
        "base_url": "http://192.168.7.66:11434",
    }
    answer = _post(administrator, reverse("admin:server-edit", args=[server.pk]), **moved)
    assert answer.status_code == 422
    assert "the address is another one" in answer.content.decode()
    server.refresh_from_db()
    assert server.base_url == "http://192.168.7.7:11434"


def test_secrets_are_in_no_page(administrator: Client) -> None:
    server = _locked()
    for url in (
        reverse("admin:servers"),
        reverse("admin:server", args=[server.pk]),
        reverse("admin:models_app_ollamaserver_changelist"),
        reverse("admin:models_app_ollamaserver_change", args=[server.pk]),
    ):
        assert SECRET not in administrator.get(url).content.decode()


def test_check_now_shows_what_the_server_says(viewer: Client) -> None:
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        server = OllamaServerFactory(name="Attic", status="online", base_url=address)
        url = reverse("admin:server-check", args=[server.pk])
        answer = _post(viewer, url)
        panel = _post(viewer, url, view="panel").content.decode()
    assert answer.status_code == 200
    card = answer.content.decode()
    assert card.startswith(f'<article id="server-{server.pk}"')
    server.refresh_from_db()
    assert server.status == "offline"
    assert escape(str(server.message)) in card
    assert "offline" in answer.headers["HX-Trigger"]
    assert panel.startswith('<div id="server-panel"')


def test_sync_now_and_its_counts(administrator: Client) -> None:
    server = OllamaServerFactory()
    assert _post(administrator, reverse("admin:server-sync", args=[server.pk])).status_code == 200
    task = Task.objects.get()
    assert (task.type, task.resource_id) == ("server.sync", server.pk)
    counts = {"added": 11, "updated": 22, "deleted": 33, "unchanged": 44, "conflicts": 0}
    Task.objects.filter(pk=task.pk).update(state="succeeded", result=counts)
    page = administrator.get(reverse("admin:server", args=[server.pk])).content.decode()
    assert "11 added, 22 changed, 33 gone, 44 as before" in page


def test_remove_asks_then_forgets(administrator: Client) -> None:
    server = OllamaServerFactory(name="Attic")
    url = reverse("admin:server-remove", args=[server.pk])
    assert "Attic" in administrator.get(url, headers=HTMX).content.decode()
    answer = _post(administrator, url)
    assert answer.headers["HX-Redirect"] == reverse("admin:servers")
    assert not OllamaServer.objects.exists()


def test_a_server_with_work_under_way_stays(administrator: Client) -> None:
    server = OllamaServerFactory()
    OllamaModelFactory(server=server, last_task=TaskFactory(state="running"))
    answer = _post(administrator, reverse("admin:server-remove", args=[server.pk]))
    assert answer.status_code == 409
    assert "Work is under way" in answer.content.decode()
    assert OllamaServer.objects.exists()


def test_a_simulated_server_says_so(viewer: Client) -> None:
    server = OllamaServerFactory(version="0.24.0-simulated")
    OllamaModelFactory(server=server)
    for url in (
        reverse("admin:servers"),
        reverse("admin:server", args=[server.pk]),
        reverse("admin:models"),
    ):
        assert ">simulated<" in viewer.get(url).content.decode()


def test_who_may_not_sees_no_buttons(viewer: Client) -> None:
    server = OllamaServerFactory()
    page = viewer.get(reverse("admin:server", args=[server.pk])).content.decode()
    for part in ("server-edit", "server-remove", f"server-{server.pk}-sync"):
        assert f'id="{part}"' not in page
