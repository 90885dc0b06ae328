"""The index of what was said in chats, in SQLite: the trigrams of each message in an FTS5 table.

It has no texts of its own and no places of trigrams, which keeps it at about the size of the texts:
it tells which messages may have a word, and the messages tell whether they do. An answer comes in
when it has ended, not with each part of it. Triggers keep it in step; they go with a table that a
migration makes anew, so `install` is called after every migration, and does nothing while all is
in place. https://www.sqlite.org/fts5.html#the_trigram_tokenizer
"""

# ruff: noqa: S608, S611 - what is put into statements are the names and fixed words of this file

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import OperationalError
from django.db.models import F
from django.db.models.expressions import RawSQL

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models import QuerySet

MESSAGES = "models_app_chatmessage"
TRIGRAMS = "models_app_said_trigrams"
TRIGRAM = 3
MOST_TRIGRAMS = 40
"""So many say enough; the messages that have them are looked at anyway."""

_ENDED = "('complete', 'stopped', 'failed')"
_INDEX = f"""INSERT INTO {TRIGRAMS} (rowid, content)
    SELECT NEW.id, NEW.content WHERE NEW.state IN {_ENDED};"""
_UNINDEX = f"""INSERT INTO {TRIGRAMS} ({TRIGRAMS}, rowid, content)
    SELECT 'delete', OLD.id, OLD.content WHERE OLD.state IN {_ENDED};"""
_CHANGED = f"""(OLD.state IN {_ENDED}) <> (NEW.state IN {_ENDED})
    OR (NEW.state IN {_ENDED} AND OLD.content <> NEW.content)"""

TABLE = f"""CREATE VIRTUAL TABLE IF NOT EXISTS {TRIGRAMS} USING
    fts5(content, content='', tokenize='trigram', detail='none')"""
TRIGGERS = {
    f"{MESSAGES}_said": f"AFTER INSERT ON {MESSAGES} WHEN NEW.state IN {_ENDED} BEGIN {_INDEX} END",
    f"{MESSAGES}_changed": f"AFTER UPDATE OF content, state ON {MESSAGES} WHEN {_CHANGED} "
    f"BEGIN {_UNINDEX} {_INDEX} END",
    f"{MESSAGES}_gone": f"AFTER DELETE ON {MESSAGES} WHEN OLD.state IN {_ENDED} "
    f"BEGIN {_UNINDEX} END",
}
FILL = (
    f"INSERT INTO {TRIGRAMS} ({TRIGRAMS}) VALUES ('delete-all')",
    f"""INSERT INTO {TRIGRAMS} (rowid, content)
    SELECT id, content FROM {MESSAGES} WHERE state IN {_ENDED}""",
)


def is_there(connection: BaseDatabaseWrapper) -> bool:
    """Whether messages can be looked up."""
    return _count(connection, "trigger", list(TRIGGERS)) == len(TRIGGERS)


def install(connection: BaseDatabaseWrapper) -> None:
    """Make what is missing of the index, and fill it. Leaves out an SQLite without trigrams."""
    if is_there(connection) or not _count(connection, "table", [MESSAGES]):
        return
    with connection.cursor() as cursor:
        try:
            cursor.execute(TABLE)
        except OperationalError:  # no FTS5, or older than its trigrams: messages are read through
            return
        for name, body in TRIGGERS.items():
            cursor.execute(f"CREATE TRIGGER IF NOT EXISTS {name} {body}")
        for statement in FILL:
            cursor.execute(statement)


def remove(connection: BaseDatabaseWrapper) -> None:
    """Take the index away."""
    with connection.cursor() as cursor:
        for name in TRIGGERS:
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
        cursor.execute(f"DROP TABLE IF EXISTS {TRIGRAMS}")


def maybe_with(messages: QuerySet[Any], words: Sequence[str]) -> QuerySet[Any]:
    """Of these messages of a chat those that may have all these words; look at each again."""
    found = dict.fromkeys(
        word[place : place + TRIGRAM] for word in words for place in range(len(word) - TRIGRAM + 1)
    )
    if not found:
        return messages
    match = " AND ".join(_phrase(trigram) for trigram in list(found)[:MOST_TRIGRAMS])
    rows = RawSQL(f"SELECT rowid FROM {TRIGRAMS} WHERE {TRIGRAMS} MATCH %s", [match])
    # A sum has no index: a chat's messages are gone through, not all that were found, anew for
    # each chat.
    found_there: QuerySet[Any] = messages.alias(found_as=F("pk") + 0).filter(found_as__in=rows)
    return found_there


def _phrase(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _count(connection: BaseDatabaseWrapper, kind: str, names: list[str]) -> int:
    marks = ", ".join(["%s"] * len(names))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT COUNT(*) FROM sqlite_master WHERE type = %s AND name IN ({marks})",
            [kind, *names],
        )
        return int(cursor.fetchone()[0])
