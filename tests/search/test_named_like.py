"""Models by what is typed of their name: with errors, in order, and in step with the rows."""

from __future__ import annotations

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from models_app.models import OllamaModel
from models_app.search import names as names_module
from models_app.search.names import INDEXES, look_up
from tests.factories import OllamaModelFactory, OllamaServerFactory

pytestmark = pytest.mark.django_db

NAMES = (
    "llama3.2:3b", "llama3.2:1b", "codellama:7b", "qwen3:8b", "qwen2.5-coder:7b-instruct-q4_K_M",
    "deepseek-r1:14b", "mistral:latest", "mixtral:8x7b", "hf.co/a/gamma-it-GGUF:Q4_K_M",
    "team/internal_helper:latest", "gemma3:4b",
)  # fmt: skip


@pytest.fixture
def zoo() -> None:
    server = OllamaServerFactory()
    for name in NAMES:
        OllamaModelFactory(name=name, server=server)


def found(text: str) -> list[str]:
    return [model.name for model in OllamaModel.objects.order_by("name", "pk").named_like(text)]


@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("llama3.2", ["llama3.2:1b", "llama3.2:3b"]),
        ("LLAMA", ["codellama:7b", "llama3.2:1b", "llama3.2:3b"]),
        ("llma3.2", ["llama3.2:1b", "llama3.2:3b"]),
        ("lalma3.2:3b", ["llama3.2:3b"]),
        ("qwan3", ["qwen3:8b"]),
        ("qewn3", ["qwen3:8b"]),
        ("qwen3", ["qwen3:8b"]),
        ("mistrl", ["mistral:latest"]),
        ("mistral", ["mistral:latest", "mixtral:8x7b"]),
        ("mixtral", ["mixtral:8x7b", "mistral:latest"]),
        ("codelamma", ["codellama:7b"]),
        ("deepsek r1", ["deepseek-r1:14b"]),
        ("qwen instruct", ["qwen2.5-coder:7b-instruct-q4_K_M"]),
        ("qwen instrct", ["qwen2.5-coder:7b-instruct-q4_K_M"]),
        ("gama", ["hf.co/a/gamma-it-GGUF:Q4_K_M"]),
        ("intrenal", ["team/internal_helper:latest"]),
        ("internal_h", ["team/internal_helper:latest"]),
        ("m_", []),
        ("q4_k", ["hf.co/a/gamma-it-GGUF:Q4_K_M", "qwen2.5-coder:7b-instruct-q4_K_M"]),
        ("3b", ["llama3.2:3b"]),
        ("a/g", ["hf.co/a/gamma-it-GGUF:Q4_K_M"]),
        ("%", []),
        ('"', []),
        ("nothing like this", []),
        ("( OR", []),
    ],
)
def test_what_is_typed_finds_names(text: str, expected: list[str]) -> None:
    assert found(text) == expected


@pytest.mark.usefixtures("zoo")
def test_what_has_it_comes_before_what_is_like_it() -> None:
    OllamaModelFactory(name="a-mistrel:latest", server=OllamaServerFactory())
    expected = ["mistral:latest", "a-mistrel:latest", "mixtral:8x7b"]
    assert found("mistral") == expected
    rows = OllamaModel.objects.named_like("mistral")
    assert rows.count() == 3
    assert [model.name for model in rows.reverse()] == expected[::-1]


def test_the_index_follows_the_rows() -> None:
    first = OllamaModelFactory(name="whimsical:7b")
    second = OllamaModelFactory(name="whimsical:7b")
    assert len(found("wihmsical")) == 2
    first.delete()
    assert len(found("wihmsical")) == 1
    OllamaModel.objects.filter(pk=second.pk).update(name="sensible:7b")
    assert found("wihmsical") == []
    assert found("sensibel") == ["sensible:7b"]
    OllamaModel.objects.all().delete()
    assert found("sensibel") == []


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="triggers of SQLite")
def test_what_a_migration_took_along_is_made_again() -> None:
    OllamaModelFactory(name="before:7b")
    index = INDEXES["sqlite"].INDEX
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER models_app_ollamamodel_named")
    OllamaModelFactory(name="meanwhile:7b")
    assert not index.is_there(connection)
    index.install(connection)
    assert index.is_there(connection)
    assert found("meanwihle") == ["meanwhile:7b"]
    assert found("befroe") == ["before:7b"]
    index.remove(connection)
    index.install(connection)
    assert found("befroe") == ["before:7b"]


@pytest.mark.usefixtures("zoo")
def test_without_the_index_parts_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names_module, "_known", set())
    monkeypatch.setattr(
        type(INDEXES[connection.vendor].INDEX), "is_there", lambda _index, _connection: False
    )
    assert found("llama3.2") == ["llama3.2:1b", "llama3.2:3b"]
    assert found("llma3.2") == []


def test_many_names_that_have_it_are_not_named_one_by_one() -> None:
    server = OllamaServerFactory()
    OllamaModelFactory.create_batch(names_module.MOST_NAMES + 1, server=server)
    text = OllamaModel.objects.earliest("pk").name[:5]
    assert look_up(text, "default") is None
    assert OllamaModel.objects.named_like(text).count() == names_module.MOST_NAMES + 1


class AnyText(TestCase):
    """Whatever is typed is answered, and a name's own parts find it."""

    @settings(max_examples=60)
    @given(st.text(min_size=1, max_size=40).filter(lambda text: "\0" not in text))
    def test_no_text_is_an_error(self, text: str) -> None:
        OllamaModelFactory(name="llama3.2:3b")
        assert OllamaModel.objects.named_like(text).count() in (0, 1)

    @settings(max_examples=60)
    @given(st.sampled_from(NAMES), st.data())
    def test_each_part_of_a_name_finds_it(self, name: str, data: st.DataObject) -> None:
        OllamaModelFactory(name=name)
        begin = data.draw(st.integers(0, len(name) - 1))
        end = data.draw(st.integers(begin + 1, len(name)))
        assert OllamaModel.objects.named_like(name[begin:end]).count() == 1
