"""The index of what was said in chats, in SQLite: the trigrams of each message in an FTS5 table.

It has no texts of its own and no places of trigrams, which keeps it at about the size of the texts:
it tells which messages may have a word, and the messages tell whether they do. An answer comes in
when it has ended, not with each part of it.
"""

# ruff: noqa: S608, S611 - what is put into statements are the names and fixed words of this file

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Exists, F, Q
from django.db.models.expressions import RawSQL

from models_app.search.sqlite_index import TRIGRAM, TriggeredIndex, phrase

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from django.db.models import QuerySet

MESSAGES = "models_app_chatmessage"
TRIGRAMS = "models_app_said_trigrams"
MOST_TRIGRAMS = 40
"""So many say enough; the messages that have them are looked at anyway."""

_ENDED = "('complete', 'stopped', 'failed')"
_INDEX = f"""INSERT INTO {TRIGRAMS} (rowid, content)
    SELECT NEW.id, NEW.content WHERE NEW.state IN {_ENDED};"""
_UNINDEX = f"""INSERT INTO {TRIGRAMS} ({TRIGRAMS}, rowid, content)
    SELECT 'delete', OLD.id, OLD.content WHERE OLD.state IN {_ENDED};"""
_CHANGED = f"""(OLD.state IN {_ENDED}) <> (NEW.state IN {_ENDED})
    OR (NEW.state IN {_ENDED} AND OLD.content <> NEW.content)"""

_TABLE = f"""CREATE VIRTUAL TABLE IF NOT EXISTS {TRIGRAMS} USING
    fts5(content, content='', tokenize='trigram', detail='none')"""
_TRIGGERS = {
    f"{MESSAGES}_said": f"AFTER INSERT ON {MESSAGES} WHEN NEW.state IN {_ENDED} BEGIN {_INDEX} END",
    f"{MESSAGES}_changed": f"AFTER UPDATE OF content, state ON {MESSAGES} WHEN {_CHANGED} "
    f"BEGIN {_UNINDEX} {_INDEX} END",
    f"{MESSAGES}_gone": f"AFTER DELETE ON {MESSAGES} WHEN OLD.state IN {_ENDED} "
    f"BEGIN {_UNINDEX} END",
}
_FILL = (
    f"INSERT INTO {TRIGRAMS} ({TRIGRAMS}) VALUES ('delete-all')",
    f"""INSERT INTO {TRIGRAMS} (rowid, content)
    SELECT id, content FROM {MESSAGES} WHERE state IN {_ENDED}""",
)

INDEX = TriggeredIndex(MESSAGES, {TRIGRAMS: _TABLE}, _TRIGGERS, _FILL)


def look_up(
    chats: QuerySet[Any], messages: QuerySet[Any], of_chat: QuerySet[Any], words: Sequence[str]
) -> tuple[Exists, Q]:
    """As `with_words`: the chats are gone through, and of their messages those are looked at that
    may have all these words."""
    return Exists(maybe_with(of_chat, words)), Q()


def maybe_with(messages: QuerySet[Any], words: Sequence[str]) -> QuerySet[Any]:
    """Of these messages of a chat those that may have all these words; look at each again."""
    found = dict.fromkeys(
        word[place : place + TRIGRAM] for word in words for place in range(len(word) - TRIGRAM + 1)
    )
    if not found:
        return messages
    match = " AND ".join(phrase(trigram) for trigram in list(found)[:MOST_TRIGRAMS])
    rows = RawSQL(f"SELECT rowid FROM {TRIGRAMS} WHERE {TRIGRAMS} MATCH %s", [match])
    # A sum has no index: a chat's messages are gone through, not all that were found, anew for
    # each chat.
    found_there: QuerySet[Any] = messages.alias(found_as=F("pk") + 0).filter(found_as__in=rows)
    return found_there
