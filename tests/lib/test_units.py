"""Sizes are read as people write them and shown as Ollama shows them."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollamactl.lib.errors import InvalidInput
from ollamactl.lib.formats import format_figure, group_thousands
from ollamactl.lib.units import (
    MAX_BYTES,
    bytes_of,
    format_duration,
    format_rate,
    format_size,
    parse_size,
)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("1048576", 1048576),
        ("17 B", 17),
        ("17 bytes", 17),
        ("4GB", 4 * 10**9),
        ("4g", 4 * 10**9),
        ("512 MB", 512 * 10**6),
        ("  512   mb ", 512 * 10**6),
        ("1.5GiB", 1610612736),
        ("1.5 gi", 1610612736),
        ("0.3KiB", 307),
        ("2TB", 2 * 10**12),
        ("1PiB", 2**50),
        ("0.1GB", 10**8),
    ],
)
def test_written_sizes_become_bytes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text",
    [
        *["", " ", "GB", "-1", "-1GB", "1,5GB", "1.5", "1e9", "1 XB", "1iB", "٤GB", "nan"],
        *["4 GB GB", "99999999PB", "0x10", "1.GB", "1\x00GB", "1" * 41],
    ],
)
def test_what_is_no_size_says_what_to_write(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_size(text, attr="min_size")
    assert caught.value.attr == "min_size"
    assert caught.value.code == "invalid_size"
    assert str(caught.value.detail).endswith(".")


@pytest.mark.parametrize("value", [True, None, 1.5, [], {"a": 1}, -1, MAX_BYTES + 1, b"4GB"])
def test_fields_of_another_type_are_refused(value: object) -> None:
    with pytest.raises(InvalidInput):
        bytes_of(value, attr="size")


def test_fields_hold_numbers_or_text() -> None:
    assert bytes_of(5) == 5
    assert bytes_of("5 KB") == 5000


@given(st.integers(min_value=0, max_value=MAX_BYTES))
def test_a_plain_number_is_itself(size: int) -> None:
    assert parse_size(str(size)) == size


@given(st.integers(min_value=0, max_value=10**15))
def test_a_shown_size_reads_back_within_its_last_digit(size: int) -> None:
    shown = format_size(size)
    assert abs(parse_size(shown) - size) <= max(size / 10, 0)


@given(st.text(max_size=50))
def test_any_text_is_a_size_or_a_sentence(text: str) -> None:
    with suppress(InvalidInput):
        assert 0 <= parse_size(text) <= MAX_BYTES


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 KB"),
        (1234, "1.2 KB"),
        (999_999, "999 KB"),
        (291_543_000, "291 MB"),
        (2_019_393_189, "2.0 GB"),
        (4_000_000_000, "4 GB"),
        (9_960_000_000, "10.0 GB"),
        (1_500_000_000_000, "1.5 TB"),
        (-1234, "-1.2 KB"),
    ],
)
def test_sizes_look_as_in_ollama(size: int, shown: str) -> None:
    assert format_size(size) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0s"),
        (-3, "0s"),
        (6.6, "7s"),
        (59.7, "1m0s"),
        (133, "2m13s"),
        (3599.9, "1h0m"),
        (3900, "1h5m"),
        (360_000, "99h+"),
        (float("inf"), "99h+"),
        (float("nan"), "99h+"),
    ],
)
def test_durations_look_as_in_ollama(seconds: float, shown: str) -> None:
    assert format_duration(seconds) == shown


@pytest.mark.parametrize(
    ("rate", "shown"),
    [(12_400_000, "12 MB/s"), (0, "0 B/s"), (-5, "0 B/s"), (float("nan"), "0 B/s")],
)
def test_rates(rate: float, shown: str) -> None:
    assert format_rate(rate) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0421, "0.042"), (1.25, "1.25"), (12.54, "12.5"), (999.4, "999"), (12345.6, "12,346")],
)
def test_figures_have_about_three_digits(value: float, shown: str) -> None:
    assert format_figure(value) == shown


def test_digits_are_grouped() -> None:
    assert [group_thousands(count) for count in (0, 999, 1000, 12_345_678)] == [
        "0", "999", "1,000", "12,345,678",
    ]  # fmt: skip
