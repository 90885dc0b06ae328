"""Which records of people's acts, logins and tokens may go."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.db import models, transaction
from django.db.models import Max, Q
from django.utils import timezone

from audit_app.models import ApiToken, AuditRecord, RememberedAnswer
from ollamactl.lib.retention import Keys, Removable

_kept_verbs: set[str] = set()


def keep_newest(verb: str) -> None:
    """Keep the newest record of this verb, however old: the panel acts on it. From `ready`."""
    _kept_verbs.add(verb)


def old_records() -> Iterable[Removable]:
    """Everything of this app and of the packages below it that has had its time by now."""
    now, kept = timezone.now(), settings.RETENTION
    yield removable("sessions", Session, Q(expire_date__lt=now))
    yield removable("answers", RememberedAnswer, Q(created_at__lt=now - RememberedAnswer.KEPT))
    if kept.tokens is not None:
        yield removable("tokens", ApiToken, Q(expiry__lt=now - kept.tokens))
    if kept.audit is not None:
        yield _audit_records(now - kept.audit)
        # Not by its time, which has no index: a table that only grows is in the order of time.
        yield in_order("admin log", LogEntry, "action_time", now - kept.audit)
    if kept.logins is not None:
        before = now - kept.logins
        yield removable("login attempts", AccessAttempt, Q(attempt_time__lt=before))
        yield in_order("logins", AccessLog, "attempt_time", before)
        yield in_order("failed logins", AccessFailureLog, "attempt_time", before)


def removable(name: str, model: type[models.Model], old: Q) -> Removable:
    """The rows of a model for which `old` holds."""
    rows = model._default_manager.filter(old).order_by()

    def remove(keys: Keys) -> int:
        with transaction.atomic():
            _all, by_model = rows.filter(pk__in=keys).delete()
        return by_model.get(model._meta.label, 0)

    return Removable(name, lambda most: list(rows.values_list("pk", flat=True)[:most]), remove)


def _audit_records(before: datetime) -> Removable:
    newest = AuditRecord.objects.filter(verb__in=_kept_verbs).order_by().values("verb")
    kept = newest.annotate(newest=Max("pk")).values("newest")
    return removable("audit", AuditRecord, Q(at__lt=before) & ~Q(pk__in=kept))


def in_order(name: str, model: type[models.Model], time: str, before: datetime) -> Removable:
    """The old rows of a table that only grows: by its keys, so that `time` needs no index."""
    kind = removable(name, model, Q(**{f"{time}__lt": before}))

    def find(most: int) -> Keys:
        oldest: Any = model._default_manager.order_by("pk").values_list("pk", time)[:most]
        return [key for key, at in oldest if at < before]

    return Removable(name, find, kind.remove)
