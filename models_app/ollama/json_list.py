"""Reading the one long list of a JSON answer piece by piece, as it comes.

A list of models may be a hundred megabytes long. Parsed as a whole it takes up to thirty times its
length in memory, which a server could choose; here no more is held than the piece that came and
one entry of bounded length.
"""

from __future__ import annotations

import codecs
import json
import re
from enum import Enum
from typing import Any

# Characters of one entry, or of one other value beside the list.
LONGEST_VALUE = 256_000
# Fields beside the list.
MOST_FIELDS = 100
_PIECE = 65_536
_DECODER = json.JSONDecoder(parse_constant=lambda _name: None)
# What follows the whole part of a number that is cut before its next digit: 1.|5, 1e|16, 1e+|16.
_CUT_IN_A_NUMBER = {".", "e", "E", "e+", "E+", "e-", "E-"}
_SPACES = re.compile(r"[ \t\n\r]*")


class NoSuchList(ValueError):
    """What came is not the JSON object that was expected."""


class _At(Enum):
    """What is to come next."""

    START = "the object"
    FIRST_NAME = "a name, or the end"
    NAME = "a name"
    COLON = "a colon"
    VALUE = "a value"
    COMMA = "a comma, or the end"
    FIRST_ENTRY = "an entry, or the end of the list"
    ENTRY = "an entry"
    ENTRY_COMMA = "a comma, or the end of the list"
    END = "nothing"


class ListReader:
    """Reads `{"<name>": [entry, …], …}`. Feed it bytes; it gives the entries that are whole.

    `rest` holds the other fields; `is_there` whether the list was (null counts as an empty one).
    NaN and infinities read as null; an entry may be any JSON. Raises `NoSuchList`.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._text = ""
        self._position = 0
        self._enough = 0  # characters without which another try is in vain
        self._at = _At.START
        self._field = ""
        self._ended = False
        self.rest: dict[str, Any] = {}
        self.is_there = False

    def feed(self, data: bytes) -> list[Any]:
        """The entries that are whole by these bytes, in order."""
        found: list[Any] = []
        for start in range(0, len(data), _PIECE):
            self._take(data[start : start + _PIECE], found)
        return found

    def close(self) -> list[Any]:
        """Nothing more comes: the last entries. Raises `NoSuchList` where something is missing."""
        found: list[Any] = []
        self._ended = True
        self._enough = 0
        self._take(b"", found)
        if self._at is not _At.END:
            raise NoSuchList(f"ends before {self._at.value}")
        return found

    def _take(self, data: bytes, found: list[Any]) -> None:
        try:
            self._text += self._decoder.decode(data, final=self._ended)
        except UnicodeDecodeError as error:
            raise NoSuchList("no UTF-8") from error
        while self._step(found):
            pass
        self._text = self._text[self._position :]
        self._enough -= self._position
        self._position = 0

    def _step(self, found: list[Any]) -> bool:
        """Go over one sign or one value; False where it is not there yet."""
        spaces = _SPACES.match(self._text, self._position)
        self._position = spaces.end() if spaces else self._position
        if self._position >= len(self._text):
            return False
        if self._at in (_At.FIRST_NAME, _At.NAME) and self._text[self._position] == '"':
            return self._read_name()
        if self._at is _At.VALUE and not self._opens_the_list():
            return self._read_field()
        if self._at in (_At.ENTRY, _At.FIRST_ENTRY) and self._text[self._position] != "]":
            return self._read_entry(found)
        sign = self._text[self._position]
        after = _SIGNS.get((self._at, sign))
        if after is None:
            raise NoSuchList(f"{sign!r} instead of {self._at.value}")
        self._position += 1
        self._at = after
        return True

    def _opens_the_list(self) -> bool:
        if self._field != self._name or self._text[self._position] != "[":
            return False
        self.is_there = True
        return True

    def _read_name(self) -> bool:
        whole, name = self._value()
        if whole:
            self._field, self._at = str(name), _At.COLON
        return whole

    def _read_field(self) -> bool:
        whole, value = self._value()
        if whole:
            self.rest[self._field] = value
            self.is_there |= self._field == self._name and value is None
            self._at = _At.COMMA
            if len(self.rest) > MOST_FIELDS:
                raise NoSuchList("too many fields")
        return whole

    def _read_entry(self, found: list[Any]) -> bool:
        whole, entry = self._value()
        if whole:
            found.append(entry)
            self._at = _At.ENTRY_COMMA
        return whole

    def _value(self) -> tuple[bool, Any]:
        """Whether a whole value is there, and the value; of bounded text, so of bounded size."""
        if len(self._text) < self._enough:
            return False, None
        try:
            value, end = _DECODER.raw_decode(self._text, self._position)
        except RecursionError as error:
            raise NoSuchList("too deep") from error
        except ValueError as error:
            return self._not_whole(error), None
        if not self._ended and self._may_go_on(end):
            return self._not_whole(None), None
        self._position = end
        return True, value

    def _may_go_on(self, end: int) -> bool:
        """Whether what was read up to `end` may be the first part of a number."""
        if len(self._text) - end > 2:
            return False
        rest = self._text[end:]
        return rest in _CUT_IN_A_NUMBER or (not rest and self._text[-1] not in '"}]')

    def _not_whole(self, error: ValueError | None) -> bool:
        length = len(self._text) - self._position
        if self._ended or length >= LONGEST_VALUE:
            raise NoSuchList("a value that is too long, or none") from error
        # What comes byte by byte is not tried again with each byte.
        self._enough = len(self._text) + max(64, length // 2)
        return False


_SIGNS = {
    (_At.START, "{"): _At.FIRST_NAME,
    (_At.FIRST_NAME, "}"): _At.END,
    (_At.COLON, ":"): _At.VALUE,
    (_At.VALUE, "["): _At.FIRST_ENTRY,
    (_At.FIRST_ENTRY, "]"): _At.COMMA,
    (_At.ENTRY_COMMA, ","): _At.ENTRY,
    (_At.ENTRY_COMMA, "]"): _At.COMMA,
    (_At.COMMA, ","): _At.NAME,
    (_At.COMMA, "}"): _At.END,
}
