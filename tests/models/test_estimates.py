"""Estimates of sizes, measured against the sizes of the well-known models."""

from __future__ import annotations

from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models_app.catalogue import catalogue
from models_app.catalogue.types import CatalogueTag
from models_app.ollama.names import ModelName
from models_app.resources import estimates
from models_app.resources.estimates import (
    DETAILS,
    TABLE,
    bits_of,
    estimated_size,
    memory_needed,
    parameters_in,
    usual_bytes,
)

TAGS = [tag for tag in catalogue().tags if bits_of(tag.quantization)]


def guessed(name: str, **known: str) -> tuple[float, str] | None:
    size = estimated_size(ModelName.parse(name), **known)
    return (round(size.bytes / 1e9, 1), size.source) if size else None


def off(guess: float, tag: CatalogueTag) -> float:
    return abs(guess - tag.size) / tag.size


def test_by_parameters_and_quantization() -> None:
    wrong = [off(tag.parameters * (bits_of(tag.quantization) or 0) / 8, tag) for tag in TAGS]
    assert len(wrong) > 200
    assert median(wrong) < 0.03
    assert sorted(wrong)[int(len(wrong) * 0.9)] < 0.2


def test_by_the_table() -> None:
    usual = [tag for tag in TAGS if tag.quantization == "Q4_K_M"]
    wrong = [off(usual_bytes(tag.parameters), tag) for tag in usual]
    assert median(wrong) < 0.05
    assert sorted(wrong)[int(len(wrong) * 0.9)] < 0.25


@pytest.mark.parametrize(
    ("name", "guess"),
    [
        ("team/story:8b-instruct-q4_K_M", (5.0, DETAILS)),
        ("team/story:8b-fp16", (16.1, DETAILS)),
        ("hf.co/user/Story-7B-GGUF:Q8_0", (7.4, DETAILS)),
        ("team/story:8x7b-q4_0", (27.0, DETAILS)),
        ("team/story:270m-q8_0", (0.3, DETAILS)),
        ("team/story:70b", (42.7, TABLE)),
        ("team/story-3b", (1.9, TABLE)),
        ("team/story", None),
        ("team/v2b8x:latest", None),
    ],
)
def test_by_the_name(name: str, guess: tuple[float, str] | None) -> None:
    assert guessed(name) == guess


def test_a_known_model_is_looked_up() -> None:
    tag = TAGS[0]
    size = estimated_size(ModelName.parse(tag.name))
    assert size is not None
    assert (size.bytes, size.source, size.parameters) == (tag.size, DETAILS, tag.parameters)


def test_what_the_server_says_counts_more_than_the_name() -> None:
    assert guessed("team/story", parameter_size="8.0B", quantization="Q4_K_M") == (5.0, DETAILS)


def test_memory_is_weights_and_context() -> None:
    short = memory_needed(4_900_000_000, context=4096, parameters=8_000_000_000)
    long = memory_needed(4_900_000_000, context=131_072, parameters=8_000_000_000)
    assert 5.5e9 < short < 6.5e9
    assert 21e9 < long < 24e9
    assert memory_needed(100_000_000, context=2048) > 400_000_000


@given(st.text(max_size=60))
def test_any_text_is_read(text: str) -> None:
    count, bits = parameters_in(text), bits_of(text)
    assert count is None or 0 < count <= estimates.LARGEST_PARAMETERS
    assert bits is None or 0 < bits < 40
