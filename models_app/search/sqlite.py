"""The index of names in SQLite: each distinct name once, with its trigrams in an FTS5 table."""

# ruff: noqa: S608 - what is put into statements are the names and fixed words of this file

from __future__ import annotations

from typing import TYPE_CHECKING

from models_app.search.sqlite_index import TRIGRAM, TriggeredIndex, phrase
from models_app.search.typos import SEPARATORS, forgiven

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper

MODELS = "models_app_ollamamodel"
NAMES = "models_app_known_name"
TRIGRAMS = "models_app_known_name_trigrams"


def _padded(column: str) -> str:
    # Two spaces before each word and one behind it, as pg_trgm has it: beginnings count more.
    for separator in SEPARATORS:
        column = f"replace({column}, '{separator}', '  ')"
    return f"'  ' || {column} || ' '"


_ADD = f"""INSERT INTO {NAMES} (name, words) SELECT NEW.name, {_padded("NEW.name")}
    WHERE NOT EXISTS (SELECT 1 FROM {NAMES} WHERE name = NEW.name);"""
_FORGET = f"""DELETE FROM {NAMES} WHERE name = OLD.name
    AND NOT EXISTS (SELECT 1 FROM {MODELS} WHERE name = OLD.name);"""
_UNINDEX = f"""INSERT INTO {TRIGRAMS} ({TRIGRAMS}, rowid, name, words)
    VALUES ('delete', OLD.id, OLD.name, OLD.words);"""
_INDEX = f"INSERT INTO {TRIGRAMS} (rowid, name, words) VALUES (NEW.id, NEW.name, NEW.words);"

_TABLES = {
    NAMES: f"""CREATE TABLE IF NOT EXISTS {NAMES}
    (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, words TEXT NOT NULL)""",
    TRIGRAMS: f"""CREATE VIRTUAL TABLE IF NOT EXISTS {TRIGRAMS} USING
    fts5(name, words, content='{NAMES}', content_rowid='id', tokenize='trigram')""",
}
_TRIGGERS = {
    f"{MODELS}_named": f"AFTER INSERT ON {MODELS} BEGIN {_ADD} END",
    f"{MODELS}_renamed": f"AFTER UPDATE OF name ON {MODELS} WHEN OLD.name <> NEW.name "
    f"BEGIN {_ADD} {_FORGET} END",
    f"{MODELS}_gone": f"AFTER DELETE ON {MODELS} BEGIN {_FORGET} END",
    f"{NAMES}_added": f"AFTER INSERT ON {NAMES} BEGIN {_INDEX} END",
    f"{NAMES}_removed": f"AFTER DELETE ON {NAMES} BEGIN {_UNINDEX} END",
}
_FILL = (
    f"DELETE FROM {NAMES} WHERE name NOT IN (SELECT name FROM {MODELS})",
    f"""INSERT INTO {NAMES} (name, words) SELECT DISTINCT name, {_padded("name")} FROM {MODELS}
    WHERE name NOT IN (SELECT name FROM {NAMES})""",
)

INDEX = TriggeredIndex(MODELS, _TABLES, _TRIGGERS, _FILL)


def names_with(connection: BaseDatabaseWrapper, parts: Sequence[str], most: int) -> list[str]:
    """Names that have all these parts somewhere; at most so many."""
    long = [part for part in parts if len(part) >= TRIGRAM]
    short = [part for part in parts if len(part) < TRIGRAM]
    table = TRIGRAMS if long else NAMES
    tests = [f"{TRIGRAMS} MATCH %s"] if long else []
    match = " AND ".join(f"name : {phrase(part)}" for part in long)
    values: list[str | int] = [match] if long else []
    tests += ["name LIKE %s ESCAPE '\\'"] * len(short)
    values += [f"%{connection.ops.prep_for_like_query(part)}%" for part in short]
    sql = f"SELECT name FROM {table} WHERE {' AND '.join(tests)} LIMIT %s"
    return _names(connection, sql, [*values, most])


def candidates(connection: BaseDatabaseWrapper, words: Sequence[str], most: int) -> list[str]:
    """Names that may be near to these words; each is to be looked at again."""
    tests = [test for word in words if (test := _maybe(word))]
    if not tests:
        return []
    match = " AND ".join(f"words : ({test})" for test in tests)
    sql = f"SELECT name FROM {TRIGRAMS} WHERE {TRIGRAMS} MATCH %s LIMIT %s"
    return _names(connection, sql, [match, most])


def _maybe(word: str) -> str:
    """What a name has that is a few errors away from the word: the letters around an error."""
    errors = forgiven(word)
    if errors == 0:
        return phrase(word) if len(word) >= TRIGRAM else ""
    if errors == 1:
        ways = [way for place in range(len(word)) for way in _around(word, place)]
        return " OR ".join(f"({way})" for way in dict.fromkeys(ways))
    # Of three parts two errors leave at least one whole.
    first = len(word) // 3
    second = first + (len(word) - first) // 2
    parts = (f"  {word[:first]}", word[first:second], word[second:])
    return " OR ".join(phrase(part) for part in parts)


def _around(word: str, place: int) -> Iterator[str]:
    """What is before and after an error at `place`, of two letters or of one."""
    left = [phrase(f"  {word[:place]}")] if place else []
    for length in (2, 1):
        right = word[place + length :]
        if len(right) >= TRIGRAM:
            yield " AND ".join([*left, phrase(right)])
            return  # with one letter less between it would say more
        if place > 1:
            yield left[0]
            return
        if len(right) == TRIGRAM - 1:
            yield " AND ".join([*left, phrase(f"{right} ")])


def _names(connection: BaseDatabaseWrapper, sql: str, values: list[str | int]) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [row[0] for row in cursor.fetchall()]
