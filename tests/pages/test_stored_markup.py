"""Text from outside stays text: in every page, in the stock admin, in what scripts are told."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from audit_app.choices import Origin, Outcome
from audit_app.models import ApiToken, AuditRecord
from models_app.chat.records import ChatSession
from models_app.conflict_models import SyncConflict
from models_app.host_models import HostReport
from models_app.models import OllamaModel, OllamaServer
from models_app.pulls import PULL_QUEUE, pulls_key
from models_app.search_records import RecentSearch, SavedSearch
from ollamactl.lib.sentences import Sentence, to_stored
from tasks_app.logs import LogWriter, relative_path
from tasks_app.models import Task
from tests.factories import (
    ChatMessageFactory,
    ChatSessionFactory,
    OllamaModelFactory,
    OllamaServerFactory,
    TaskFactory,
    UserFactory,
)
from tests.pages.conftest import HTMX, ClientOf

# Out of an element, out of an attribute of either quotes, out of a script and of a template.
EVIL = "\"'></script><oc-evil onload=alert(1) x-data='{{ 7*7 }}{% now %}' hx-get=/>"
SCRIPTS = Path(settings.BASE_DIR) / "static" / "panel"


class Alive(HTMLParser):
    """Finds what would be markup if it were not escaped."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "oc-evil" or any(name == "onload" for name, _value in attrs):
            self.found.append(self.get_starttag_text() or tag)


def alive(text: str) -> list[str]:
    """The markup of others in a page."""
    finder = Alive()
    finder.feed(text)
    return finder.found


@pytest.fixture
def rows(db: None) -> dict[str, Any]:
    """A row of everything, with markup in each text that others choose."""
    told = Sentence("Ollama says: {words}", words=EVIL)
    server = OllamaServerFactory(
        name=EVIL[:100], version=EVIL[:64], reason="server_error", status="degraded", message=told
    )
    user: User = UserFactory(
        username=EVIL[:150], first_name=EVIL[:150], last_name=EVIL[:150], role="administrator"
    )
    model = OllamaModelFactory(
        server=server, family=EVIL[:64], quantization=EVIL[:32], status="error", message=told
    )
    task = TaskFactory(
        type="model.pull",
        resource_id=model.pk,
        resource_name=EVIL,
        state="failed",
        phase=EVIL[:32],
        error={"code": EVIL[:64], "detail": to_stored(told), "retryable": True},
        created_by=user,
        finished_at=timezone.now(),
    )
    Task.objects.filter(pk=task.pk).update(log_path=relative_path(task.pk))
    task.refresh_from_db()
    LogWriter(task).write(EVIL)
    OllamaModel.objects.filter(pk=model.pk).update(last_task=task)
    record = AuditRecord.objects.create(
        verb="model.pull",
        origin=Origin.API,
        outcome=Outcome.DONE,
        user=user,
        resource_type="model",
        resource_name=EVIL,
        data={"base_url": EVIL, EVIL: [EVIL]},
    )
    ApiToken.objects.create(user=user, expiry=None, name=EVIL[:100])
    waiting = _more_rows(server, user)
    return {
        "waiting": waiting,
        "server": server,
        "model": model,
        "task": task,
        "record": record,
        "user": user,
    }


def _more_rows(server: OllamaServer, user: User) -> OllamaModel:
    """A host, a conflict, a search and a chat; models at rest, which share what is made of them,
    and one whose download is paused, which is returned."""
    told = Sentence("Ollama says: {words}", words=EVIL)
    for _number in range(3):
        OllamaModelFactory(server=server, parameter_size=EVIL[:32], quantization=EVIL[:32])
    waiting: OllamaModel = OllamaModelFactory(server=server, status="paused", digest="")
    task = TaskFactory(
        type="model.pull",
        resource_id=waiting.pk,
        resource_name=EVIL,
        limit_key=pulls_key(server.pk),
        queue=PULL_QUEUE,
        state="paused",
        phase=EVIL[:32],
        error={"code": "disk", "detail": to_stored(told), "retryable": True},
        created_by=user,
    )
    OllamaModel.objects.filter(pk=waiting.pk).update(last_task=task)
    HostReport.objects.create(
        server=server,
        host=EVIL,
        folder=EVIL,
        gpus=[{"name": EVIL, "state": EVIL, "memory_total": 5, "memory_free": 1}],
        worker=EVIL[:16],
        rival=EVIL,
        rival_seen_at=timezone.now(),
        seen_at=timezone.now(),
    )
    side = {"digest": EVIL, "size": 1, "modified_at": None, "names": [EVIL]}
    SyncConflict.objects.create(
        server=server, name=EVIL, key=EVIL, kind="changed", panel_side=side, server_side=side
    )
    query = f"search={quote(EVIL)}"
    SavedSearch.objects.create(user=user, name=EVIL[:100], query=query)
    RecentSearch.objects.create(user=user, query=query, used_at=timezone.now())
    session = ChatSessionFactory(owner=user, model=waiting, title=EVIL[:100], model_name=EVIL)
    ChatMessageFactory(session=session, content=EVIL)
    return waiting


