"""The grammar of models' names."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models_app.ollama.names import ModelName
from ollamactl.lib.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "full", "display", "source"),
    [
        ("llama3.2", "registry.ollama.ai/library/llama3.2:latest", "llama3.2:latest", "library"),
        ("llama3.2:1b", "registry.ollama.ai/library/llama3.2:1b", "llama3.2:1b", "library"),
        ("  qwen3:8b \n", "registry.ollama.ai/library/qwen3:8b", "qwen3:8b", "library"),
        ("library/x", "registry.ollama.ai/library/x:latest", "x:latest", "library"),
        ("team/x:7b", "registry.ollama.ai/team/x:7b", "team/x:7b", "library"),
        (
            "registry.ollama.ai/library/x",
            "registry.ollama.ai/library/x:latest",
            "x:latest",
            "library",
        ),
        (
            "Registry.Ollama.AI/Library/X",
            "Registry.Ollama.AI/Library/X:latest",
            "X:latest",
            "library",
        ),
        ("hf.co/user/repo", "hf.co/user/repo:latest", "hf.co/user/repo:latest", "huggingface"),
        (
            "hf.co/bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M",
            "hf.co/bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M",
            "hf.co/bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M",
            "huggingface",
        ),
        ("huggingface.co/u/r:q8", "huggingface.co/u/r:q8", "huggingface.co/u/r:q8", "huggingface"),
        (
            "localhost:5000/a/b",
            "localhost:5000/a/b:latest",
            "localhost:5000/a/b:latest",
            "registry",
        ),
        ("localhost:5000/a/b:c", "localhost:5000/a/b:c", "localhost:5000/a/b:c", "registry"),
        ("https://reg.example/a/b:c", "reg.example/a/b:c", "reg.example/a/b:c", "registry"),
        ("_x:_y", "registry.ollama.ai/library/_x:_y", "_x:_y", "library"),
        (
            "gpt-oss:20b-cloud",
            "registry.ollama.ai/library/gpt-oss:20b-cloud",
            "gpt-oss:20b-cloud",
            "library",
        ),
    ],
)
def test_names(text: str, full: str, display: str, source: str) -> None:
    name = ModelName.parse(text)
    assert (name.full, name.display, name.source) == (full, display, source)
    assert name.key == full.lower()
    assert str(name) == display


@pytest.mark.parametrize(
    "text",
    [
        *["", "  ", ":", "x:", ":x", "/", "/x", "x/", "a//b", "a/b/c/d", "a b", "x:y:z", "x\x00"],
        *["x\ny", "émile", "x@sha256:" + "0" * 64, "-x", ".x", "x:-y", "../../etc/passwd"],
        *["..", "x:..", "http://reg.example/a/b", "https://example.com/a", "ftp://h/a/b"],
        *["a" * 81, "x:" + "a" * 81, "n" * 81 + "/x", "h" * 351 + "/n/x", "hf.co/repo"],
        *["localhost:5000/x", "x?y", "x#y", "x%2e", "<b>x</b>", "x" * 5000, "[::1]:5000/a/b"],
    ],
)
def test_what_is_no_name_gets_a_sentence(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        ModelName.parse(text)
    assert (caught.value.attr, caught.value.code) == ("name", "invalid_name")
    assert str(caught.value.detail).endswith((".", "tag."))


def test_names_are_compared_without_regard_to_case() -> None:
    assert ModelName.parse("Llama3.2").key == ModelName.parse("library/llama3.2:LATEST").key


START = st.sampled_from("abcXYZ019_")
PART = st.builds("".join, st.lists(st.sampled_from("abcXYZ019_-."), max_size=79))
NAMESPACE = st.builds("".join, st.lists(st.sampled_from("abcXYZ019_-"), max_size=79))
HOST = st.builds("".join, st.lists(st.sampled_from("abcXYZ019_-.:"), max_size=100))
NAMES = st.builds(
    lambda h, n, m, t: ModelName("".join(h), "".join(n), "".join(m), "".join(t)),
    st.tuples(START, HOST),
    st.tuples(START, NAMESPACE),
    st.tuples(START, PART),
    st.tuples(START, PART),
)


@given(NAMES)
def test_every_valid_name_reads_back(name: ModelName) -> None:
    assert ModelName.parse(name.full) == name
    assert ModelName.parse(name.display).key == name.key


@given(st.text(max_size=60))
def test_any_text_is_a_name_or_a_sentence(text: str) -> None:
    with suppress(InvalidInput):
        name = ModelName.parse(text)
        assert ModelName.parse(name.display).key == name.key
        assert name.display.isascii()
        assert ".." not in name.full.split("/")


@given(st.text(alphabet="abA0_-.:/@", max_size=30))
def test_texts_that_look_like_names_are_stable(text: str) -> None:
    with suppress(InvalidInput):
        assert ModelName.parse(ModelName.parse(text).full).full == ModelName.parse(text).full
