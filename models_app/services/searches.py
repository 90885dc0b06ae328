"""Keeping searches: each user's own, by name, and the newest ones by themselves."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audit_app.actors import Actor
from audit_app.services import record_action
from models_app.filters import OllamaModelFilter
from models_app.models import OllamaModel
from models_app.search_records import LONGEST_QUERY, RecentSearch, SavedSearch
from ollamactl.lib.errors import Conflict, InvalidInput
from ollamactl.lib.paging import clean_query

MOST_SAVED = 100
MOST_RECENT = 20


def check_query(text: str) -> str:
    """The query string in its one form; raises `InvalidInput` where the list would not take it."""
    if len(text) > LONGEST_QUERY or "\0" in text:
        raise InvalidInput(_("This search is too long to be kept."), attr="query")
    try:
        asked = clean_query(QueryDict(text.removeprefix("?")))
    except (ValueError, OverflowError) as error:
        raise InvalidInput(_("This is no search of models."), attr="query") from error
    unknown = [name for name in asked if name not in OllamaModelFilter.base_filters]
    filters = OllamaModelFilter(asked, queryset=OllamaModel.objects.none())
    if unknown or not filters.is_valid():
        said = [str(error) for errors in filters.errors.values() for error in errors]
        reason = " ".join(said) or ", ".join(unknown)[:200]
        sentence = _("This is no search of models: %(reason)s")
        raise InvalidInput(sentence % {"reason": reason}, attr="query")
    encoded = asked.urlencode()
    if len(encoded) > LONGEST_QUERY:
        raise InvalidInput(_("This search is too long to be kept."), attr="query")
    return encoded


def save_search(
    *, actor: Actor, user: User, name: str, query: str, is_default: bool = False
) -> SavedSearch:
    """Keep a search under a name; one of that name may not be there yet."""
    cleaned = check_query(query)
    with transaction.atomic():
        owner = _locked(user)
        if SavedSearch.objects.filter(user=owner).count() >= MOST_SAVED:
            sentence = _("You have %(count)d saved searches, and there is room for no more.")
            raise Conflict(sentence % {"count": MOST_SAVED}, code="too_many")
        _check_name(owner, name)
        search = SavedSearch.objects.create(user=owner, name=name, query=cleaned)
        if is_default:
            _make_default(search, True)
        _record(actor, "search.save", search)
    return search


def change_search(*, actor: Actor, search: SavedSearch, **changes: Any) -> SavedSearch:
    """Change `name`, `query` or `is_default`; what is left out stays."""
    query = check_query(changes["query"]) if "query" in changes else None
    with transaction.atomic():
        owner = _locked(search.user)
        search.refresh_from_db()
        if changes.get("name", search.name) != search.name:
            _check_name(owner, changes["name"])
            search.name = changes["name"]
        if query is not None:
            search.query = query
        search.save(update_fields=["name", "query"])
        if "is_default" in changes:
            _make_default(search, changes["is_default"])
        _record(actor, "search.change", search)
    return search


def delete_search(*, actor: Actor, search: SavedSearch) -> None:
    """Forget a saved search."""
    with transaction.atomic():
        _record(actor, "search.delete", search)
        search.delete()


def note_search(*, user: User, query: str) -> None:
    """Remember a search that was made, once however often; the oldest ones go."""
    cleaned = check_query(query)
    if not cleaned:
        return
    with transaction.atomic():
        RecentSearch.objects.update_or_create(
            user=user, query=cleaned, defaults={"used_at": timezone.now()}
        )
        mine = RecentSearch.objects.filter(user=user)
        kept = list(mine.values_list("pk", flat=True)[:MOST_RECENT])
        mine.exclude(pk__in=kept).delete()


def _locked(user: User) -> User:
    """The user's row, so that two of their requests do not both make a default."""
    return User.objects.select_for_update().get(pk=user.pk)


def _check_name(user: User, name: str) -> None:
    if SavedSearch.objects.filter(user=user, name=name).exists():
        sentence = _("You have a search “%(name)s” already. Choose another name.")
        raise Conflict(sentence % {"name": name}, code="exists", attr="name")


def _make_default(search: SavedSearch, is_default: bool) -> None:
    if is_default:
        others = SavedSearch.objects.filter(user=search.user, is_default=True)
        others.exclude(pk=search.pk).update(is_default=False)
    search.is_default = is_default
    search.save(update_fields=["is_default"])


def _record(actor: Actor, verb: str, search: SavedSearch) -> None:
    record_action(
        actor=actor,
        verb=verb,
        resource_type="search",
        resource_id=search.pk,
        resource_name=search.name,
        data={"query": search.query, "is_default": search.is_default},
    )
