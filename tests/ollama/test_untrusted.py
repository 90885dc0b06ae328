"""JSON from outside is bounded and typed, whatever is in it."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models_app.ollama.answers import TagsReader, read_loaded, read_pull_line, read_show
from models_app.ollama.names import ModelName
from models_app.ollama.types import LoadedModel, ModelDetails
from models_app.ollama.untrusted import bare_digest, clean_text, moment, parse_object, whole_number

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
HEX = "ab" * 32


def test_only_objects_are_read() -> None:
    assert parse_object(b'{"a": NaN, "b": -Infinity, "c": 1}') == {"a": None, "b": None, "c": 1}
    for raw in (b"", b"[]", b"1", b'"x"', b"null", b"{", b"\xff{}", b"[" * 100_000, b"<html>"):
        assert parse_object(raw) is None
    assert parse_object(b'{"n": ' + b"9" * 5000 + b"}") is None


def test_texts_lose_what_does_not_show() -> None:
    assert clean_text("a\x00b\x1b[31mc\u202ed\n e\t f") == "ab[31mcd e f"
    assert clean_text("x" * 500, longest=10) == "x" * 9 + "…"
    assert clean_text(None) == clean_text(5) == clean_text(["x"]) == ""


@pytest.mark.parametrize("value", [-1, 2**63, True, 1.0, "1", None, [], float("nan")])
def test_what_is_no_count_is_not_known(value: object) -> None:
    assert whole_number(value) is None


def test_times_keep_their_meaning() -> None:
    expected = dt.datetime(2026, 1, 2, 3, 4, 5, 123456, tzinfo=dt.UTC)
    assert moment("2026-01-02T03:04:05.123456789Z") == expected
    assert moment("2026-01-02T05:04:05.123456789+02:00") == expected
    assert moment("2026-01-02T03:04:05.123456") == expected
    for value in ("", "soon", "0001-01-01T00:00:00+14:00", 5, None, "2026-01-02" * 20):
        assert moment(value) is None


def test_digests() -> None:
    assert bare_digest(HEX) == bare_digest(f"sha256:{HEX}") == bare_digest(HEX.upper()) == HEX
    for value in ("", "sha256:", HEX[:-1], HEX + "0", "g" * 64, "sha512:" + HEX, None, 5):
        assert bare_digest(value) == ""


def test_a_list_of_models_survives_its_bad_entries() -> None:
    good = {
        "name": "x:latest",
        "digest": HEX,
        "size": 5,
        "modified_at": "2026-01-02T03:04:05.123456789+00:00",
        "details": {"family": "llama", "families": ["llama", 5], "quantization_level": "Q4_0"},
    }
    hostile = {"name": "y", "digest": "zz", "size": -5, "modified_at": [], "details": "no"}
    cloud = {"model": "z:cloud", "remote_host": "https://ollama.com", "remote_model": "z"}
    bad: list[object] = [
        {"name": "no good name"},
        {"name": "a\x00b"},
        {},
        5,
        None,
        {**good, "size": 6},
    ]
    x, y, z = TagsReader().read([good, hostile, cloud, *bad])
    assert (x.name.display, x.digest, x.size) == ("x:latest", HEX, 5)
    assert x.modified_at == dt.datetime(2026, 1, 2, 3, 4, 5, 123456, tzinfo=dt.UTC)
    assert x.details == ModelDetails(family="llama", families=("llama",), quantization="Q4_0")
    assert (y.digest, y.size, y.modified_at, y.details) == ("", None, None, ModelDetails())
    assert (z.name.display, z.digest) == ("z:cloud", "")


def loaded(**fields: object) -> LoadedModel:
    return read_loaded({"models": [{"name": "x", "digest": HEX, **fields}]}, now=NOW)[0]


@pytest.mark.parametrize(
    ("size", "vram", "processor"),
    [
        (100, 0, "100% CPU"),
        (100, 100, "100% GPU"),
        (100, 75, "25%/75% CPU/GPU"),
        (1000, 335, "67%/33% CPU/GPU"),
        (200, 75, "63%/37% CPU/GPU"),
        (100, 101, ""),
        (0, 0, "100% CPU"),
        (-1, 5, ""),
        (100, None, ""),
        ("100", 5, ""),
    ],
)
def test_the_processor_reads_as_in_ollama_ps(size: object, vram: object, processor: str) -> None:
    assert loaded(size=size, size_vram=vram).processor == processor


def test_an_omitted_zero_is_a_zero() -> None:
    assert loaded(size=100).processor == "100% CPU"


def test_expiry() -> None:
    assert loaded(expires_at="2318-01-01T00:00:00.123456789Z").expires_at is None
    soon = loaded(expires_at="2026-01-01T00:05:00.5Z")
    assert soon.expires_at == NOW + dt.timedelta(minutes=5, milliseconds=500)
    assert not soon.stopping
    assert loaded(expires_at="2025-12-31T23:59:59Z").stopping
    assert not loaded(expires_at="nonsense").stopping


def test_details_of_a_model() -> None:
    shown = read_show(
        {
            "details": {"family": "gemma3"},
            "capabilities": ["completion", "vision", 5],
            "parameters": "num_ctx 512\x00\nstop <x>",
            "model_info": {
                "general.architecture": "gemma3",
                "gemma3.context_length": 32768,
                "general.parameter_count": 268098176,
                "tokenizer.ggml.tokens": None,
                "list": [1],
                "big": 1e999,
            },
        }
    )
    assert shown.context_length == 32768
    assert shown.parameter_count == 268098176
    assert shown.capabilities == ("completion", "vision")
    assert shown.parameters == "num_ctx 512\nstop <x>"
    assert "big" not in shown.model_info
    assert json.dumps(shown.model_info, allow_nan=False)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    [
        *["name", "model", "digest", "size", "size_vram", "modified_at", "expires_at", "details"],
        *["remote_host", "model_info", "capabilities", "status", "total", "completed"],
    ]
)
ENTRY = st.dictionaries(FIELDS, JSON | st.just("x:latest"))


@given(ENTRY, st.lists(ENTRY, max_size=3))
def test_no_json_makes_the_readers_fail(one: dict[str, object], many: list[object]) -> None:
    for entry in TagsReader().read(many):
        assert isinstance(entry.name, ModelName)
        assert entry.size is None or entry.size >= 0
    for model in read_loaded({"models": many}, now=NOW):
        assert model.size_vram is None or model.size_vram >= 0
        assert "%" in model.processor or model.processor == ""
    read_show(one)
    line = read_pull_line(one)
    assert line.completed >= 0
    assert line.total >= 0
