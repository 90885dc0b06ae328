"""A user's own searches of the list of models: kept ones and recent ones."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from audit_app.actors import Actor
from audit_app.guards import requires
from models_app.models import RecentSearch, SavedSearch
from models_app.search_forms import SearchForm
from models_app.search_records import LONGEST_QUERY
from models_app.search_words import describe
from models_app.services import searches
from ollamactl.lib.errors import ApplicationError
from ollamactl.lib.pages import found, go_to, render_dialog, toast

VIEW = "models_app.view_ollamamodel"
METHODS = ["GET", "HEAD", "POST"]


@require_safe
@requires(VIEW)
def search_list(request: HttpRequest) -> HttpResponse:
    """What the list's page shows of them."""
    return render_dialog(
        request, "models_app/searches.html", context_of(request), title=_("Searches")
    )


@require_http_methods(METHODS)
@requires(VIEW)
def add_search(request: HttpRequest) -> HttpResponse:
    """Ask for the name of a search that shall be kept."""
    query = request.GET.get("query", "")[:LONGEST_QUERY]
    initial = {"query": query, "name": describe(query)[:100] if query else ""}
    form = SearchForm(request.POST if request.method == "POST" else None, initial=initial)
    return _asked(request, form, None)


@require_http_methods(METHODS)
@requires(VIEW)
def change_search(request: HttpRequest, pk: int) -> HttpResponse:
    """Rename a search, or make it the one that the list opens with."""
    search: SavedSearch = found(_mine(request, pk))
    initial = {"name": search.name, "query": search.query, "is_default": search.is_default}
    form = SearchForm(request.POST if request.method == "POST" else None, initial=initial)
    return _asked(request, form, search)


@require_POST
@requires(VIEW)
def delete_search(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget a search; where it is gone already, that is fine."""
    search = _mine(request, pk)
    if search is not None:
        searches.delete_search(actor=Actor.from_request(request), search=search)
    response = render(request, "models_app/searches.html", context_of(request))
    return toast(response, _("The search is forgotten."))


@require_POST
@requires(VIEW)
def note_search(request: HttpRequest) -> HttpResponse:
    """Somebody has looked at a result for a moment: remember how it was asked for."""
    searches.note_search(user=_user(request), query=request.POST.get("query", ""))
    return HttpResponse(status=204)


def context_of(request: HttpRequest) -> dict[str, Any]:
    """The user's searches; two queries."""
    saved = SavedSearch.objects.filter(user=_user(request))
    recent = RecentSearch.objects.filter(user=_user(request))[: searches.MOST_RECENT]
    return {
        "saved_searches": list(saved),
        "recent_searches": [(each.query, describe(each.query)) for each in recent],
    }


def default_query(request: HttpRequest) -> str:
    """The search with which the user's list opens; empty for none."""
    chosen = SavedSearch.objects.filter(user=_user(request), is_default=True)
    return chosen.values_list("query", flat=True).first() or ""


def _asked(request: HttpRequest, form: SearchForm, search: SavedSearch | None) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        try:
            return _done(request, form.cleaned_data, search)
        except ApplicationError as error:
            form.add_error("name" if error.attr == "name" else None, str(error.detail))
    address = (
        reverse("admin:search-change", args=[search.pk]) if search else reverse("admin:search-add")
    )
    title = _("Change the search") if search else _("Save the search")
    query = form["query"].value() or ""
    words = describe(query) if not form.errors.get("query") else ""
    context = {"form": form, "address": address, "words": words}
    status = 422 if form.errors else 200
    return render_dialog(
        request, "models_app/search_form.html", context, title=title, status=status
    )


def _done(request: HttpRequest, data: dict[str, Any], search: SavedSearch | None) -> HttpResponse:
    actor = Actor.from_request(request)
    if search is None:
        search = searches.save_search(actor=actor, user=_user(request), **data)
    else:
        search = searches.change_search(actor=actor, search=search, **data)
    url = f"{reverse('admin:models')}?{search.query or 'search='}"
    return go_to(request, url, _("“%(name)s” is saved.") % {"name": search.name})


def _mine(request: HttpRequest, pk: int) -> SavedSearch | None:
    return SavedSearch.objects.filter(user=_user(request), pk=pk).first()


def _user(request: HttpRequest) -> User:
    user = request.user
    assert isinstance(user, User)  # noqa: S101 - the site has asked for a login
    return user
