"""Reads the catalogue's file, which ships with the panel: what is wrong in it is our error."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from models_app.catalogue.types import CatalogueFamily, CatalogueTag
from models_app.ollama.names import DEFAULT_HOST, DEFAULT_NAMESPACE, ModelName
from ollamactl.lib.errors import InvalidInput

LIBRARY = (DEFAULT_HOST, DEFAULT_NAMESPACE)
DATA = Path(__file__).with_name("data.json")


@dataclass(frozen=True)
class Catalogue:
    """The families by name, and the day up to which they were known."""

    date: date
    families: tuple[CatalogueFamily, ...]

    @cached_property
    def _tags(self) -> dict[tuple[str, str], CatalogueTag]:
        return {
            (family.name, word.lower()): tag
            for family in self.families
            for tag in family.tags
            for word in (tag.tag, *tag.aliases)
        }

    @cached_property
    def _families(self) -> dict[str, CatalogueFamily]:
        return {family.name: family for family in self.families}

    @property
    def tags(self) -> tuple[CatalogueTag, ...]:
        """Every download of every family."""
        return tuple(tag for family in self.families for tag in family.tags)

    def family(self, name: str) -> CatalogueFamily | None:
        """The family of this name, without a tag."""
        return self._families.get(name.lower())

    def family_of(self, name: str) -> CatalogueFamily | None:
        """The family of a model's name, whichever its tag."""
        parsed = _parsed(name)
        return self._families.get(parsed.model.lower()) if parsed else None

    def find(self, name: str) -> CatalogueTag | None:
        """The tag that a model's name means; None for an unknown or impossible one."""
        parsed = _parsed(name)
        return self._tags.get((parsed.model.lower(), parsed.tag.lower())) if parsed else None


def _parsed(name: str) -> ModelName | None:
    """A name of Ollama's library; None for any other, and for what is no name."""
    try:
        parsed = ModelName.parse(name)
    except InvalidInput:
        return None
    return parsed if (parsed.host.lower(), parsed.namespace.lower()) == LIBRARY else None


@cache
def load() -> Catalogue:
    """The shipped catalogue."""
    data = json.loads(DATA.read_text(encoding="utf-8"))
    families = tuple(_family(row) for row in data["families"])
    return Catalogue(date.fromisoformat(data["date"]), families)


def _family(row: dict[str, Any]) -> CatalogueFamily:
    return CatalogueFamily(
        name=row["name"],
        publisher=row["publisher"],
        capabilities=tuple(row["capabilities"]),
        license=row["license"],
        context_length=row["context_length"],
        summaries=row["summary"],
        tags=tuple(_tag(row, each) for each in row["tags"]),
    )


def _tag(family: dict[str, Any], row: dict[str, Any]) -> CatalogueTag:
    return CatalogueTag(
        family=family["name"],
        tag=row["tag"],
        aliases=tuple(row.get("aliases", ())),
        size=row["size"],
        parameters=row["parameters"],
        quantization=row["quantization"],
        context_length=row.get("context_length", family["context_length"]),
    )
