"""Who may open which page, and who may do what in it: a row for each address."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from models_app.models import ChatSession, SyncConflict
from models_app.urls import urlpatterns as models_urls
from tasks_app.urls import urlpatterns as tasks_urls
from tests.factories import (
    ChatMessageFactory,
    ChatSessionFactory,
    OllamaModelFactory,
    OllamaServerFactory,
    TaskFactory,
)
from tests.pages.conftest import HTMX, ClientOf

EVERYBODY = ("viewer", "operator", "administrator")
WORKERS = ("operator", "administrator")
ADMINISTRATORS = {"administrator"}

MESSAGE = str(10**9)

# name, arguments after the id, method, who may
TABLE = [
    ("models", (), "get", EVERYBODY),
    ("model", (), "get", EVERYBODY),
    ("model-row", (), "get", EVERYBODY),
    ("model-log", (), "get", EVERYBODY),
    ("model-panel", (), "get", EVERYBODY),
    ("model-details", (), "get", EVERYBODY),
    ("model-confirm", ("delete",), "get", EVERYBODY),
    ("batch", (), "get", EVERYBODY),  # back to the list; each operation asks for its own right
    ("catalogue", (), "get", EVERYBODY),
    ("model-counts", (), "get", EVERYBODY),
    ("searches", (), "get", EVERYBODY),
    ("search-add", (), "get", EVERYBODY),
    ("search-note", (), "post", EVERYBODY),
    ("check-updates", (), "post", WORKERS),
    ("model-add", (), "get", WORKERS),
    ("model-add", (), "post", WORKERS),
    ("model-add-check", (), "post", WORKERS),
    ("model-act", ("start",), "post", WORKERS),
    ("model-act", ("stop",), "post", WORKERS),
    ("model-act", ("delete",), "post", WORKERS),
    ("model-act", ("cancel",), "post", WORKERS),
    ("model-act", ("pin",), "post", WORKERS),
    ("model-copy", (), "get", WORKERS),
    ("model-copy", (), "post", WORKERS),
    ("model-start-options", (), "get", WORKERS),
    ("model-start-options", (), "post", WORKERS),
    ("model-recreate", (), "get", WORKERS),
    ("model-recreate", (), "post", WORKERS),
    ("model-rename", (), "get", WORKERS),
    ("model-rename", (), "post", WORKERS),
    ("servers", (), "get", EVERYBODY),
    ("server", (), "get", EVERYBODY),
    ("server-card", (), "get", EVERYBODY),
    ("server-panel", (), "get", EVERYBODY),
    ("server-host", (), "get", EVERYBODY),
    ("server-connect", (), "get", EVERYBODY),
    ("server-connect-export", (), "get", EVERYBODY),
    ("server-open-webui", (), "get", EVERYBODY),
    ("server-open-webui-look", (), "get", EVERYBODY),
    ("server-sync", (), "post", WORKERS),
    ("servers-sync", (), "post", WORKERS),
    ("conflict-settle", ("ignore",), "post", WORKERS),
    ("server-add", (), "get", ADMINISTRATORS),
    ("server-add", (), "post", ADMINISTRATORS),
    ("server-edit", (), "get", ADMINISTRATORS),
    ("server-edit", (), "post", ADMINISTRATORS),
    ("server-remove", (), "get", ADMINISTRATORS),
    ("chats", (), "get", WORKERS),
    ("chat-begin", (), "post", WORKERS),
    ("chat", (), "get", WORKERS),
    ("chat-head", (), "get", WORKERS),
    ("chat-others", (), "get", WORKERS),
    ("chat-transcript", (), "get", WORKERS),
    ("chat-send", (), "post", WORKERS),
    ("chat-settings", (), "get", WORKERS),
    ("chat-settings", (), "post", WORKERS),
    ("chat-delete", (), "get", WORKERS),
    ("chat-export", (), "get", WORKERS),
    ("chat-message", (MESSAGE,), "get", WORKERS),
    ("chat-version", (MESSAGE,), "get", WORKERS),
    ("chat-regenerate", (MESSAGE,), "post", WORKERS),
    ("chat-stop", (MESSAGE,), "post", WORKERS),
    ("chat-edit", (MESSAGE,), "get", WORKERS),
    ("settings", (), "get", EVERYBODY),
    ("downloads", (), "get", EVERYBODY),
    ("downloads-pause", (), "post", WORKERS),
    ("downloads-resume", (), "post", WORKERS),
    ("downloads-resumed", (), "post", EVERYBODY),
    ("download-act", ("first",), "post", WORKERS),
    ("settings", (), "post", ADMINISTRATORS),
    ("tasks", (), "get", EVERYBODY),
    ("task", (), "get", EVERYBODY),
    ("task-row", (), "get", EVERYBODY),
    ("task-panel", (), "get", EVERYBODY),
    ("task-log", (), "get", EVERYBODY),
    ("task-parts", (), "get", EVERYBODY),
    ("task-left-out", (), "get", EVERYBODY),
    ("task-notice", (), "get", EVERYBODY),
    ("task-act", ("retry",), "post", WORKERS),
]
WITHOUT_ID = {
    "models",
    "catalogue",
    "model-counts",
    "searches",
    "search-add",
    "search-note",
    "batch",
    "check-updates",
    "servers-sync",
    "model-add",
    "model-add-check",
    "servers",
    "server-add",
    "tasks",
    "chats",
    "chat-begin",
    "settings",
    "downloads",
    "downloads-pause",
    "downloads-resume",
    "downloads-resumed",
}


Address = Callable[[str, tuple[str, ...]], str]


@pytest.fixture
def address_of(db: None) -> Address:
    """The address of a page about rows that are there."""
    server = OllamaServerFactory()
    chat = ChatSessionFactory()
    ChatMessageFactory(pk=int(MESSAGE), session=chat, position=1)
    rows = {
        "chat": chat.pk,
        "model": OllamaModelFactory(server=server).pk,
        "server": server.pk,
        "conflict": SyncConflict.objects.create(server=server, name="x", key="x").pk,
        "task": TaskFactory(state="failed", resource_type="", resource_id=None).pk,
        "download": TaskFactory(state="failed", resource_type="", resource_id=None).pk,
    }

    def address(name: str, rest: tuple[str, ...]) -> str:
        kind = name.split("-", maxsplit=1)[0]
        ids = () if name in WITHOUT_ID else (rows[kind],)
        return reverse(f"admin:{name}", args=[*ids, *rest])

    return address


@pytest.mark.parametrize(("name", "rest", "method", "allowed"), TABLE)
@pytest.mark.usefixtures("verdict")
def test_a_page_is_for_who_may(
    client_of: ClientOf,
    address_of: Address,
    name: str,
    rest: tuple[str, ...],
    method: str,
    allowed: tuple[str, ...],
) -> None:
    url = address_of(name, rest)
    for role in (None, "viewer", "operator", "administrator"):
        client = client_of(role)
        ChatSession.objects.update(owner=client.session["_auth_user_id"])
        answer = getattr(client, method)(url)
        if role in allowed:
            assert answer.status_code in (200, 204, 302, 409, 422), (role, answer.content.decode())
        else:
            assert answer.status_code == 403, role
            assert "permitted" in answer.content.decode()


def test_without_a_login_there_is_only_the_login(client: Client, address_of: Address) -> None:
    for name, rest, method, _allowed in TABLE:
        url = address_of(name, rest)
        answer = getattr(client, method)(url)
        assert answer.status_code == 302, url
        assert answer.url.startswith(reverse("admin:login"))
        fragment = getattr(client, method)(url, headers=HTMX)
        assert fragment.status_code == 401, url
        assert fragment.headers["HX-Retarget"] == "#oc-toasts"
        assert reverse("admin:login") in fragment.content.decode()


def test_every_page_is_in_the_table() -> None:
    missing = {page.name for page in (*models_urls, *tasks_urls)} - {row[0] for row in TABLE}
    # test_servers and test_batches have them: one asks a server, one needs what was chosen;
    # test_searches has those that are about a user's own search.
    assert missing == {"server-check", "batch-begin", "search-change", "search-delete"}


def test_the_stock_admin_asks_for_the_permission_of_each_model(client_of: ClientOf) -> None:
    viewer, nobody = client_of("viewer"), client_of(None)
    assert viewer.get(reverse("admin:models_app_ollamamodel_changelist")).status_code == 200
    assert viewer.get(reverse("admin:auth_user_changelist")).status_code == 403
    assert viewer.get(reverse("admin:audit_app_auditrecord_changelist")).status_code == 403
    assert nobody.get(reverse("admin:models_app_ollamamodel_changelist")).status_code == 403
    assert nobody.get(reverse("admin:index")).status_code == 200


@pytest.mark.parametrize("model", ["ollamaserver", "ollamamodel"])
def test_rows_are_not_changed_behind_the_services(administrator: Client, model: str) -> None:
    row = OllamaServerFactory() if model == "ollamaserver" else OllamaModelFactory()
    change = administrator.get(reverse(f"admin:models_app_{model}_change", args=[row.pk]))
    assert change.status_code == 200
    assert 'name="_save"' not in change.content.decode()
    assert administrator.get(reverse(f"admin:models_app_{model}_add")).status_code == 403
