"""The key-value cache by what `/api/show` says, which may be anything."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models_app.ollama.kv_cache import BATCH, MOST_BYTES_A_TOKEN, KvCache, read_kv_cache

LAYERS, HEADS, KV_HEADS, SIZE = 32, 32, 8, 128
LLAMA = {
    "block_count": LAYERS,
    "attention.head_count": HEADS,
    "attention.head_count_kv": KV_HEADS,
    "attention.key_length": SIZE,
    "attention.value_length": SIZE,
    "embedding_length": 4096,
}
BYTES = LAYERS * KV_HEADS * (SIZE + SIZE) * 2
ABSENT = object()


def info(_family: str = "llama", **changes: Any) -> dict[str, Any]:
    facts = LLAMA | {name.replace("__", "."): value for name, value in changes.items()}
    said = {f"{_family}.{key}": value for key, value in facts.items() if value is not ABSENT}
    return {"general.architecture": _family, **said}


def test_layers_heads_and_sizes() -> None:
    assert read_kv_cache(info()) == KvCache(BYTES)
    assert KvCache(BYTES).bytes_for(8192) == 8192 * BYTES == 2**30


@pytest.mark.parametrize(
    ("changes", "full"),
    [
        ({"attention__key_length": ABSENT, "attention__value_length": ABSENT}, BYTES),
        ({"attention__key_length": None, "attention__value_length": 64}, BYTES * 3 // 4),
        ({"attention__head_count_kv": ABSENT}, BYTES * HEADS // KV_HEADS),
        ({"attention__head_count_kv": [KV_HEADS, 0] * 16}, BYTES // 2),
        ({"attention__head_count": ABSENT, "embedding_length": ABSENT}, BYTES),
    ],
)
def test_what_is_left_out_has_its_default(changes: dict[str, Any], full: int) -> None:
    assert read_kv_cache(info(**changes)) == KvCache(full)


@pytest.mark.parametrize("value", [ABSENT, None, -1, 0, 2**62, 2.5, "8", True, [], [8], {}])
@pytest.mark.parametrize("name", ["block_count", "attention.head_count_kv", "attention.key_length"])
def test_what_cannot_be_is_not_known(name: str, value: object) -> None:
    changes: dict[str, Any] = {name.replace(".", "__"): value}
    left_out = value is ABSENT or (value is None and name != "attention.head_count_kv")
    if left_out and name != "block_count":
        assert read_kv_cache(info(**changes)) is not None
        return
    assert read_kv_cache(info(**changes)) is None


def test_no_size_of_a_head_at_all() -> None:
    gone: dict[str, Any] = {"attention__key_length": ABSENT, "attention__head_count": ABSENT}
    assert read_kv_cache(info(**gone)) is None
    assert read_kv_cache(info(attention__key_length=ABSENT, embedding_length=-4096)) is None
    assert read_kv_cache(info(block_count=1000, attention__head_count_kv=4096)) is None


def test_layers_with_a_window_keep_no_more_than_that() -> None:
    said = {"attention__sliding_window": 512, "block_count": 18}
    one = KV_HEADS * (SIZE + SIZE) * 2
    gemma = read_kv_cache(info("gemma3", **said))
    assert gemma == KvCache(3 * one, 15 * one, 512 + BATCH)
    assert gemma.bytes_for(512) == 18 * 512 * one
    assert gemma.bytes_for(32_768) == 3 * one * 32_768 + 15 * one * 1024
    assert read_kv_cache(info("gptoss", **said)) == KvCache(9 * one, 9 * one, 4096 + BATCH)
    pattern = [True, True, False] * 6
    said["attention__sliding_window_pattern"] = pattern  # type: ignore[assignment]
    assert read_kv_cache(info("other", **said)) == KvCache(6 * one, 12 * one, 512 + BATCH)


@pytest.mark.parametrize("window", [ABSENT, None, -1, 0, 2**60, 1.5, "512", [512]])
def test_without_a_window_all_layers_count_in_full(window: object) -> None:
    assert read_kv_cache(info("gemma3", attention__sliding_window=window)) == KvCache(BYTES)


def test_of_a_family_whose_layers_nobody_tells_all_count_in_full() -> None:
    said = {"attention__sliding_window": 512, "attention__sliding_window_pattern": None}
    assert read_kv_cache(info("gemma3n", **said)) == KvCache(BYTES)


@pytest.mark.parametrize("kept", [None, [], [1, 2], [1, 2, -3], [1, "2", 3], {"full": 1}, 7])
def test_a_row_that_cannot_be_read(kept: object) -> None:
    assert KvCache.from_json(kept) is None


def test_a_row_keeps_it() -> None:
    cache = KvCache(3, 15, 1024)
    assert KvCache.from_json(json.loads(json.dumps(cache.as_json()))) == cache


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
values: st.SearchStrategy[Any] = (
    scalars | st.lists(scalars | st.integers(0, 64), max_size=40) | st.just({})
)


@given(
    st.sampled_from(["llama", "gemma3", "gptoss", ""]),
    st.dictionaries(
        st.sampled_from([*LLAMA, "attention.sliding_window", "attention.sliding_window_pattern"]),
        values | st.integers(0, 200),
    ),
)
def test_any_answer_is_read(family: str, facts: dict[str, Any]) -> None:
    named = {f"{family}.{key}": value for key, value in facts.items()}
    cache = read_kv_cache({"general.architecture": family, **named})
    if cache is not None:
        assert 0 < cache.full + cache.windowed <= MOST_BYTES_A_TOKEN
        assert cache.windowed >= 0
        assert cache.full >= 0
        assert bool(cache.windowed) == bool(cache.window)
        assert cache.bytes_for(4096) >= 0


@given(values)
def test_any_info_is_read(said: object) -> None:
    assert read_kv_cache(said) is None
