"""Sentences that one process writes and another reads, in another language."""

from __future__ import annotations

import pytest
from django.utils.translation import gettext_lazy, gettext_noop, override
from hypothesis import given
from hypothesis import strategies as st

from ollamactl.lib import sentences
from ollamactl.lib.errors import InvalidInput
from ollamactl.lib.sentences import Sentence, from_stored, to_stored

WORDS = {"queued": "等待中", "It is {state}.": "状态：{state}。", "Broken {x}": "坏 {y}"}


@pytest.fixture
def chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentences, "gettext", lambda text: WORDS.get(text, text))


def test_chinese_has_no_space_between_two_sentences() -> None:
    with override("en"):
        assert sentences.join_sentences("It is here.", "It is 5% full.") == (
            "It is here. It is 5% full."
        )
        assert [sentences.join_sentences(), sentences.join_sentences("One.")] == ["", "One."]
    with override("zh-hans"):
        assert sentences.join_sentences("甲。", "乙。", "丙。") == "甲。乙。丙。"


@given(st.text(), st.integers())
def test_values_come_back_as_they_were(name: str, count: int) -> None:
    sentence = Sentence("{name} has {count}.", name=name, count=count)
    assert str(from_stored(to_stored(sentence))) == f"{name} has {count}."


def test_a_sentence_within_a_sentence_is_read_in_the_readers_language(chinese: None) -> None:
    stored = to_stored(Sentence("It is {state}.", state=Sentence(gettext_noop("queued"))))
    assert str(from_stored(stored)) == "状态：等待中。"
    assert to_stored(from_stored(stored)) == stored


def test_a_lazy_text_within_one_is_stored_in_english(chinese: None) -> None:
    with override("zh-hans"):
        stored = to_stored(Sentence("It is {state}.", state=gettext_lazy("queued")))
    assert "queued" in stored
    assert str(from_stored(stored)) == "状态：等待中。"


def test_a_translation_with_other_places_falls_back(chinese: None) -> None:
    assert str(Sentence("Broken {x}", x=1)) == "Broken 1"


@pytest.mark.parametrize(
    "text", ["", "Plain.", '{"sentence": 1}', '{"sentence":', '{"sentence":"a","values":[1]}']
)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert to_stored(from_stored(text)) == text


def test_an_error_is_stored_as_its_sentence() -> None:
    error = InvalidInput(Sentence("{x} is wrong.", x=3))
    assert str(from_stored(to_stored(error))) == "3 is wrong."
