"""What a search has found in chats, in a line for each."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Max

from models_app.chat.choices import UNDER_WAY
from models_app.chat.records import ChatMessage, ChatSession
from models_app.search.said import MOST_WORDS

BEFORE, LONGEST = 40, 160  # characters


def excerpts_of(chats: Sequence[ChatSession], text: str) -> dict[int, str]:
    """By the keys of chats: of the newest message with all words of this text, the part about the
    first of them. A chat that was found by its title alone has none.
    """
    words = text.split()[:MOST_WORDS]
    if not words or not chats:
        return {}
    said = ChatMessage.objects.filter(session__in=chats, is_current=True)
    said = said.exclude(state__in=UNDER_WAY)
    for word in words:
        said = said.filter(content__icontains=word)
    newest = said.order_by().values("session_id").annotate(newest=Max("pk")).values("newest")
    found = ChatMessage.objects.filter(pk__in=newest).values_list("session_id", "content")
    return {chat: cut_out(content, words) for chat, content in found}


def cut_out(content: str, words: Sequence[str]) -> str:
    """One line about the first of these words."""
    lowered = content.lower()
    places = [place for word in words if (place := lowered.find(word.lower())) >= 0]
    # Where a letter has another length when it is lowered, the place is off by as much.
    begin = max(0, min(places, default=0) - BEFORE)
    # Before its spaces are gone it may be much longer.
    line = " ".join(content[begin : begin + 4 * LONGEST].split())
    cut = line[:LONGEST].rstrip()
    return f"{'… ' if begin else ''}{cut}{' …' if len(cut) < len(line) else ''}"
