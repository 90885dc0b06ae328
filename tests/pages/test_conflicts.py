"""Conflicts on a server's page, and looking for newer versions above the list of models."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from models_app.models import OllamaModel, OllamaServer, SyncConflict
from models_app.views.servers import CONFLICTS_SHOWN
from tasks_app.models import Task
from tests.factories import OllamaModelFactory, OllamaServerFactory
from tests.pages.conftest import HTMX

pytestmark = pytest.mark.django_db
OLD, NEW = "a" * 64, "b" * 64


@pytest.fixture
def server(db: None) -> OllamaServer:
    row: OllamaServer = OllamaServerFactory(name="shop")
    return row


def conflict_of(server: OllamaServer, kind: str, name: str = "m:latest") -> SyncConflict:
    model = OllamaModelFactory(server=server, name=name, digest=OLD, size=5_000_000)
    row: SyncConflict = SyncConflict.objects.create(
        server=server,
        model=model,
        name=model.name,
        key=model.key,
        kind=kind,
        panel_side={"digest": OLD, "size": 5_000_000},
        server_side=None if kind == "gone" else {"digest": NEW, "size": 7_000_000},
    )
    return row


def settle(client: Client, conflict: SyncConflict, how: str, **options: Any) -> Any:
    url = reverse("admin:conflict-settle", args=[conflict.pk, how])
    return client.post(url, **({"headers": HTMX} | options))


def page_of(client: Client, server: OllamaServer) -> str:
    return client.get(reverse("admin:server", args=[server.pk])).content.decode()


def test_both_sides_and_what_can_be_done(
    operator: Client, viewer: Client, server: OllamaServer
) -> None:
    changed = conflict_of(server, "changed", "a:latest")
    gone = conflict_of(server, "gone", "b:latest")
    foreign = conflict_of(server, "foreign", "c:latest")
    page = page_of(operator, server)
    for text in ("changed outside", OLD[:12], NEW[:12], "7 MB", "does not have it"):
        assert text in page
    for conflict, ways in (
        (changed, ("server", "panel", "ignore")),
        (gone, ("server", "panel", "ignore")),
        (foreign, ("server", "delete", "ignore")),
    ):
        for way in ways:
            assert f'id="conflict-{conflict.pk}-{way}"' in page
    seen = page_of(viewer, server)
    assert "changed outside" in seen
    assert f'id="conflict-{changed.pk}-server"' not in seen


def test_without_conflicts_nothing_is_said(operator: Client, server: OllamaServer) -> None:
    assert "conflicts-title" not in page_of(operator, server)


def test_more_than_a_page_of_them(operator: Client, server: OllamaServer) -> None:
    for number in range(CONFLICTS_SHOWN + 1):
        SyncConflict.objects.create(
            server=server, name=f"m{number}", key=f"m{number}", kind="twin", panel_side={}
        )
    page = page_of(operator, server)
    assert page.count('<tr id="conflict-') == CONFLICTS_SHOWN
    assert "There are more" in page


@pytest.mark.parametrize(
    ("kind", "how", "task", "stays"),
    [
        ("changed", "server", "server.sync", True),
        ("gone", "server", None, False),
        ("foreign", "server", None, True),
        ("gone", "panel", "model.pull", True),
        ("twin", "panel", "model.delete", True),
        ("changed", "ignore", None, True),
    ],
)
def test_each_way_to_settle(
    operator: Client,
    server: OllamaServer,
    verdict: dict[str, Any],
    kind: str,
    how: str,
    task: str | None,
    stays: bool,
) -> None:
    conflict = conflict_of(server, kind)
    answer = settle(operator, conflict, how)
    text = answer.content.decode()
    assert answer.status_code == 200
    assert 'id="server-panel"' in text
    assert f'<tr id="conflict-{conflict.pk}"' not in text
    toast = json.loads(answer.headers["HX-Trigger"])["panel:toast"]
    assert toast["message"] == "The conflict about “m:latest” is settled."
    assert list(Task.objects.values_list("type", flat=True)) == ([task] if task else [])
    assert OllamaModel.objects.exists() is stays
    conflict.refresh_from_db()
    assert conflict.state == ("ignored" if how == "ignore" else "settled")


def test_what_somebody_else_has_settled_is_said(operator: Client, server: OllamaServer) -> None:
    conflict = conflict_of(server, "foreign")
    settle(operator, conflict, "server")
    for how in ("server", "panel", "ignore"):
        answer = settle(operator, conflict, how)
        assert answer.status_code == 409
        assert "This conflict is settled already." in answer.content.decode()
    assert not Task.objects.exists()  # what was to be kept is not deleted


def test_a_way_that_there_is_not(operator: Client, server: OllamaServer) -> None:
    conflict = conflict_of(server, "changed")
    assert settle(operator, conflict, "guess").status_code == 400
    conflict.refresh_from_db()
    assert conflict.state == "open"


def test_a_browser_without_scripts_goes_back_to_the_server(
    operator: Client, server: OllamaServer
) -> None:
    conflict = conflict_of(server, "changed")
    answer = settle(operator, conflict, "ignore", headers={})
    assert answer.status_code == 302
    assert answer.headers["Location"] == reverse("admin:server", args=[server.pk])


def test_who_may_not_and_what_is_not_there(
    operator: Client, viewer: Client, server: OllamaServer
) -> None:
    conflict = conflict_of(server, "gone")
    assert settle(viewer, conflict, "server").status_code == 403
    url = reverse("admin:conflict-settle", args=[999, "server"])
    assert operator.post(url, headers=HTMX).status_code == 404
    assert operator.get(url).status_code == 405
    conflict.refresh_from_db()
    assert conflict.state == "open"


def test_looking_for_updates(operator: Client, viewer: Client, server: OllamaServer) -> None:
    OllamaModelFactory(server=server, outdated=True)
    OllamaModelFactory(server=server, outdated=False)
    page = operator.get(reverse("admin:models")).content.decode()
    assert 'id="check-updates"' in page
    assert 'id="show-outdated"' in page
    assert "1 outdated" in page
    address = reverse("admin:check-updates")
    said = operator.post(address, headers=HTMX)
    assert said.status_code == 204
    assert operator.post(address).status_code == 302
    assert Task.objects.get().type == "models.updates"  # once
    assert viewer.post(address, headers=HTMX).status_code == 403
    assert 'id="check-updates"' not in viewer.get(reverse("admin:models")).content.decode()
