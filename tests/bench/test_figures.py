"""Percentiles, and tables that people and programs read."""

from __future__ import annotations

import pytest

from bench.figures import Table, median, percentile


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 1.0), (0.5, 50.0), (0.95, 95.0), (0.99, 99.0), (1.0, 100.0)]
)
def test_a_percentile_is_one_of_the_values(share: float, expected: float) -> None:
    assert percentile([float(number) for number in range(100, 0, -1)], share) == expected


def test_the_median_of_few_values() -> None:
    assert median([3.0]) == 3.0
    assert median([3.0, 1.0, 2.0]) == 2.0
    assert median([4.0, 1.0]) == 1.0


def test_nothing_has_no_percentile() -> None:
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 0.5)


def test_a_table_reads_as_it_is_and_keeps_its_figures() -> None:
    table = Table(
        "Pulls",
        [
            {"from": "simulated", "count": 1200, "s": 0.12345, "ratio": None},
            {"from": "real", "count": 5, "s": 123.45, "ratio": 1.0},
        ],
        ["In turns."],
    )
    assert table.as_text().splitlines() == [
        "Pulls",
        "",
        "| from      | count |    s | ratio |",
        "| --------- | ----: | ---: | ----: |",
        "| simulated | 1,200 | 0.12 |     – |",
        "| real      |     5 |  123 |  1.00 |",
        "",
        "In turns.",
    ]
    assert table.as_json()["rows"][0]["s"] == 0.12345
