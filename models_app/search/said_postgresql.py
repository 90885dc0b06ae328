"""The indexes of what was said in chats, in PostgreSQL: trigrams of the messages' texts by pg_trgm,
and for words of one or two letters, which have no trigram, pairs of letters.

An answer comes in when it has ended, not with each part of it.
"""

# ruff: noqa: S608 - what is put into statements are the names and fixed words of this file

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import BooleanField, Exists, F, Func, OuterRef, Q, Value

from models_app.search.postgresql_index import FunctionIndex, Indexes, TrigramIndex

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models import QuerySet
    from django.db.models.expressions import Combinable
    from django.db.models.sql.compiler import SQLCompiler

MESSAGES = "models_app_chatmessage"
ENDED = ("complete", "stopped", "failed")
_WHERE = "state IN ('complete', 'stopped', 'failed')"
_PAIRS = "models_app_letter_pairs"
# Each letter, and each with the one behind it, as one number: characters are numbers of 21 bits.
_PAIRS_OF = f"""CREATE OR REPLACE FUNCTION {_PAIRS}(said text) RETURNS bigint[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT
  ARRAY(SELECT ascii(one)::bigint << 21
    FROM unnest(string_to_array(upper(said), NULL)) AS letter(one))
  || ARRAY(SELECT (ascii(one)::bigint << 21) + coalesce(ascii(two), 0)
    FROM (SELECT string_to_array(upper(said), NULL) AS letters OFFSET 0) AS whole,
      unnest(letters, letters[2:]) AS pair(one, two)) $$"""
# Upper case is how Django asks for a part of a text in any case.
INDEX = Indexes(
    TrigramIndex("chat_message_trigrams", MESSAGES, "UPPER(content::text)", where=_WHERE),
    FunctionIndex("chat_message_pairs", MESSAGES, f"{_PAIRS}(content)", _WHERE, _PAIRS_OF, _PAIRS),
)
MOST_GATHERED = 3000  # messages
FEW_CHATS = 300
_SHORT = 2


class _HasLetters(Func):
    """Whether a text has a word of one or two letters, as the index of pairs has it."""

    arity = 2
    template = f"{_PAIRS}(%(expressions)s)"
    arg_joiner = f") @> {_PAIRS}("
    output_field = BooleanField()


class _IsOneOf(Func):
    """Whether a number is one of thousands, which go to the database as one parameter."""

    arity = 1
    template = "%(expressions)s = ANY(%%s)"
    output_field = BooleanField()

    def __init__(self, number: F, *, ids: list[int]) -> None:
        super().__init__(number)
        self.ids = ids

    def as_sql(  # type: ignore[override]  # there is no other template, and a list among the values
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any
    ) -> tuple[str, Any]:
        """The SQL and its parameters."""
        sql, parameters = super().as_sql(compiler, connection, **context)
        return sql, [*parameters, self.ids]


def look_up(
    chats: QuerySet[Any], messages: QuerySet[Any], of_chat: QuerySet[Any], words: Sequence[str]
) -> tuple[Q | Combinable, Q | Combinable]:
    """As `with_words`. Few chats are gone through, for they are this user's alone; of many those
    whose messages the index has; only where it has too many of everybody's, all of this user's."""
    # Says nothing new, but only an equality can be answered from all that has the words.
    one_by_one = Exists(of_chat.filter(session__gte=OuterRef("pk")))
    if not chats.order_by()[FEW_CHATS : FEW_CHATS + 1].exists():
        return one_by_one, Q()
    for word in words:
        messages = messages.filter(_has(word))
    found = messages.order_by().values_list("session_id", flat=True)[: MOST_GATHERED + 1]
    gathered = list(found)
    known = _IsOneOf(F("pk"), ids=sorted(set(gathered)))
    # In this order: of those that are known no message is read.
    return (known, Q()) if len(gathered) <= MOST_GATHERED else (Q(known) | Q(one_by_one), known)


def _has(word: str) -> Q | _HasLetters:
    # Some letters are several in upper case; of those the pairs would say too little.
    if len(word) <= _SHORT and len(word.upper()) <= _SHORT:
        return _HasLetters(F("content"), Value(word))
    return Q(content__icontains=word)
