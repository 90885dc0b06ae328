"""Typing errors, counted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models_app.search.typos import errors_in, forgiven, words_of

NAME = st.text("abcdefghijklmnopqrstuvwxyz.0123456789", min_size=1, max_size=12)
LETTERS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=4, max_size=14)


@pytest.mark.parametrize(
    ("typed", "name", "errors"),
    [
        ("llama3.2", "llama3.2:latest", 0),
        ("lama3.2", "llama3.2:latest", 0),  # a part of it
        ("llma3.2", "llama3.2:latest", 1),
        ("qwan3", "qwen3:8b", 1),
        ("qwne3", "qwen3:8b", 1),
        ("qewn3", "qwen3:8b", 1),
        ("mixtrl", "mixtral:8x7b", 1),
        ("codelamma", "codellama:7b", 2),
        ("deepsek r1", "deepseek-r1:8b", 1),
        ("nomic-embd", "nomic-embed-text:v1.5", 1),
        ("gema", "gemma3:4b", 1),  # the rest is not typed yet
        ("llama2", "llama3:8b", None),  # another model, no error
        ("qwn 70b", "qwen3:8b", None),
        ("abc", "abd:latest", None),  # too short to forgive anything
        ("zzzzzz", "qwen3:8b", None),
    ],
)
def test_errors_are_counted_word_by_word(typed: str, name: str, errors: int | None) -> None:
    assert errors_in(words_of(typed), name) == errors


@given(LETTERS, st.data())
def test_any_one_error_is_forgiven(word: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(word) - 1))
    letter = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz"))
    swapped = word[:place] + word[place : place + 2][::-1] + word[place + 2 :]
    for typed in (
        word[:place] + word[place + 1 :],
        word[:place] + letter + word[place:],
        word[:place] + letter + word[place + 1 :],
        swapped,
    ):
        errors = errors_in(words_of(typed), f"team/{word}-x:latest")
        assert errors is not None or forgiven(typed) == 0


@given(NAME, NAME)
def test_no_more_errors_than_letters(typed: str, name: str) -> None:
    errors = errors_in(words_of(typed), name)
    assert errors is None or 0 <= errors <= 2 * len(words_of(typed))
