"""Lines that end between words, however a text is cut into parts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollamactl.cli.remote.wrapping import WordWrap
from ollamactl.cli.terminal import width_of


def wrapped(*parts: str, width: int) -> str:
    wrap = WordWrap(width)
    return "".join(wrap.feed(part) for part in parts) + wrap.flush()


@pytest.mark.parametrize(
    ("parts", "shown"),
    [
        (["one two three"], "one two\nthree"),
        (["o", "ne t", "wo thr", "ee"], "one two\nthree"),
        (["    indented\n\nx"], "    indented\n\nx"),
        (["a unbreakablylong b"], "a\nunbreakablylong\nb"),
        (["海是蓝色的，很大。"], "海是蓝色\n的，很大\n。"),
        (["end "], "end "),
    ],
)
def test_lines_end_between_words(parts: list[str], shown: str) -> None:
    assert wrapped(*parts, width=9) == shown


@given(st.text(alphabet="ab \n海-", max_size=60), st.integers(1, 12), st.integers(0, 60))
def test_nothing_is_lost_and_cuts_make_no_difference(text: str, width: int, cut: int) -> None:
    whole = wrapped(text, width=width)
    assert wrapped(text[:cut], text[cut:], width=width) == whole
    assert whole.split() == text.split() or whole.replace("\n", "").replace(" ", "") == (
        text.replace("\n", "").replace(" ", "")
    )
    for line in whole.split("\n"):
        assert width_of(line.rstrip()) <= width or len(line.split()) <= 1
