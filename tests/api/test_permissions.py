"""Who may do what: every route of the API, for every role. A route that is missing here fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.test import APIClient

from audit_app.models import AuditRecord
from models_app.models import SyncConflict
from models_app.services import lifecycle, servers
from tests.api.conftest import ClientOf
from tests.factories import (
    OllamaModelFactory,
    OllamaServerFactory,
    TaskFactory,
    UserFactory,
    token_of,
)

ADMINISTRATOR, OPERATOR, VIEWER, NOBODY = "administrator", "operator", "viewer", None
ROLES = (ADMINISTRATOR, OPERATOR, VIEWER, NOBODY)

EVERYBODY: set[str | None] = {*ROLES}
SEES: set[str | None] = {ADMINISTRATOR, OPERATOR, VIEWER}
OPERATES: set[str | None] = {ADMINISTRATOR, OPERATOR}
ADMINISTERS: set[str | None] = {ADMINISTRATOR}

TABLE: dict[tuple[str, str], set[str | None]] = {
    ("post", "v1/auth/logout/"): EVERYBODY,
    ("get", "v1/me/"): EVERYBODY,
    ("get", "v1/tokens/"): EVERYBODY,
    ("post", "v1/tokens/"): EVERYBODY,
    ("get", "v1/tokens/<int:pk>/"): EVERYBODY,
    ("delete", "v1/tokens/<int:pk>/"): EVERYBODY,
    ("get", "v1/audit/"): ADMINISTERS,
    ("get", "v1/audit/<int:pk>/"): ADMINISTERS,
    ("get", "v1/catalogue/"): SEES,
    ("get", "v1/searches/"): SEES,
    ("post", "v1/searches/"): SEES,
    ("get", "v1/searches/recent/"): SEES,
    ("get", "v1/searches/<int:pk>/"): SEES,
    ("patch", "v1/searches/<int:pk>/"): SEES,
    ("delete", "v1/searches/<int:pk>/"): SEES,
    ("get", "v1/servers/"): SEES,
    ("post", "v1/servers/"): ADMINISTERS,
    ("get", "v1/servers/<int:pk>/"): SEES,
    ("patch", "v1/servers/<int:pk>/"): ADMINISTERS,
    ("delete", "v1/servers/<int:pk>/"): ADMINISTERS,
    ("post", "v1/servers/<int:pk>/check/"): SEES,
    ("post", "v1/servers/<int:pk>/sync/"): OPERATES,
    ("get", "v1/servers/<int:pk>/connection-info/"): SEES,
    ("get", "v1/servers/<int:pk>/open-webui/"): SEES,
    ("get", "v1/sync-conflicts/"): SEES,
    ("get", "v1/sync-conflicts/<int:pk>/"): SEES,
    ("post", "v1/sync-conflicts/<int:pk>/settle/"): OPERATES,
    ("get", "v1/models/"): SEES,
    ("post", "v1/models/"): OPERATES,
    ("post", "v1/models/preflight/"): OPERATES,
    ("post", "v1/models/sync/"): OPERATES,
    ("post", "v1/models/batch/"): SEES,  # each operation has a permission of its own
    ("post", "v1/models/batch/plan/"): SEES,
    ("get", "v1/models/updates/"): SEES,
    ("post", "v1/models/updates/"): OPERATES,
    ("get", "v1/models/<int:pk>/"): SEES,
    ("delete", "v1/models/<int:pk>/"): OPERATES,
    ("post", "v1/models/<int:pk>/start/"): OPERATES,
    ("post", "v1/models/<int:pk>/stop/"): OPERATES,
    ("post", "v1/models/<int:pk>/cancel/"): OPERATES,
    ("post", "v1/models/<int:pk>/pause/"): OPERATES,
    ("post", "v1/models/<int:pk>/copy/"): OPERATES,
    ("post", "v1/models/<int:pk>/benchmark/"): OPERATES,
    ("post", "v1/models/<int:pk>/rename/"): OPERATES,
    ("post", "v1/models/<int:pk>/recreate/"): OPERATES,
    ("post", "v1/models/<int:pk>/pin/"): OPERATES,
    ("post", "v1/models/<int:pk>/unpin/"): OPERATES,
    ("post", "v1/models/<int:pk>/resume/"): OPERATES,
    ("post", "v1/models/<int:pk>/retry/"): OPERATES,
    ("get", "v1/models/<int:pk>/log/"): SEES,
    ("get", "v1/chats/"): OPERATES,
    ("post", "v1/chats/"): OPERATES,
    ("get", "v1/chats/<int:pk>/"): OPERATES,
    ("patch", "v1/chats/<int:pk>/"): OPERATES,
    ("delete", "v1/chats/<int:pk>/"): OPERATES,
    ("get", "v1/chats/<int:pk>/messages/"): OPERATES,
    ("post", "v1/chats/<int:pk>/messages/"): OPERATES,
    ("get", "v1/chats/<int:pk>/messages/<int:message>/"): OPERATES,
    ("get", "v1/chats/<int:pk>/messages/<int:message>/versions/"): OPERATES,
    ("post", "v1/chats/<int:pk>/messages/<int:message>/regenerate/"): OPERATES,
    ("post", "v1/chats/<int:pk>/messages/<int:message>/edit/"): OPERATES,
    ("post", "v1/chats/<int:pk>/messages/<int:message>/stop/"): OPERATES,
    ("post", "v1/chats/<int:pk>/command/"): OPERATES,
    ("get", "v1/chats/<int:pk>/export/"): OPERATES,
    ("get", "v1/tasks/"): SEES,
    ("get", "v1/tasks/<int:pk>/"): SEES,
    ("post", "v1/tasks/<int:pk>/cancel/"): OPERATES,
    ("post", "v1/tasks/<int:pk>/pause/"): OPERATES,
    ("post", "v1/tasks/<int:pk>/resume/"): OPERATES,
    ("post", "v1/tasks/<int:pk>/retry/"): OPERATES,
    ("post", "v1/tasks/<int:pk>/rollback/"): OPERATES,
    ("post", "v1/tasks/<int:pk>/move/"): OPERATES,
    ("patch", "v1/tasks/<int:pk>/"): OPERATES,
    ("get", "v1/settings/"): SEES,
    ("get", "v1/downloads/"): SEES,
    ("get", "v1/downloads/<int:pk>/"): SEES,
    ("get", "v1/downloads/state/"): SEES,
    ("post", "v1/downloads/pause/"): OPERATES,
    ("post", "v1/downloads/resume/"): OPERATES,
    ("patch", "v1/settings/"): ADMINISTERS,
    ("get", "v1/tasks/<int:pk>/log/"): SEES,
    ("get", "v1/tasks/<int:pk>/left-out/"): SEES,
    ("get", "schema/"): EVERYBODY,
    ("get", "docs/"): EVERYBODY,
}
LOGIN = ("post", "v1/auth/login/")  # by name and password alone: see the tests of the login
METHODS = ("get", "post", "put", "patch", "delete")


def routes() -> Iterator[tuple[str, str]]:
    """Every method and path below `/api/`, but for what answers 404 to everything."""
    entries: list[Any] = get_resolver().url_patterns
    (api,) = (entry for entry in entries if str(entry.pattern) == "api/")
    for path, entry in _flat(api.url_patterns, ""):
        if not path:
            continue
        view: Any = entry.callback
        actions = getattr(view, "actions", None)
        methods = actions or [name for name in METHODS if hasattr(view.cls, name)]
        yield from ((method, path) for method in methods if method in METHODS)


def _flat(entries: list[Any], before: str) -> Iterator[tuple[str, URLPattern]]:
    for entry in entries:
        path = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _flat(entry.url_patterns, path)
        else:
            yield path, entry


@pytest.fixture
def there(db: None, monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int) -> dict[str, int]:
    """One row of everything, by the first word of its path; nothing answers outside."""
    nowhere = f"http://127.0.0.1:{unused_tcp_port}"
    model = OllamaModelFactory(server=OllamaServerFactory(base_url=nowhere))
    record = AuditRecord.objects.create(verb="test", origin="system")
    return {
        "models": model.pk,
        "servers": model.server.pk,
        "sync-conflicts": SyncConflict.objects.create(server=model.server, name="x", key="x").pk,
        "tasks": TaskFactory(type="server.sync", resource_type="server").pk,
        "audit": record.pk,
        "downloads": TaskFactory(type="model.pull").pk,
    }


def ask(client: APIClient, method: str, path: str, ids: dict[str, int]) -> Any:
    noun = path.split("/")[1]
    address = "/api/" + path.replace("<int:pk>", str(ids.get(noun, 0)))
    address = address.replace("<int:message>", "1")
    return getattr(client, method)(address, {} if method in ("post", "patch") else None)


def test_every_route_is_in_the_table() -> None:
    assert set(routes()) == {*TABLE, LOGIN}


@pytest.mark.parametrize("role", ROLES, ids=str)
@pytest.mark.parametrize(("method", "path"), TABLE, ids=lambda value: value)
def test_a_role_may_do_what_the_table_says(
    client_of: ClientOf, there: dict[str, int], method: str, path: str, role: str | None
) -> None:
    answer = ask(client_of(role), method, path, there)
    if role in TABLE[method, path]:
        assert answer.status_code not in (401, 403, 405, 500)
        return
    assert answer.status_code == 403
    codename = answer.json()["permission"]
    assert codename.partition(".")[0] in ("models_app", "tasks_app", "audit_app")
    assert codename in answer.json()["errors"][0]["detail"]


@pytest.mark.parametrize(("method", "path"), [*TABLE, LOGIN], ids=lambda value: value)
def test_a_stranger_may_do_nothing(
    anonymous: APIClient, there: dict[str, int], method: str, path: str
) -> None:
    answer = ask(anonymous, method, path, there)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("permission", "method", "path"),
    [
        (lifecycle.PULL, "post", "v1/models/"),
        (lifecycle.START, "post", "v1/models/<int:pk>/start/"),
        (lifecycle.STOP, "post", "v1/models/<int:pk>/stop/"),
        (lifecycle.DELETE, "delete", "v1/models/<int:pk>/"),
        (servers.ADD, "post", "v1/servers/"),
        (servers.CHANGE, "patch", "v1/servers/<int:pk>/"),
        (servers.REMOVE, "delete", "v1/servers/<int:pk>/"),
        (servers.SYNC, "post", "v1/servers/<int:pk>/sync/"),
        ("tasks_app.cancel_task", "post", "v1/tasks/<int:pk>/cancel/"),
        ("tasks_app.retry_task", "post", "v1/tasks/<int:pk>/retry/"),
        ("tasks_app.move_task", "post", "v1/tasks/<int:pk>/move/"),
        ("models_app.change_panelsettings", "patch", "v1/settings/"),
    ],
)
def test_the_codename_that_is_missing_is_named(
    viewer: APIClient, there: dict[str, int], permission: str, method: str, path: str
) -> None:
    assert ask(viewer, method, path, there).json()["permission"] == permission


def test_a_right_that_is_taken_away_is_gone_at_once(db: None) -> None:
    user = UserFactory(role="viewer")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token_of(user)}")
    assert client.get("/api/v1/models/").status_code == 200
    user.groups.clear()
    assert client.get("/api/v1/models/").status_code == 403


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_open(anonymous: APIClient, path: str) -> None:
    assert anonymous.get(path).status_code in (200, 503)
