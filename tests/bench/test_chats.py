"""The chat's part of the bench, as short as it can be, on a whole panel."""

from __future__ import annotations

from typing import Any

from bench.chats import measure
from bench.figures import Options


def test_it_measures_each_word_in_the_page_and_beside_it() -> None:
    (table,) = measure(Options(quick=True, rows=(), pull_seconds=8))
    rows: list[dict[str, Any]] = [dict(row) for row in table.rows]
    direct, page = rows
    assert direct["seen"] == direct["words"] == page["words"]
    # A machine that stands still for a moment may show the last words with the ended answer.
    assert 0 < page["seen"] <= page["words"]
    for row in rows:
        assert 0 < row["p50 ms"] <= row["p99 ms"]
        assert row["first p50 ms"] > 0
