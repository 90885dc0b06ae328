"""Logins, logouts and failed logins in the audit: receivers of Django's signals."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils import timezone

from audit_app.actors import Actor, client_address
from audit_app.choices import Origin, Outcome
from audit_app.models import AuditRecord
from audit_app.services import record_action

LOGIN, LOGOUT = "user.login", "user.logout"
STRANGERS_EVERY = timedelta(minutes=1)


def note_login(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Somebody has logged in, through a page or over the API."""
    _record(LOGIN, request, user)


def note_logout(sender: Any, request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    """Somebody has logged out; nobody, where the session had ended before."""
    if user is not None:
        _record(LOGOUT, request, user)


def note_failure(
    sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any
) -> None:
    """A wrong password. What is locked out already is not recorded again and again.

    A name that no user has is not kept: it may be a password in the wrong field.
    """
    if request is None or AxesProxyHandler.is_locked(request, credentials):
        return
    user = User.objects.filter(username=str(credentials.get("username") or "")[:150]).first()
    if user is not None:
        _record(LOGIN, request, user, refused=True)
    elif not _strangers_were_noted(client_address(request)):
        _record(LOGIN, request, None, refused=True)


def _strangers_were_noted(address: str | None) -> bool:
    """Guesses of names from one address are one record a minute."""
    lately = AuditRecord.objects.filter(
        verb=LOGIN,
        outcome=Outcome.REFUSED,
        resource_id=None,
        address=address,
        at__gt=timezone.now() - STRANGERS_EVERY,
    )
    return lately.exists()


def _record(verb: str, request: HttpRequest, user: User | None, *, refused: bool = False) -> None:
    # Who has failed to show that they are this user is not the one who acts.
    actor = Actor(
        user=None if refused else user, origin=_origin(request), address=client_address(request)
    )
    record_action(
        actor=actor,
        verb=verb,
        resource_type="user",
        resource_id=user.pk if user else None,
        resource_name=user.get_username() if user else "",
        outcome=Outcome.REFUSED if refused else Outcome.DONE,
    )


def _origin(request: HttpRequest) -> Origin:
    if not request.path.startswith("/api/"):
        return Origin.PAGE
    is_command = request.headers.get("User-Agent", "").startswith("ollamactl/")
    return Origin.COMMAND if is_command else Origin.API
