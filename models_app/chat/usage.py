"""How much a model was used, and by whom."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Count, Max, Min, Sum

from models_app.chat.records import ModelUse
from models_app.models import OllamaModel
from models_app.services.benchmarks import SHOWN

MOST_USERS = 10
# Who may see other people's names beside what they did, here as in the audit.
VIEW_USERS = ("auth.view_user", "audit_app.view_auditrecord")


@dataclass(frozen=True)
class Used:
    """Requests and tokens of one user; an empty name for users who are gone."""

    user: str
    requests: int
    prompt_tokens: int
    tokens: int


@dataclass(frozen=True)
class Usage:
    """All requests to a model in chats. `by` are those who asked most, as far as one may see."""

    requests: int
    prompt_tokens: int
    tokens: int
    first_at: object
    last_at: object
    by: list[Used]


def usage_of(model: OllamaModel, *, seen_by: User | AnonymousUser) -> Usage:
    """What is known of a model's use, in two queries. Names of others need a right of their own."""
    rows = ModelUse.objects.filter(model=model).order_by()
    total = rows.aggregate(
        requests=Count("pk"),
        prompt=Sum("prompt_tokens"),
        tokens=Sum("tokens"),
        first=Min("created_at"),
        last=Max("created_at"),
    )
    return Usage(
        requests=total["requests"],
        prompt_tokens=total["prompt"] or 0,
        tokens=total["tokens"] or 0,
        first_at=total["first"],
        last_at=total["last"],
        by=_by_user(model, seen_by),
    )


def measured_answers(model: OllamaModel) -> list[ModelUse]:
    """The newest answers whose speed is known, the newest first."""
    return list(ModelUse.objects.filter(model=model, token_rate__isnull=False)[:SHOWN])


def may_see_users(user: User | AnonymousUser) -> bool:
    """Whether this user may see who used a model."""
    return any(user.has_perm(permission) for permission in VIEW_USERS)


def _by_user(model: OllamaModel, seen_by: User | AnonymousUser) -> list[Used]:
    rows = ModelUse.objects.filter(model=model).order_by()
    if not may_see_users(seen_by):
        rows = rows.filter(user_id=seen_by.pk or 0)
    found = (
        rows.values("user_id", "user__username")
        .annotate(requests=Count("pk"), prompt=Sum("prompt_tokens"), answered=Sum("tokens"))
        .order_by("-requests", "user_id")[:MOST_USERS]
    )
    return [
        Used(row["user__username"] or "", row["requests"], row["prompt"], row["answered"])
        for row in found
    ]