def pages(rows: dict[str, Any]) -> Iterator[str]:
    """Every page that shows one of the rows, and the stock admin's."""
    server, model, task = rows["server"].pk, rows["model"].pk, rows["task"].pk
    for name in ("index", "models", "servers", "tasks", "tokens", "dashboard", "model-add"):
        yield reverse(f"admin:{name}")
    for name in ("downloads", "settings", "catalogue", "searches", "search-add", "model-counts"):
        yield reverse(f"admin:{name}")
    for name in ("server", "server-card", "server-panel", "server-edit", "server-remove"):
        yield reverse(f"admin:{name}", args=[server])
    yield reverse("admin:server-host", args=[server])
    for name in ("model", "model-row", "model-panel"):
        yield reverse(f"admin:{name}", args=[model])
        yield reverse(f"admin:{name}", args=[rows["waiting"].pk])
    for name in ("model-copy", "model-rename", "model-start-options"):
        yield reverse(f"admin:{name}", args=[OllamaModel.objects.filter(status="stopped")[0].pk])
    chat = ChatSession.objects.get().pk
    yield reverse("admin:chats")
    for name in ("chat", "chat-head", "chat-others", "chat-transcript", "chat-settings"):
        yield reverse(f"admin:{name}", args=[chat])
    yield reverse("admin:chat-delete", args=[chat])
    yield reverse("admin:model-confirm", args=[model, "delete"])
    for name in ("task", "task-row", "task-panel", "task-notice"):
        yield reverse(f"admin:{name}", args=[task])
    for admin_page in ("audit_app_auditrecord", "auth_user", "auth_group"):
        yield reverse(f"admin:{admin_page}_changelist")
    yield reverse("admin:audit_app_auditrecord_change", args=[rows["record"].pk])
    yield reverse("admin:auth_user_change", args=[rows["user"].pk])
    yield reverse("admin:auth_user_delete", args=[rows["user"].pk])
    yield reverse("admin:auth_user_history", args=[rows["user"].pk])


def with_search(address: str) -> str:
    """The same with markup where people search and filter."""
    query = f"search={EVIL}&q={EVIL}&state={EVIL}&ordering={EVIL}&page={EVIL}&{EVIL}=1"
    return f"{address}?{query}".replace("#", "%23").replace(" ", "+")


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_no_page_has_markup_of_others(rows: dict[str, Any], language: str) -> None:
    client = Client(headers={"Accept-Language": language})
    client.force_login(rows["user"], backend="django.contrib.auth.backends.ModelBackend")
    shown = 0
    for address in pages(rows):
        for asked in (address, with_search(address)):
            for headers in ({}, HTMX):
                answer = client.get(asked, headers=headers)
                assert answer.status_code < 500, asked
                text = answer.content.decode()
                assert alive(text) == [], asked
                shown += "&lt;oc-evil" in text
    assert shown > 20  # it is there, as text


def test_what_scripts_are_told_is_data(rows: dict[str, Any], client_of: ClientOf) -> None:
    """A toast's words come in a header: JSON in ASCII, no second header, no markup for scripts."""
    task, viewer = rows["task"], client_of("viewer")
    address = reverse("admin:task-notice", args=[task.pk])
    answer = viewer.get(address, headers=HTMX)
    header = answer.headers["HX-Trigger"]
    assert header.isascii()
    assert header.isprintable()
    assert EVIL in json.loads(header)["panel:toast"]["message"]
    # PostgreSQL keeps no NUL.
    Task.objects.filter(pk=task.pk).update(
        resource_name="a\r\nSet-Cookie: x=1\r\n\r\n<b>\u2028\x01模"
    )
    header = viewer.get(address, headers=HTMX).headers["HX-Trigger"]
    assert header.isascii()
    assert header.isprintable()


