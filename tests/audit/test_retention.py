"""Records of acts, logins, tokens and sessions go after their time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt, AccessLog
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import models
from django.test import Client
from django.utils import timezone

from audit_app.models import ApiToken, AuditRecord, RememberedAnswer
from audit_app.retention import old_records
from models_app.discovery import look_for_a_server
from ollamactl.lib.retention import remove_old
from ollamactl.settings.retention import Retention
from tests.factories import PASSWORD, UserFactory, token_of

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _settings(settings: Any, db: None) -> None:
    settings.RETENTION = Retention(tasks=None, audit=5 * DAY, logins=5 * DAY, tokens=5 * DAY)


def tidy() -> dict[str, int]:
    """One round."""
    return remove_old(list(old_records()), seconds=30, stopping=lambda: False)


def two_rows(model: type[models.Model], time: str, **fields: Any) -> Any:
    """An old row and one of today; returns the latter's key."""
    old, recent = (model._default_manager.create(**fields) for _number in range(2))
    model._default_manager.filter(pk=old.pk).update(**{time: timezone.now() - 6 * DAY})
    return recent.pk


@pytest.mark.parametrize(
    ("model", "time", "fields"),
    [
        (AuditRecord, "at", {"verb": "model.pull", "origin": "page"}),
        (AccessLog, "attempt_time", {"username": "x"}),
    ],
)
def test_old_ones_go_and_others_stay(
    model: type[models.Model], time: str, fields: dict[str, Any]
) -> None:
    recent = two_rows(model, time, **fields)
    assert sum(tidy().values()) == 1
    assert list(model._default_manager.values_list("pk", flat=True)) == [recent]
    assert tidy() == {}


def test_tries_that_the_lock_out_counted_go() -> None:
    for agent, age in (("old", 6), ("recent", 1)):
        row = AccessAttempt.objects.create(
            username="x", user_agent=agent, failures_since_start=1, ip_address="10.0.0.1"
        )
        AccessAttempt.objects.filter(pk=row.pk).update(attempt_time=timezone.now() - age * DAY)
    assert tidy() == {"login attempts": 1}
    assert AccessAttempt.objects.get().user_agent == "recent"


def test_the_administration_s_own_log_goes_with_the_audit() -> None:
    user = UserFactory()
    kind = ContentType.objects.get_for_model(ApiToken)
    fields = {"user": user, "content_type": kind, "object_id": "1", "action_flag": ADDITION}
    recent = two_rows(LogEntry, "action_time", **fields)
    assert tidy() == {"admin log": 1}
    assert LogEntry.objects.get().pk == recent


def test_a_token_goes_some_time_after_its_expiry() -> None:
    user = UserFactory()
    for age in (6, 1, -1):
        token_of(user, expires_in=-age * DAY)
    token_of(user)  # without an end
    assert tidy() == {"tokens": 1}
    assert ApiToken.objects.count() == 3


def test_sessions_that_ended_go_and_logins_stay(client: Client, settings: Any) -> None:
    settings.RETENTION = Retention(tasks=None, audit=None, logins=None, tokens=None)
    user = UserFactory()
    for seconds in (-1, 1000):
        visitor = Client()
        assert visitor.login(username=user.username, password=PASSWORD)
        session = visitor.session
        session.set_expiry(seconds)
        session.save()
    assert tidy() == {"sessions": 1}
    assert visitor.get("/").status_code == 200
    assert Session.objects.count() == 1


def test_remembered_answers_go_after_a_day() -> None:
    user = UserFactory()
    for key, hours in (("old", 25), ("recent", 23)):
        row = RememberedAnswer.objects.create(user=user, key=key, request_hash="x")
        at = timezone.now() - timedelta(hours=hours)
        RememberedAnswer.objects.filter(pk=row.pk).update(created_at=at)
    assert tidy() == {"answers": 1}
    assert RememberedAnswer.objects.get().key == "recent"


def test_that_the_last_server_was_removed_is_not_forgotten() -> None:
    """Else the panel would take back the Ollama that somebody wanted it to leave alone."""
    for _number in range(2):
        AuditRecord.objects.create(verb="server.remove", origin="page")
    AuditRecord.objects.update(at=timezone.now() - 100 * DAY)
    newest = AuditRecord.objects.order_by("-pk").values_list("pk", flat=True)[0]
    assert tidy() == {"audit": 1}
    assert AuditRecord.objects.get().pk == newest
    assert not look_for_a_server()
