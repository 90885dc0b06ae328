"""What the catalogue says of a model. Sizes are bytes and approximate; contexts are tokens."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import get_language

from ollamactl.lib.formats import format_count

ENGLISH = "en"


@dataclass(frozen=True)
class CatalogueTag:
    """One download of a family.

    `size` is what has to be downloaded, in bytes, approximately; `parameters` their number.
    `aliases` are other tags for the same.
    """

    family: str
    tag: str
    aliases: tuple[str, ...]
    size: int
    parameters: int
    quantization: str
    context_length: int

    @property
    def name(self) -> str:
        """The name to pull: `llama3.2:3b`."""
        return f"{self.family}:{self.tag}"

    @property
    def parameter_size(self) -> str:
        """The parameters as Ollama writes them: `8.2B`, `137M`."""
        return format_count(self.parameters)

    @property
    def is_default(self) -> bool:
        """Whether the family's name alone means this one."""
        return "latest" in (self.tag, *self.aliases)


@dataclass(frozen=True)
class CatalogueFamily:
    """A model of the library with its downloads, the default one first.

    `capabilities` are Ollama's own words: completion, tools, thinking, vision, insert, embedding.
    `summaries`: what it is for, a sentence by language code.
    """

    name: str
    publisher: str
    capabilities: tuple[str, ...]
    license: str
    context_length: int
    summaries: dict[str, str]
    tags: tuple[CatalogueTag, ...]

    @property
    def summary(self) -> str:
        """What it is for, in the reader's language."""
        return self.summaries.get(get_language() or ENGLISH, self.summaries[ENGLISH])

    @property
    def smallest(self) -> CatalogueTag:
        """The download that needs least."""
        return min(self.tags, key=lambda tag: tag.size)
