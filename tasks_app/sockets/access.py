"""Who a socket belongs to, and whether it still may be open.

A socket outlives the request that opened it, so its right is looked at again every few seconds: a
fixed number of queries for all the sockets of a process, however many there are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TypeVar

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from audit_app.models import ApiToken
from audit_app.tokens import find_token, note_use
from tasks_app.live import parse_topic

T = TypeVar("T")

# A SQLite built with its old limit takes 999 values in one query.
IN_ONE_QUERY = 900


@dataclass(frozen=True)
class Grant:
    """What lets a socket be open: a session, or a token, of a user."""

    user_id: int
    session_key: str = ""
    session_hash: str = field(default="", repr=False)
    token_id: int | None = None


@dataclass(frozen=True)
class Rights:
    """All that a user's permissions follow from, to be compared."""

    is_superuser: bool
    permissions: frozenset[int]
    groups: frozenset[tuple[int, frozenset[int]]]


@dataclass(frozen=True)
class Account:
    """A user with the rights that were theirs when the permissions were read."""

    user: User
    rights: Rights


@dataclass(frozen=True)
class Review:
    """What has changed: grants that have ended, and accounts with other rights than before."""

    ended: frozenset[Grant]
    changed: Mapping[int, Account]


def admit_session(request: HttpRequest) -> tuple[Grant, Account] | None:
    """The user of the session cookie; None where nobody is logged in."""
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    if not key:
        return None
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    user = get_user(request)
    if not isinstance(user, User):
        return None
    grant = Grant(user.pk, session_key=key, session_hash=user.get_session_auth_hash())
    return _admit(grant, user)


def admit_token(text: object) -> tuple[Grant, Account] | None:
    """The user of a token; None where the token is not valid."""
    token = find_token(text) if isinstance(text, str) and text.isascii() else None
    if token is None:
        return None
    note_use(token)
    return _admit(Grant(token.user_id, token_id=token.pk), token.user)


def _admit(grant: Grant, user: User) -> tuple[Grant, Account] | None:
    # Rights before permissions: what changes between the two is then seen at the next review.
    rights = _rights([user.pk]).get(user.pk)
    return (grant, Account(user, rights)) if rights else None


def permitted(user: User, topics: Iterable[str]) -> set[str]:
    """Those of the topics that the user may hear."""

    def is_allowed(topic: str) -> bool:
        kind, number = parse_topic(topic)
        return kind.allows(user, number)

    return {topic for topic in topics if is_allowed(topic)}


def review(grants: Collection[Grant], known: Mapping[int, Rights]) -> Review:
    """Compare grants and rights with the database."""
    passwords = _active_users({grant.user_id for grant in grants})
    hashes = {pk: User(password=text).get_session_auth_hash() for pk, text in passwords.items()}
    sessions = _open_sessions({grant.session_key for grant in grants})
    tokens = _valid_tokens({grant.token_id for grant in grants})

    def stands(grant: Grant) -> bool:
        if grant.user_id not in hashes:
            return False
        if grant.token_id is not None:
            return grant.token_id in tokens
        return grant.session_key in sessions and grant.session_hash == hashes[grant.user_id]

    rights = _rights(set(hashes))
    changed = {pk for pk, found in rights.items() if pk in known and known[pk] != found}
    users = User.objects.in_bulk(changed) if changed else {}
    return Review(
        ended=frozenset(grant for grant in grants if not stands(grant)),
        changed={pk: Account(user, rights[pk]) for pk, user in users.items()},
    )


def _parts(wanted: Iterable[T]) -> list[list[T]]:
    every = list(wanted)
    return [every[i : i + IN_ONE_QUERY] for i in range(0, len(every), IN_ONE_QUERY)]


def _open_sessions(keys: set[str]) -> set[str]:
    rows = Session.objects.filter(expire_date__gt=timezone.now())
    found = (rows.filter(pk__in=part).values_list("pk", flat=True) for part in _parts(keys - {""}))
    return {key for part in found for key in part}


def _valid_tokens(pks: set[int | None]) -> set[int]:
    rows = ApiToken.objects.filter(Q(expiry=None) | Q(expiry__gt=timezone.now()))
    found = (rows.filter(pk__in=part).values_list("pk", flat=True) for part in _parts(pks - {None}))
    return {pk for part in found for pk in part}


def _active_users(pks: set[int]) -> dict[int, str]:
    """The active ones, each with the password's hash, from which the session's hash follows."""
    rows = User.objects.filter(is_active=True).values_list("pk", "password")
    return {pk: text for part in _parts(pks) for pk, text in rows.filter(pk__in=part)}


def _rights(pks: Collection[int]) -> dict[int, Rights]:
    """The rights of these users; those who are not there are left out. Four queries for 900."""
    found: dict[int, Rights] = {}
    for part in _parts(pks):
        superusers = dict(User.objects.filter(pk__in=part).values_list("pk", "is_superuser"))
        own = _grouped(
            User.user_permissions.through.objects.filter(user_id__in=part).values_list(
                "user_id", "permission_id"
            )
        )
        groups = _grouped(
            User.groups.through.objects.filter(user_id__in=part).values_list("user_id", "group_id")
        )
        granted = _grouped(
            Group.permissions.through.objects.filter(
                group_id__in={group for member in groups.values() for group in member}
            ).values_list("group_id", "permission_id")
        )
        for pk, is_superuser in superusers.items():
            found[pk] = Rights(
                is_superuser,
                frozenset(own.get(pk, ())),
                frozenset((g, frozenset(granted.get(g, ()))) for g in groups.get(pk, ())),
            )
    return found


def _grouped(pairs: Iterable[tuple[int, int]]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for key, value in pairs:
        found.setdefault(key, set()).add(value)
    return found
