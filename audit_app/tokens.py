"""Tokens of users: made, found, used, revoked. Only a token's digest is ever stored."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from knox.crypto import hash_token

from audit_app.actors import Actor
from audit_app.models import ApiToken
from audit_app.services import record_action
from ollamactl.lib.kept_queries import KeptQuery

LONGEST = 200
USE_IS_NOTED_EVERY = timedelta(minutes=1)
_BY_DIGEST = KeptQuery[ApiToken](
    lambda digest: ApiToken.objects.select_related("user").filter(digest=digest)
)


def find_token(text: str) -> ApiToken | None:
    """The token with this text and its `user`; None if it is unknown, expired, or the user is off.

    One query, whatever other tokens the user has.
    """
    if not text or len(text) > LONGEST:
        return None
    found = _BY_DIGEST.rows(hash_token(text))
    if not found:
        return None
    (token,) = found
    is_over = token.expiry is not None and token.expiry <= timezone.now()
    return None if is_over or not token.user.is_active else token


def note_use(token: ApiToken) -> None:
    """Remember when a token was last used, to the minute."""
    now = timezone.now()
    before = now - USE_IS_NOTED_EVERY
    if token.last_used_at is not None and token.last_used_at > before:
        return
    unnoted = Q(last_used_at=None) | Q(last_used_at__lte=before)
    ApiToken.objects.filter(unnoted, pk=token.pk).update(last_used_at=now)


def issue_token(
    *, actor: Actor, user: User, name: str, expiry: datetime | None
) -> tuple[ApiToken, str]:
    """Make a token; returns its row and the token itself, which nobody can read again.

    `expiry` None is for ever.
    """
    with transaction.atomic():
        token, text = ApiToken.objects.create(user=user, expiry=None, name=name)
        if expiry is not None:
            token.expiry = expiry
            token.save(update_fields=["expiry"])
        _record(actor, "token.create", token)
    return token, text


def revoke_token(*, actor: Actor, token: ApiToken) -> None:
    """Make a token useless at once."""
    with transaction.atomic():
        _record(actor, "token.revoke", token)
        token.delete()


def _record(actor: Actor, verb: str, token: ApiToken) -> None:
    record_action(
        actor=actor,
        verb=verb,
        resource_type="token",
        resource_id=token.pk,
        resource_name=token.name,
        data={
            "user": token.user.get_username(),
            "expiry": token.expiry.isoformat() if token.expiry else None,
        },
    )
