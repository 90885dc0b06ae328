"""The shipped catalogue: every entry is whole and plausible, and names find it."""

from __future__ import annotations

from datetime import date

import pytest
from django.utils import translation

from models_app.catalogue import CatalogueTag, catalogue, find
from models_app.ollama.names import ModelName

FAMILIES = catalogue().families
TAGS = catalogue().tags
CAPABILITIES = {"completion", "tools", "thinking", "vision", "insert", "embedding"}
# The least and most bits a parameter; small models have large vocabularies, and some a projector.
BITS = {"Q4_0": (4, 10), "Q4_K_M": (4, 10.5), "MXFP4": (4, 6), "Q8_0": (8, 9.5), "F16": (15, 17)}
BITS["BF16"] = BITS["F16"]


def test_is_dated_and_sorted() -> None:
    """People see how old it is, and find it in order."""
    assert date(2025, 1, 1) < catalogue().date
    names = [family.name for family in FAMILIES]
    assert names == sorted(set(names))
    assert len(names) >= 60


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_each_family_is_whole(family: object) -> None:
    """It says what it is for in both languages, and which download its name alone means."""
    found = catalogue().family(getattr(family, "name", ""))
    assert found is not None
    assert set(found.capabilities) <= CAPABILITIES
    assert found.capabilities
    assert set(found.summaries) == {"en", "zh-hans"}
    assert all(len(text) < 120 for text in found.summaries.values())
    assert found.license
    assert found.publisher
    words = [word for tag in found.tags for word in (tag.tag, *tag.aliases)]
    assert len(words) == len(set(words))
    assert [tag.is_default for tag in found.tags] == [True] + [False] * (len(found.tags) - 1)


@pytest.mark.parametrize("tag", TAGS, ids=lambda tag: tag.name)
def test_each_size_fits_its_parameters(tag: CatalogueTag) -> None:
    """A slip of the pen in a size shows in the bits a parameter."""
    least, most = BITS[tag.quantization]
    assert least <= tag.size * 8 / tag.parameters <= most
    assert tag.context_length >= 512
    assert ModelName.parse(tag.name).display == tag.name


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("llama3.2", "llama3.2:3b"),
        ("LLAMA3.2:Latest", "llama3.2:3b"),
        ("registry.ollama.ai/library/qwen3:8B-Q4_k_m", "qwen3:8b"),
        (" nomic-embed-text ", "nomic-embed-text:v1.5"),
    ],
)
def test_a_name_in_any_form_finds_its_tag(name: str, tag: str) -> None:
    """As Ollama takes names."""
    found = find(name)
    assert found is not None
    assert found.name == tag


@pytest.mark.parametrize(
    "name",
    ["", "llama3.2:9b", "team/llama3.2", "hf.co/library/llama3.2", "no:such:name", "x" * 999],
)
def test_other_names_find_nothing(name: str) -> None:
    """Neither a user's model of the same name nor what is no name at all."""
    assert find(name) is None


def test_figures_are_written_as_ollama_does() -> None:
    """For pages and estimates alike."""
    found = find("qwen3:8b")
    assert found is not None
    assert (found.parameter_size, found.quantization) == ("8.2B", "Q4_K_M")
    assert find("nomic-embed-text").parameter_size == "137M"  # type: ignore[union-attr]


def test_the_summary_is_in_the_readers_language() -> None:
    """The data has both."""
    family = catalogue().family("qwen3")
    assert family is not None
    with translation.override("zh-hans"):
        assert "思考" in family.summary
    with translation.override("en"):
        assert "think" in family.summary
