"""Every route of the whole site, every action and every topic: for whom it is, cell by cell.

What is new and in no table here makes a test fail, so that somebody says for whom it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse

from audit_app.models import AuditRecord
from models_app.actions import ACTIONS as MODEL_ACTIONS
from models_app.models import OllamaModel, OllamaServer
from models_app.views.model_actions import SERVICES as MODEL_SERVICES
from tasks_app.actions import ACTIONS as TASK_ACTIONS
from tasks_app.live import topic_kinds
from tasks_app.models import Task
from tests.factories import OllamaModelFactory, OllamaServerFactory, TaskFactory, UserFactory
from tests.pages.conftest import ClientOf

ROLES = (None, "viewer", "operator", "administrator")
SEES = {"viewer", "operator", "administrator"}
WORKS = {"operator", "administrator"}

ACTIONS: dict[tuple[str, str], set[str]] = {
    ("model", "start"): WORKS,
    ("model", "start-options"): WORKS,
    ("model", "stop"): WORKS,
    ("model", "stop-now"): WORKS,
    ("model", "pause"): WORKS,
    ("model", "resume"): WORKS,
    ("model", "retry"): WORKS,
    ("model", "cancel"): WORKS,
    ("model", "copy"): WORKS,
    ("model", "rename"): WORKS,
    ("model", "recreate"): WORKS,
    ("model", "benchmark"): WORKS,
    ("model", "pin"): WORKS,
    ("model", "unpin"): WORKS,
    ("model", "delete"): WORKS,
    ("task", "pause"): WORKS,
    ("task", "resume"): WORKS,
    ("task", "retry"): WORKS,
    ("task", "cancel"): WORKS,
    ("task", "rollback"): WORKS,
}
TOPICS: dict[str, set[str]] = {
    "models": SEES,
    "model": SEES,
    "servers": SEES,
    "server": SEES,
    "host": SEES,
    "tasks": SEES,
    "task": SEES,
    "chat": WORKS,  # and of those its owner alone
    "chats": WORKS,  # their own
}
# Addresses that answer somebody who has not logged in, and what they answer.
OPEN = {
    "healthz": {200, 503},
    "readyz": {200, 503},
    "login/": {200},
    "logout/": {302},  # to the login
    "i18n/setlang/": {302, 405},
}
METHODS = ("post", "put", "patch", "delete")


def routes() -> Iterator[str]:
    """Every address of the site, with 1 for each number."""
    yield from _below(get_resolver().url_patterns, "")


def _below(entries: list[Any], before: str) -> Iterator[str]:
    for entry in entries:
        path = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _below(entry.url_patterns, path)
        else:
            yield _filled(path)


def _filled(path: str) -> str:
    path = re.sub(r"<(int|path|slug|str):[^>]+>", "1", path.lstrip("^").rstrip("$"))
    path = re.sub(r"\(\?P<\w+>[^)]*\)", "1", path)
    return path.replace("\\Z", "").replace("\\", "").rstrip("$")


def _asks_for_a_login(answer: Any) -> bool:
    if answer.status_code == 302:
        return bool(answer.headers["Location"].startswith(reverse("admin:login")))
    return answer.status_code in (401, 404, 405)


def test_a_stranger_finds_a_login_at_every_address(client: Client, db: None) -> None:
    every = sorted(set(routes()))
    assert len(every) > 80
    for path in every:
        for method in ("get", "post", "delete"):
            answer = getattr(client, method)(f"/{path}")
            if path in OPEN:
                assert answer.status_code in {*OPEN[path], 405}, path
            else:
                assert _asks_for_a_login(answer), (path, method, answer.status_code)


def test_nobody_meets_a_failure_at_any_address(client_of: ClientOf) -> None:
    for role in (None, "administrator"):
        client = client_of(role)
        for path in sorted(set(routes()) - {"logout/"}):
            assert client.get(f"/{path}").status_code < 500 or path == "readyz", (role, path)


@pytest.mark.parametrize("with_token", [False, True], ids=["no token", "another origin"])
def test_a_form_of_another_site_does_nothing(
    db: None, settings: Any, with_token: bool, unused_tcp_port: int
) -> None:
    """A browser sends the cookie along, whichever site the form is on."""
    server = OllamaServerFactory(pk=1, base_url=f"http://127.0.0.1:{unused_tcp_port}")
    OllamaModelFactory(pk=1, server=server)
    TaskFactory(pk=1, state="failed")
    browser = Client(enforce_csrf_checks=True)
    user = UserFactory(role="administrator")
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    headers = {}
    if with_token:
        browser.get("/models/")
        token = browser.cookies[settings.CSRF_COOKIE_NAME].value
        headers = {"X-CSRFToken": token, "Origin": "https://evil.example"}
    records = list(AuditRecord.objects.values_list("pk"))
    for path in sorted(set(routes())):
        # A form of a browser has no other method than POST.
        for method in METHODS if path.startswith("api/") else ("post",):
            answer = getattr(browser, method)(f"/{path}", headers=headers)
            said = answer.status_code
            assert said in (401, 403, 404, 405, 415), (method, path, said)
    assert (OllamaServer.objects.count(), OllamaModel.objects.count()) == (1, 1)
    assert list(Task.objects.values_list("pk", "state")) == [(1, "failed")]
    assert list(AuditRecord.objects.values_list("pk")) == records


def test_every_action_is_in_the_table() -> None:
    known = {("model", name) for name in MODEL_ACTIONS} | {("task", name) for name in TASK_ACTIONS}
    assert known == set(ACTIONS)
    assert set(MODEL_SERVICES) <= set(MODEL_ACTIONS)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("thing", "action"), ACTIONS)
def test_an_action_is_for_whom_the_table_says(
    client_of: ClientOf, thing: str, action: str, role: str | None
) -> None:
    allowed = role in ACTIONS[thing, action]
    known: Any = MODEL_ACTIONS if thing == "model" else TASK_ACTIONS
    assert UserFactory(role=role).has_perm(known[action].permission) is allowed
    if thing == "model" and action not in MODEL_SERVICES:
        return  # it has a page of its own: see the table of the pages
    row = OllamaModelFactory() if thing == "model" else TaskFactory(state="failed")
    before = list(Task.objects.order_by("pk").values())
    answer = client_of(role).post(reverse(f"admin:{thing}-act", args=[row.pk, action]))
    if allowed:
        assert answer.status_code in (200, 204, 302, 409, 422)
    else:
        assert answer.status_code == 403
        assert list(Task.objects.order_by("pk").values()) == before


def test_every_topic_is_in_the_table() -> None:
    assert set(topic_kinds()) == set(TOPICS)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("prefix", TOPICS)
def test_a_topic_is_for_whom_the_table_says(db: None, prefix: str, role: str | None) -> None:
    user = UserFactory(role=role)
    assert topic_kinds()[prefix].allows(user) is (role in TOPICS[prefix])
    user.is_active = False
    assert not topic_kinds()[prefix].allows(user)
