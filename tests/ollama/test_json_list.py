"""A long list in JSON, read piece by piece: the same as read at once, in bounded memory."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models_app.ollama.json_list import LONGEST_VALUE, ListReader, NoSuchList

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
VALUES: Any = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def read(raw: bytes, *, pieces: int = 1_000_000) -> tuple[list[Any], ListReader]:
    reader = ListReader("models")
    found: list[Any] = []
    for start in range(0, len(raw), pieces):
        found += reader.feed(raw[start : start + pieces])
    return found + reader.close(), reader


@settings(max_examples=60)
@given(
    entries=st.lists(VALUES, max_size=6),
    rest=st.dictionaries(TEXT, VALUES),
    pieces=st.integers(1, 40),
    indent=st.sampled_from([None, 2]),
    as_ascii=st.booleans(),
)
def test_however_it_is_cut_it_is_what_json_says(
    entries: list[Any], rest: dict[str, Any], pieces: int, indent: int | None, as_ascii: bool
) -> None:
    raw = json.dumps({**rest, "models": entries}, indent=indent, ensure_ascii=as_ascii)
    found, reader = read(raw.encode(), pieces=pieces)
    assert found == entries
    assert reader.rest == rest
    assert reader.is_there


@pytest.mark.parametrize("number", ["1e+16", "1E-05", "1.5e3", "-0.25", "1e16"])
@pytest.mark.parametrize("pieces", [1, 2, 12, 13, 14, 15])
def test_a_number_is_cut_anywhere(number: str, pieces: int) -> None:
    found, reader = read(f'{{"models": [{number}], "x": {number}}}'.encode(), pieces=pieces)
    assert found == [json.loads(number)]
    assert reader.rest == {"x": json.loads(number)}


@settings(max_examples=60)
@given(st.binary(max_size=60), st.integers(1, 9))
def test_anything_else_is_refused_and_never_breaks(raw: bytes, pieces: int) -> None:
    try:
        found, reader = read(b'{"models": [' + raw, pieces=pieces)
    except NoSuchList:
        return
    assert json.loads(b'{"models": [' + raw)["models"] == found
    assert reader.is_there


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"[]", b"{", b'{"models": [', b'{"models": [1,]}', b'{"models": [1 2]}', b"<html>"),
        *(b'{"models": []} x', b'{"models": []', b'{"a" 1}', b"{a: 1}", b'{"a": \xff}', b"null"),
        *(b'{"models": [' + b"[" * 100_000, b'{"a": ' + b"9" * 5000 + b"}", b'{"a": tru}'),
        *(b'{"models": ["' + b"x" * (LONGEST_VALUE + 99), b"\xef\xbb\xbf{}", b'{"models": [}'),
    ],
    ids=lambda raw: repr(raw[:16]),
)
@pytest.mark.parametrize("pieces", [1_000_000, 7])
def test_what_is_no_such_object_is_refused(raw: bytes, pieces: int) -> None:
    with pytest.raises(NoSuchList):
        read(raw, pieces=pieces)


def test_a_list_that_is_missing_is_not_an_empty_one() -> None:
    for raw, there in ((b"{}", False), (b'{"models": 5}', False), (b'{"models": {"a": 1}}', False)):
        assert read(raw)[1].is_there is there
    for raw in (b'{"models": null}', b'{"models": []}', b' { "models" : [ ] } '):
        found, reader = read(raw)
        assert (found, reader.is_there) == ([], True)


def test_nan_and_infinities_read_as_null() -> None:
    assert read(b'{"models": [{"size": NaN}, {"size": -Infinity}]}')[0] == [{"size": None}] * 2


@pytest.mark.parametrize("entry", [b"[],", b"{},", b"0,", b'"",'])
def test_a_long_list_of_nothing_takes_no_memory(entry: bytes) -> None:
    piece = entry * (60_000 // len(entry))
    reader = ListReader("models")
    reader.feed(b'{"models": [')
    tracemalloc.start()
    count = 0
    for _ in range(3):
        count += len(reader.feed(piece))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count >= 3 * 60_000 // len(entry)
    assert peak < 6_000_000