def test_the_api_is_never_taken_for_a_page(rows: dict[str, Any], client_of: ClientOf) -> None:
    client = client_of("administrator")
    for path in ("models/", "servers/", "tasks/", "audit/", f"tasks/{rows['task'].pk}/log/", "no/"):
        answer = client.get(f"/api/v1/{path}", headers={"Accept": "text/html"})
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "html" not in answer.headers["Content-Type"], path


# What turns text into markup or into a program.
SINKS = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|srcdoc"
    r"|\beval\(|new Function|setTimeout\([\"'`]|javascript:|DOMParser|\.on[a-z]+\s*=\s*[\"'`]"
)


@pytest.mark.parametrize("script", sorted(SCRIPTS.glob("*.js")), ids=lambda path: path.name)
def test_no_script_makes_markup_of_text(script: Path) -> None:
    code = re.sub(r"/\*.*?\*/|^\s*//.*?$", "", script.read_text(), flags=re.DOTALL | re.MULTILINE)
    assert "textContent" in code or script.name not in ("live.js", "panel.js")
    assert not SINKS.findall(code)


def test_the_finder_finds_it() -> None:
    assert alive(f"<p>{EVIL}")
    assert alive(f'<p title="{EVIL}">')
    assert alive(f"<p title='{EVIL}'>")
    assert not alive(f"<p title='{escape(EVIL)}'>{escape(EVIL)}")


def test_no_template_lets_text_through() -> None:
    folder = Path(settings.BASE_DIR) / "templates"
    passes = re.compile(r"\|\s*safe\b|autoescape\s+off|\|\s*safeseq\b")
    for template in folder.rglob("*.html"):
        assert not passes.findall(template.read_text()), template
    for source in Path(settings.BASE_DIR).glob("*_app/**/*.py"):
        # The one place that makes markup cleans it first; test_chat_markup.py tries to get through.
        made = re.findall(r"mark_safe\((?!_clean\(html\)\))", source.read_text())
        assert not made, source
        if "mark_safe" in source.read_text():
            assert source.relative_to(settings.BASE_DIR) == Path("models_app/chat/markup.py")


@pytest.mark.parametrize(
    "target",
    [
        *("https://evil.example/", "//evil.example/", "/\\evil.example", "///evil.example"),
        *("javascript:alert(1)", "http:evil.example", "\t//evil.example", "https:///evil.example"),
    ],
)
def test_nobody_is_sent_elsewhere(client_of: ClientOf, target: str, rows: dict[str, Any]) -> None:
    """After a login, a logout and a change of the language the browser stays here."""
    UserFactory(username="ada", password="a long password")
    form = {"username": "ada", "password": "a long password", "next": target}
    answers = [
        Client().post("/login/", form),
        Client().post(f"/login/?next={target}", {**form, "next": ""}),
        Client().post("/i18n/setlang/", {"language": "zh-hans", "next": target}),
        client_of("viewer").post("/logout/", {"next": target}),
        client_of("viewer").get("/login/", {"next": target}),
    ]
    for answer in answers:
        place = answer.headers.get("Location", "")
        assert "evil" not in place, place
        assert "javascript" not in place, place
    page = Client().get("/login/", {"next": target}).content.decode()
    assert not re.search(r"""(href|action)=["'](https?:)?/*\\*evil""", page)


def test_a_login_in_a_fragment_leads_back_here_only(rows: dict[str, Any]) -> None:
    headers = {**HTMX, "HX-Current-URL": "https://evil.example//evil.example/?x=<b>"}
    answer = Client().get(reverse("admin:models"), headers=headers)
    assert answer.status_code == 401
    assert 'href="https://evil' not in answer.content.decode()
    assert alive(answer.content.decode()) == []


def test_the_rows_are_what_they_were(rows: dict[str, Any]) -> None:
    assert OllamaServer.objects.get().name == EVIL[:100]
