"""The pages of chats: the list, a chat, and its parts."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from audit_app.guards import requires
from models_app.chat.downloads import file_of
from models_app.chat.events import CHAT
from models_app.chat.excerpts import excerpts_of
from models_app.chat.exports import FORMATS
from models_app.chat.filters import ChatFilter
from models_app.chat.records import ChatMessage, ChatSession
from models_app.chat.sessions import chats_of, models_to_offer
from models_app.chat.versions import versions_of
from models_app.views.chat_shown import message_context, transcript_context
from ollamactl.lib.errors import InvalidInput
from ollamactl.lib.htmx import is_fragment
from ollamactl.lib.pages import found, render_page
from ollamactl.lib.paging import keep_in_address, listing_of

NEWEST = 30  # chats beside the one that is open
MOST_TURNED_TO = 50  # as many as there are messages on the page


@require_safe
@requires(CHAT)
def chat_list(request: HttpRequest) -> HttpResponse:
    """All chats of the user, and a place to begin a new one."""
    asked = ChatFilter(request.GET, queryset=chats_of(request.user))
    rows = asked.qs if asked.is_valid() else ChatSession.objects.none()
    listing = listing_of(
        request,
        rows if "ordering" in request.GET else rows.order_by("-updated_at", "-pk"),
        ordering="-updated_at",
    )
    typed = request.GET.get("search", "")
    excerpts = excerpts_of(listing.rows, typed)
    context: dict[str, Any] = {
        "listing": listing,
        "problems": asked.errors,
        "typed": typed,
        "found": [(chat, excerpts.get(chat.pk)) for chat in listing.rows],
    }
    if is_fragment(request):
        response = render(request, "models_app/chat_table.html", context)
        return keep_in_address(response, request, listing)
    return render_page(
        request,
        "models_app/chats.html",
        {
            **context,
            "models": models_to_offer(request.user, chosen=_chosen(request)),
            "chosen": _chosen(request),
        },
        title=_("Chat"),
    )


@require_safe
@requires(CHAT)
def chat_page(request: HttpRequest, pk: int) -> HttpResponse:
    """One chat: the online terminal."""
    session = own_chat(request, pk)
    context = {
        "session": session,
        "others": _others(request),
        **transcript_context(session),
    }
    return render_page(request, "models_app/chat.html", context, title=str(session))


@require_safe
@requires(CHAT)
def chat_head(request: HttpRequest, pk: int) -> HttpResponse:
    """What changes above a transcript."""
    return render(request, "models_app/chat_head.html", {"session": own_chat(request, pk)})


@require_safe
@requires(CHAT)
def chat_others(request: HttpRequest, pk: int) -> HttpResponse:
    """The newest chats, beside the one that is open."""
    context = {"session": own_chat(request, pk), "others": _others(request)}
    return render(request, "models_app/chat_others.html", context)


@require_safe
@requires(CHAT)
def chat_transcript(request: HttpRequest, pk: int) -> HttpResponse:
    """The newest messages, or with `?before=` those before a position.

    `?turned_to=4,9` are replaced ones that the reader looks at.
    """
    before = number_of(request.GET.get("before", ""))
    texts = request.GET.get("turned_to", "").split(",")[:MOST_TURNED_TO]
    turned_to = {number for text in texts if (number := number_of(text)) is not None}
    return render_transcript(request, own_chat(request, pk), before=before, turned_to=turned_to)


@require_safe
@requires(CHAT)
def chat_message(request: HttpRequest, pk: int, message: int) -> HttpResponse:
    """One message as it is now; nothing where it was replaced."""
    row = own_message(request, pk, message)
    if not row.is_current:
        return HttpResponse("")
    versions = versions_of([row]).get(row.pk)
    return render(request, "models_app/chat_message.html", message_context(row, versions=versions))


@require_safe
@requires(CHAT)
def chat_version(request: HttpRequest, pk: int, message: int) -> HttpResponse:
    """What was replaced by an edit or another answer, in the place of the version that is current;
    or that one itself."""
    row = own_message(request, pk, message)
    versions = versions_of([row]).get(row.pk, [])
    current = ChatMessage.objects.filter(pk__in=versions, is_current=True).first()
    if current is None:  # what it followed was replaced: the transcript has neither any more
        return HttpResponse("")
    shown = message_context(row, versions=versions, anchor=current.pk)
    return render(request, "models_app/chat_message.html", shown)


@require_safe
@requires(CHAT)
def chat_export(request: HttpRequest, pk: int) -> HttpResponse:
    """The whole chat as a file."""
    wanted = request.GET.get("format", "md")
    if wanted not in FORMATS:
        raise InvalidInput(_("Choose md or json as the format."), code="invalid_choice")
    return file_of(own_chat(request, pk), wanted)


def own_chat(request: HttpRequest, pk: int) -> ChatSession:
    """The user's own chat of this number; `NotFound` for everybody else's."""
    session: ChatSession = found(chats_of(request.user).filter(pk=pk).first())
    return session


def own_message(request: HttpRequest, pk: int, message: int) -> ChatMessage:
    """A message of the user's own chat."""
    rows = ChatMessage.objects.select_related("session", "task")
    row: ChatMessage = found(rows.filter(session=own_chat(request, pk), pk=message).first())
    return row


def render_transcript(
    request: HttpRequest,
    session: ChatSession,
    *,
    before: int | None = None,
    turned_to: Collection[int] = (),
) -> HttpResponse:
    """A part of the transcript, the same at first load and in each swap."""
    shown = transcript_context(session, before=before, turned_to=turned_to)
    context = {"session": session, **shown}
    return render(request, "models_app/chat_messages.html", context)


def _others(request: HttpRequest) -> list[ChatSession]:
    return list(chats_of(request.user).order_by("-updated_at", "-pk")[:NEWEST])


def _chosen(request: HttpRequest) -> int | None:
    """The model that a link asks for."""
    return number_of(request.GET.get("with", ""))


def number_of(text: str) -> int | None:
    """A whole number of an address; None where it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
